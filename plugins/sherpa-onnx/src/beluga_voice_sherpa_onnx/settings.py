"""Settings of the ``sherpa-onnx`` recognizer and voice."""

from __future__ import annotations

from pathlib import Path

from pydantic import BaseModel, ConfigDict, Field


class SherpaSTTSettings(BaseModel):
    """Which model recognizes, and with how many threads."""

    model_config = ConfigDict(extra="forbid", frozen=True)

    model: Path | None = Field(
        default=None,
        description="A folder with a streaming model: tokens.txt, and encoder, decoder and joiner (transducer), "
        "encoder and decoder (paraformer), or one model (CTC of Zipformer or NeMo). By default the one that "
        "`beluga-voice models fetch sherpa-zipformer-en` has brought.",
    )
    language: str | None = Field(
        default=None, description="What the model hears, as a BCP 47 tag, for transcripts to tell."
    )
    beam: int = Field(
        default=0,
        ge=0,
        le=32,
        description="Hypotheses that a transducer keeps at once; 0 keeps the best one only, and costs least.",
    )
    tail: float = Field(
        default=0.6,
        ge=0,
        le=2,
        description="Seconds of silence that the model is given at the end of an utterance, so that it gives the "
        "last word. Models look ahead by up to half a second.",
    )
    workers: int = Field(default=2, ge=1, le=64, description="Threads on which sessions are decoded at once.")
    threads: int = Field(default=1, ge=1, le=16, description="Threads that one step of decoding may take.")
    deadline: float = Field(
        default=10.0, gt=0, le=300, description="Seconds that decoding what was sent may take at most."
    )


class SherpaTTSSettings(BaseModel):
    """Which model speaks, and how."""

    model_config = ConfigDict(extra="forbid", frozen=True)

    model: Path | None = Field(
        default=None,
        description="A folder with a voice: tokens.txt, a lexicon, and the model of VITS, Kokoro, Kitten or Matcha "
        "(with its vocoder). By default one that was fetched: sherpa-kokoro-en, else sherpa-kitten-en.",
    )
    lexicon: Path | None = Field(
        default=None,
        description="How words are pronounced; by default every file lexicon*.txt of the folder.",
    )
    voice: int = Field(
        default=0, ge=0, description="Number of the speaker, of a model that has several; counted from 0."
    )
    speed: float = Field(
        default=1.0, ge=0.5, le=2.0, description="Times as fast as the speaker was recorded."
    )
    threads: int = Field(default=2, ge=1, le=16, description="Threads that one sentence may take.")
    deadline: float = Field(
        default=30.0, gt=0, le=300, description="Seconds that one sentence may take at most."
    )
