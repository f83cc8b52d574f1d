"""The settings of the recognizer."""

from __future__ import annotations

import os
from collections.abc import Mapping
from pathlib import Path
from typing import Annotated, Self

from pydantic import BaseModel, ConfigDict, Field, model_validator

Threshold = Annotated[float, Field(gt=0, le=1)]


def _cores() -> int:
    return os.cpu_count() or 1


class PocketSphinxSettings(BaseModel):
    """How speech is recognised, and in how many processes.

    Without `grammar` and `keywords` it is dictation with a language model. Paths are looked at when the
    provider is opened.
    """

    model_config = ConfigDict(frozen=True, extra="forbid")

    grammar: Path | None = Field(
        default=None,
        description="JSGF file: only its sentences are heard, in less than half the time of dictation.",
    )
    reject: float = Field(
        default=0.0,
        ge=0,
        le=1,
        description="With a grammar: weight of a loop over all phones that competes with it. Speech that "
        "fits the loop better is answered with an empty text. More rejects more; 0 forces all speech onto the "
        "grammar. 0.001 suits human speech; synthetic speech is rejected with it too often.",
    )
    keywords: Mapping[str, Threshold] | None = Field(
        default=None,
        min_length=1,
        description="Phrases to spot, each with its threshold: from 1e-50 (hears it often) to 1 (seldom).",
    )
    model: Path | None = Field(
        default=None,
        description="Folder of an acoustic model for 16 kHz; default is the English one of the engine.",
    )
    dictionary: Path | None = Field(
        default=None, description="Pronouncing dictionary; default is the English one. Must fit `model`."
    )
    language_model: Path | None = Field(
        default=None, description="N-gram language model for dictation; default is the English one."
    )
    language: str = Field(default="en-US", min_length=2, description="BCP 47 tag put into each transcript.")
    interim_interval: float = Field(
        default=0.1, ge=0.02, le=5, description="Seconds of audio between two looks for changed words."
    )
    workers: int = Field(
        default_factory=_cores, ge=1, le=256, description="Processes at most; default is the cores."
    )
    streams_per_worker: int = Field(
        default=4, ge=1, le=64, description="Streams that share a process; one more in all is refused."
    )
    warm: int = Field(
        default=1,
        ge=0,
        le=1024,
        description="Streams to be ready for once the provider is open, spread over `workers`; each decoder "
        "takes 0.35 s to load and some 90 MB (with a grammar 0.15 s and 30 MB).",
    )
    deadline: float = Field(
        default=5.0,
        ge=0.1,
        le=60,
        description="Seconds within which a worker goes on; one that does not is killed.",
    )
    start_deadline: float = Field(
        default=20.0, ge=0.1, le=300, description="Seconds within which a worker has loaded its model."
    )

    @model_validator(mode="after")
    def _fits_together(self) -> Self:
        if self.grammar is not None and self.keywords is not None:
            raise ValueError(
                "both grammar and keywords are set; a decoder does one of them: remove the other"
            )
        searches = (self.grammar, self.keywords, self.language_model)
        if self.model is not None and (self.dictionary is None or all(search is None for search in searches)):
            raise ValueError(
                f"model {str(self.model)!r} alone; an acoustic model of one's own needs its dictionary "
                "and a language_model, grammar or keywords"
            )
        if self.warm > self.workers * self.streams_per_worker:
            raise ValueError(
                f"warm is {self.warm}, but {self.workers} workers of {self.streams_per_worker} streams hold "
                f"{self.workers * self.streams_per_worker}; lower warm, or raise one of these"
            )
        return self
