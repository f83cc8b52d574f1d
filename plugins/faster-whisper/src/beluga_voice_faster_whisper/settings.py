"""Settings of the ``faster-whisper`` recognizer."""

from __future__ import annotations

from pathlib import Path
from typing import Literal

from pydantic import BaseModel, ConfigDict, Field


class FasterWhisperSettings(BaseModel):
    """Which Whisper recognizes, and how thoroughly."""

    model_config = ConfigDict(extra="forbid", frozen=True)

    model: Path | None = Field(
        default=None,
        description="A folder with a Whisper for CTranslate2: model.bin, config.json, tokenizer.json and the "
        "vocabulary. By default the one that `beluga-voice models fetch whisper-base-en` has brought. "
        "No hub is ever asked.",
    )
    language: str | None = Field(
        default=None,
        description="The language that is spoken, as Whisper names it, as in en; None lets a model of several "
        "languages find out, which takes time at each utterance.",
    )
    prompt: str | None = Field(
        default=None,
        description="Text that is taken to have been said before: names and terms to be expected.",
    )
    beam_size: int = Field(default=1, ge=1, le=10, description="Hypotheses that are kept at once.")
    compute_type: Literal[
        "default",
        "int8",
        "int8_float32",
        "int8_float16",
        "int8_bfloat16",
        "int16",
        "float16",
        "bfloat16",
        "float32",
    ] = Field(default="int8", description="Numbers that are computed with, as CTranslate2 names them.")
    device: Literal["cpu", "cuda", "auto"] = Field(default="cpu", description="Where it computes.")
    threads: int = Field(default=2, ge=1, le=64, description="Threads that one utterance may take on a CPU.")
    interim_interval: float = Field(
        default=0.0,
        ge=0,
        le=10,
        description="Seconds of new audio after which what was said so far is recognized anew for an interim "
        "transcript; 0 gives none. Each costs as much as a final.",
    )
    word_timestamps: bool = Field(
        default=False, description="Whether finals carry each word's times, which takes another pass."
    )
    deadline: float = Field(
        default=30.0, gt=0, le=300, description="Seconds that one utterance may take at most."
    )
