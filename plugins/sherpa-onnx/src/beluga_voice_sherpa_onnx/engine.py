"""What is used of sherpa-onnx, which has no types, and how a recognizer or voice is made of its files."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Protocol

import numpy as np
from numpy.typing import NDArray

from beluga_voice.errors import ProviderError
from beluga_voice_sherpa_onnx.folder import RecognizerFiles, VoiceFiles
from beluga_voice_sherpa_onnx.settings import SherpaSTTSettings

SAMPLE_RATE = 16000

Audio = NDArray[np.float32]


class Result(Protocol):
    """What has been recognized of an utterance so far."""

    text: str
    tokens: Sequence[str]
    timestamps: Sequence[float]


class Utterance(Protocol):
    """``OnlineStream``: the state of one utterance."""

    def accept_waveform(self, sample_rate: int, waveform: Audio) -> None: ...

    def input_finished(self) -> None: ...


class Recognizer(Protocol):
    """``OnlineRecognizer``: a loaded model, used from several threads at once, each with its own utterance."""

    def create_stream(self) -> Utterance: ...

    def is_ready(self, utterance: Utterance) -> bool: ...

    def decode_stream(self, utterance: Utterance) -> None: ...

    def get_result_all(self, utterance: Utterance) -> Result: ...


class Generated(Protocol):
    """``GeneratedAudio``."""

    samples: Sequence[float]


class Voice(Protocol):
    """``OfflineTts``: a loaded voice, used from one thread at a time."""

    sample_rate: int
    num_speakers: int

    def generate(
        self, text: str, *, sid: int, speed: float, callback: Callable[[Audio, float], int]
    ) -> Generated: ...


def load_recognizer(files: RecognizerFiles, settings: SherpaSTTSettings) -> Recognizer:
    """Load a streaming model. Takes seconds with a large one; not for the event loop.

    Raises:
        ProviderError: the engine refuses the files.
    """
    import sherpa_onnx  # type: ignore[import-untyped]

    given: dict[str, str | int] = {"tokens": files.tokens, "num_threads": settings.threads}
    make: Callable[..., Recognizer] = getattr(sherpa_onnx.OnlineRecognizer, f"from_{files.kind}")
    if files.kind == "transducer":
        given |= {"joiner": files.joiner, "decoding_method": "greedy_search"}
        if settings.beam:
            given |= {"decoding_method": "modified_beam_search", "max_active_paths": settings.beam}
    if files.encoder:
        given |= {"encoder": files.encoder, "decoder": files.decoder}
    else:
        given["model"] = files.model
    try:
        return make(**given)
    except Exception as error:  # the engine's own are RuntimeError, AssertionError and ValueError
        raise ProviderError(f"sherpa-onnx cannot load {files}: {error}", retryable=False) from error


def load_voice(files: VoiceFiles, threads: int) -> Voice:
    """Load a voice. Takes seconds; not for the event loop.

    Raises:
        ProviderError: the engine refuses the files.
    """
    import sherpa_onnx

    lexicon: dict[str, str] = {"lexicon": files.lexicon, "tokens": files.tokens}
    if files.kind == "matcha":
        part = sherpa_onnx.OfflineTtsMatchaModelConfig(
            acoustic_model=files.model, vocoder=files.vocoder, **lexicon
        )
    elif files.kind == "vits":
        part = sherpa_onnx.OfflineTtsVitsModelConfig(model=files.model, **lexicon)
    else:
        kind = {
            "kokoro": sherpa_onnx.OfflineTtsKokoroModelConfig,
            "kitten": sherpa_onnx.OfflineTtsKittenModelConfig,
        }[files.kind]
        part = kind(model=files.model, voices=files.voices, **lexicon)
    model = sherpa_onnx.OfflineTtsModelConfig(**{files.kind: part}, num_threads=threads)
    config = sherpa_onnx.OfflineTtsConfig(model=model, max_num_sentences=1)
    if not config.validate():
        raise ProviderError(
            f"sherpa-onnx cannot use {files}; it has said why on standard error", retryable=False
        )
    try:
        voice: Voice = sherpa_onnx.OfflineTts(config)
    except Exception as error:
        raise ProviderError(f"sherpa-onnx cannot load {files}: {error}", retryable=False) from error
    return voice
