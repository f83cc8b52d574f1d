"""Streaming recognition and voices on this machine, for beluga-voice."""

from __future__ import annotations

from typing import TYPE_CHECKING

from beluga_voice.hookspecs import hookimpl

if TYPE_CHECKING:
    from beluga_voice.hookspecs import RegisterModel, RegisterSTT, RegisterTTS

_ZIPFORMER = (
    "https://huggingface.co/csukuangfj/sherpa-onnx-streaming-zipformer-en-20M-2023-02-17"
    "/resolve/d42f2d9f7ca24806fb667456a18a9f1b60f70d16"
)
_VOICES = "https://github.com/k2-fsa/sherpa-onnx/releases/download/tts-models"
_LEXICON = f"{_VOICES}/lexicon-en-us.txt"


@hookimpl
def register_stt(register: RegisterSTT) -> None:
    """Register ``sherpa-onnx``."""
    register(
        "sherpa-onnx",
        "beluga_voice_sherpa_onnx.stt:SherpaSTT",
        settings="beluga_voice_sherpa_onnx.settings:SherpaSTTSettings",
    )


@hookimpl
def register_tts(register: RegisterTTS) -> None:
    """Register ``sherpa-onnx``."""
    register(
        "sherpa-onnx",
        "beluga_voice_sherpa_onnx.tts:SherpaTTS",
        settings="beluga_voice_sherpa_onnx.settings:SherpaTTSSettings",
    )


@hookimpl
def register_models(register: RegisterModel) -> None:
    """Register a recognizer and two voices, all of English. Of the lexicon no hash is published."""
    register(
        "sherpa-zipformer-en",
        [
            f"{_ZIPFORMER}/encoder-epoch-99-avg-1.int8.onnx",
            f"{_ZIPFORMER}/decoder-epoch-99-avg-1.onnx",
            f"{_ZIPFORMER}/joiner-epoch-99-avg-1.int8.onnx",
            f"{_ZIPFORMER}/tokens.txt",
        ],
        sha256=[
            "3810755ce7c3ab26b42a8bcf39d191308fa27fb0f53358823ba46141d03b7eb3",
            "45a7f940ecfb53d89fa270ad11b88b961e53a317203eb24b1c8e95ed208b0f30",
            "e085d73b593cf9b0707f370dbd656d58327d3fe36d80d849202ef81df02cb01e",
            "49e3c2646595fd907228b3c6787069658f67b17377c60aeb8619c4551b2316fb",
        ],
        licence="Apache-2.0",
        purpose="recognizes English as it is spoken, with word times, on one core",
        size=45_202_074,
    )
    register(
        "sherpa-kitten-en",
        [f"{_VOICES}/kitten-nano-en-v0_2-fp16.tar.bz2", _LEXICON],
        sha256=["0345a8a2f4a710cb8f7912c9a731ded8b3e1e69b33a871efa95c2e64651518fe", ""],
        licence="Apache-2.0",
        purpose="speaks English in eight voices, small and quick",
        size=30_000_000,
    )
    register(
        "sherpa-kokoro-en",
        [f"{_VOICES}/kokoro-int8-en-v0_19.tar.bz2", _LEXICON],
        sha256=["c9f0dd393615805b0bab050c340834d5e684e732aec91c0e860cd30e982c08bd", ""],
        licence="Apache-2.0",
        purpose="speaks English in eleven voices, natural; wants a fast machine",
        size=107_000_000,
    )
