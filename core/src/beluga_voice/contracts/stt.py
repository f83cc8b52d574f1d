"""Speech to text."""

from __future__ import annotations

from abc import ABC, abstractmethod
from dataclasses import dataclass
from enum import Enum
from typing import ClassVar, Self

from beluga_voice.audio import AudioFrame
from beluga_voice.contracts.provider import Provider
from beluga_voice.errors import ClosedError
from beluga_voice.words import Word


class Listens(Enum):
    """Which audio a recognizer wants to be sent."""

    ALL = "all"
    """Every frame, speech or not: vendors that find the end of speech themselves."""

    SPEECH = "speech"
    """From speech start, less the pre-roll, to the close of the turn: local and per-second-billed engines."""


@dataclass(frozen=True, slots=True)
class Transcript:
    """What a recognizer makes of some speech.

    Attributes:
        text: the words; may be empty in a final and in the answer to `STTStream.finalize`.
        final: whether the text can no longer change. An interim replaces the interim before it.
        start: where the speech of `text` begins, in seconds of the audio sent to this stream; None if unknown.
        end: where it ends; None if unknown.
        words: each word with its times, on the same line as `start`; empty if the engine gives none.
        answers_finalize: this is the answer to one `finalize`; each call is answered once, in order.
        language: BCP 47 tag, if the engine tells.
        end_of_turn: whether the engine takes the caller's turn for complete with these words; None if it does not
            judge that. True in a final of no words tells so of the words before.
    """

    text: str
    final: bool
    start: float | None = None
    end: float | None = None
    words: tuple[Word, ...] = ()
    answers_finalize: bool = False
    language: str | None = None
    end_of_turn: bool | None = None


class STTStream(ABC):
    """One caller's audio on its way through a recognizer. Belongs to one session."""

    @abstractmethod
    async def send(self, frame: AudioFrame) -> None:
        """Feed one frame of the caller's audio to the recognizer.

        Returns once the frame is accepted, not once it is recognized; waits while the engine is slow.

        Args:
            frame: mono int16 at the provider's `STT.sample_rate`. Positions increase; a jump means that the
                audio between was not speech. Not retained after return.

        Raises:
            AudioError: the frame is at another rate, and is not resampled here.
            ClosedError: after `aclose`.
            ProviderError: the engine refused or dropped the stream; `retryable` tells which.
        """

    def send_nowait(self, frame: AudioFrame) -> bool:  # noqa: ARG002 - part of the contract
        """Accept a frame without waiting, if that can be done now.

        An optional fast path: the session tries it first and falls back on `send`.

        Returns:
            Whether the frame was accepted. The default accepts nothing.

        Raises:
            ClosedError: after `aclose`.
            ProviderError: as `send`.
        """
        return False

    @abstractmethod
    async def finalize(self) -> None:
        """Ask for the final words of all audio sent so far; the stream goes on.

        Answered by exactly one transcript with `Transcript.answers_finalize`, which may be empty, if the
        provider declares `STT.finalizes`; a no-op otherwise.

        Raises:
            ClosedError: after `aclose`.
            ProviderError: as `send`.
        """

    @abstractmethod
    async def receive(self) -> Transcript:
        """Wait for the next transcript, in the order of the speech. One caller at a time; may be cancelled.

        Raises:
            ClosedError: after `aclose`, also while waiting.
            ProviderError: the engine failed. The stream is then of no further use.
        """

    async def hold_open(self) -> None:
        """Tell the vendor that the stream is still wanted, if nothing has told it lately.

        Called every `SessionConfig.keep_alive_interval`, also while audio is sent. Does nothing by default.

        Raises:
            ProviderError: it could not be told; the session tells its observers, and goes on.
        """

    @abstractmethod
    async def aclose(self) -> None:
        """End the stream and release what it holds. Idempotent; transcripts not yet received are lost."""

    def __aiter__(self) -> Self:
        return self

    async def __anext__(self) -> Transcript:
        """Receive until closed."""
        try:
            return await self.receive()
        except ClosedError:
            raise StopAsyncIteration from None


class STT(Provider):
    """A recognizer: turns a caller's audio into words.

    The class attributes declare what the engine can do; an instance may override them.
    """

    sample_rate: int = 16000
    """Hz of the frames that `STTStream.send` wants."""

    listens: Listens = Listens.SPEECH
    """Which audio is sent."""

    finalizes: bool = False
    """Whether each `STTStream.finalize` is answered."""

    interim_results: bool = False
    """Whether transcripts that are not final are given."""

    word_timestamps: bool = False
    """Whether finals carry `Transcript.words`."""

    p99_delay: float = 0.0
    """Seconds from the end of speech within which 99 % of finals arrive; 0 if not known."""

    kind: ClassVar[str] = "stt"

    @abstractmethod
    async def open_stream(self) -> STTStream:
        """Open a stream for one session.

        Raises:
            ProviderError: no stream can be had; `retryable` tells whether later.
            ClosedError: after `aclose`.
        """

    async def check_health(self) -> None:
        """Open a stream and close it; see `Provider.check_health`."""
        stream = await self.open_stream()
        await stream.aclose()
