"""Text to speech."""

from __future__ import annotations

from abc import ABC, abstractmethod
from collections.abc import AsyncGenerator
from dataclasses import dataclass
from typing import ClassVar

from beluga_voice.audio import AudioFrame
from beluga_voice.contracts.provider import Provider
from beluga_voice.words import Word


@dataclass(frozen=True, slots=True)
class Speech:
    """A part of synthesised speech.

    Attributes:
        frame: mono int16 at the provider's `TTS.sample_rate`, of any length from one sample.
        words: words whose times became known with this part, in seconds from the first sample of the text's
            audio, in order over all parts; empty if the engine gives none.
    """

    frame: AudioFrame
    words: tuple[Word, ...] = ()


class TTSStream(ABC):
    """One session's voice. Speaks one text at a time."""

    @abstractmethod
    def synthesize(self, text: str) -> AsyncGenerator[Speech, None]:
        """Speak `text`, yielding audio as soon as it is there.

        Closing the generator (`aclose`) or cancelling the task that iterates ends the synthesis within one part,
        and the stream is ready for the next text.

        Args:
            text: what to say; may hold any Unicode. Empty or unspeakable text yields nothing.

        Raises:
            ClosedError: after `aclose`, when iterated.
            ProviderError: the engine failed; what was yielded before is valid.
        """

    async def hold_open(self) -> None:
        """Tell the vendor that the stream is still wanted, as `STTStream.hold_open`; nothing by default."""

    @abstractmethod
    async def aclose(self) -> None:
        """Release what the stream holds; ends a synthesis that is going on. Idempotent."""


class TTS(Provider):
    """A synthesiser: turns text into audio. Class attributes declare what it can do; instances may override."""

    sample_rate: int = 24000
    """Hz of the audio that it gives."""

    word_timestamps: bool = False
    """Whether `Speech.words` is given for every word."""

    kind: ClassVar[str] = "tts"

    @abstractmethod
    async def open_stream(self) -> TTSStream:
        """Open a stream for one session.

        Raises:
            ProviderError: no stream can be had.
            ClosedError: after `aclose`.
        """
