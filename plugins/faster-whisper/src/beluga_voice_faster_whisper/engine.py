"""What is used of faster-whisper, and the model of a provider with its one thread."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from types import ModuleType
from typing import Protocol

import numpy as np
from numpy.typing import NDArray

from beluga_voice.contracts import Transcript
from beluga_voice.errors import ConfigurationError, ProviderError
from beluga_voice.words import Word
from beluga_voice_faster_whisper.settings import FasterWhisperSettings

SAMPLE_RATE = 16000

FILES = ("model.bin", "config.json", "tokenizer.json")
"""What has to be in the folder; for a tokenizer that is missing, faster-whisper would ask a hub."""


class _Word(Protocol):
    word: str
    start: float
    end: float


class _Segment(Protocol):
    text: str
    words: Sequence[_Word] | None


class _Info(Protocol):
    language: str


class Whisper(Protocol):
    """``faster_whisper.WhisperModel``. The segments are recognized as they are iterated over."""

    def transcribe(
        self,
        audio: NDArray[np.float32],
        *,
        language: str | None,
        initial_prompt: str | None,
        beam_size: int,
        word_timestamps: bool,
        without_timestamps: bool,
        temperature: float,
        condition_on_previous_text: bool,
    ) -> tuple[Iterable[_Segment], _Info]: ...


class Model:
    """A loaded Whisper. All streams of a provider share it, and wait for each other."""

    def __init__(self, whisper: Whisper, settings: FasterWhisperSettings) -> None:
        self._whisper = whisper
        self._settings = settings
        self.executor = ThreadPoolExecutor(1, "faster-whisper")

    def recognize(self, samples: NDArray[np.int16], begins: int, *, final: bool) -> Transcript:
        """Return what is said in `samples`, which begin at sample `begins` of their stream.

        Silence that is digital, and no audio at all, are not given to the model, which makes words of them. Nothing
        is tried again at a higher temperature: a caller waits.
        """
        start, end = begins / SAMPLE_RATE, (begins + len(samples)) / SAMPLE_RATE
        if not samples.any():
            return Transcript("", final=final)
        settings = self._settings
        segments, info = self._whisper.transcribe(
            samples.astype(np.float32) / np.float32(32768),
            language=settings.language,
            initial_prompt=settings.prompt,
            beam_size=settings.beam_size,
            word_timestamps=settings.word_timestamps and final,
            without_timestamps=not (settings.word_timestamps and final),
            temperature=0.0,
            condition_on_previous_text=False,
        )
        said = list(segments)
        text = "".join(segment.text for segment in said).strip()
        found = [word for segment in said for word in segment.words or ()]
        words = _placed(found, start, end)
        return Transcript(text, final=final, start=start, end=end, words=words, language=info.language)


def load(settings: FasterWhisperSettings, folder: Path) -> Model:
    """Load a model from a folder. Takes seconds; not for the event loop.

    Raises:
        ConfigurationError: there is no such folder, a file is missing, or the model does not know the language.
        ProviderError: the files hold no Whisper, or it cannot be computed as the settings say.
    """
    if not folder.is_dir():
        raise ConfigurationError(
            f"model is {str(folder)!r}, which is no folder; give the path of a Whisper for CTranslate2. Names of "
            "models are not looked up anywhere"
        )
    missing = [name for name in FILES if not (folder / name).is_file()]
    if missing:
        raise ConfigurationError(
            f"{str(folder)!r} holds no {' and no '.join(missing)}; a Whisper for CTranslate2 has it"
        )
    import faster_whisper  # type: ignore[import-untyped]

    _let_no_monitor_run(faster_whisper.transcribe)
    try:
        whisper = faster_whisper.WhisperModel(
            str(folder.resolve()),
            device=settings.device,
            compute_type=settings.compute_type,
            cpu_threads=settings.threads,
            local_files_only=True,
        )
    except (
        Exception
    ) as error:  # CTranslate2 raises RuntimeError and ValueError, the tokenizer a bare Exception
        raise ProviderError(
            f"faster-whisper cannot load {str(folder)!r}: {error}", retryable=False
        ) from error
    known: list[str] = whisper.supported_languages
    if settings.language is not None and settings.language not in known:
        raise ConfigurationError(
            f"language is {settings.language!r}; the model in {str(folder)!r} knows {', '.join(sorted(known))}"
        )
    return Model(whisper, settings)


def _let_no_monitor_run(module: ModuleType) -> None:
    """Replace the bar of progress, which is never shown, by one that starts no thread to watch it."""
    bar: type = module.tqdm
    if getattr(bar, "monitor_interval", 0):
        module.tqdm = type("Unwatched", (bar,), {"monitor_interval": 0})  # type: ignore[attr-defined]


def _placed(words: Iterable[_Word], start: float, end: float) -> tuple[Word, ...]:
    """Put words on the stream's line, in order and within their audio."""
    placed: list[Word] = []
    for word in words:
        begins = min(max(start + float(word.start), placed[-1].end if placed else start), end)
        placed.append(Word(word.word.strip(), begins, min(max(start + float(word.end), begins), end)))
    return tuple(placed)
