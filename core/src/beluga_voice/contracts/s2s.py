"""Speech to speech: models that hear the caller and speak for themselves.

A stream's events are a closed set of frozen classes, `S2SEvent`. Import the module for them: ``from
beluga_voice.contracts import s2s``, then `s2s.Ready`, `s2s.ResponseAudio` and so on.

The session numbers its commits and its requests for a response, each counting up; an event that answers one names
it. A response has a name of the vendor's, unique in its stream.
"""

from __future__ import annotations

from abc import ABC, abstractmethod
from collections.abc import Sequence
from dataclasses import dataclass
from enum import StrEnum
from typing import ClassVar, Self, TypeAlias

from beluga_voice.audio import AudioFrame
from beluga_voice.contracts.llm import (
    AssistantMessage,
    CallerMessage,
    LLMMessage,
    ToolMessage,
    ToolSpec,
    Usage,
)
from beluga_voice.contracts.provider import Provider
from beluga_voice.conversation import ToolCall
from beluga_voice.errors import ClosedError
from beluga_voice.words import Word

# -- what a model gives --


@dataclass(frozen=True, slots=True)
class Ready:
    """The model has taken its setup; it is the first event of each stream, and nothing is sent before it."""


@dataclass(frozen=True, slots=True)
class SpeechStarted:
    """The model found speech of the caller's, at `start` seconds of the audio sent; None if it does not tell."""

    start: float | None = None


@dataclass(frozen=True, slots=True)
class SpeechStopped:
    """The model found the end of speech, at `end` seconds of the audio sent; None if it does not tell."""

    end: float | None = None


@dataclass(frozen=True, slots=True)
class TurnEnded:
    """The model takes the caller's turn for complete; only of a model that `S2S.detects_turns`."""


@dataclass(frozen=True, slots=True)
class InputTranscript:
    """What the caller said, in the model's own or a beside recognizer's words.

    Attributes:
        text: all words of the speech so far, not only the latest; may be empty in a final.
        final: whether they can no longer change. An interim replaces the interim before it.
        commit: the number of the `S2SStream.commit` whose audio it is; 0 if the model committed it by itself.
        start: where the speech begins, in seconds of the audio sent to this stream; None if unknown.
        end: where it ends; None if unknown.
        item: the vendor's name of the speech, by which a final that comes twice is known; empty if it has none.
    """

    text: str
    final: bool
    commit: int = 0
    start: float | None = None
    end: float | None = None
    item: str = ""


@dataclass(frozen=True, slots=True)
class ResponseStarted:
    """The model begins to answer; before any other event of this response.

    Attributes:
        response: the vendor's name of it.
        request: the number it was asked for with; 0 if the model began by itself.
    """

    response: str
    request: int = 0


@dataclass(frozen=True, slots=True)
class ResponseAudio:
    """More of a response's audio: mono int16 at `S2S.output_sample_rate`, of any length from one sample."""

    response: str
    frame: AudioFrame


@dataclass(frozen=True, slots=True)
class ResponseText:
    """More of the words that a response's audio speaks.

    Attributes:
        text: the next words, with their spaces.
        words: those whose times are known, in seconds from the first sample of the response's audio.
    """

    response: str
    text: str
    words: tuple[Word, ...] = ()


@dataclass(frozen=True, slots=True)
class FunctionCalled:
    """A response asks for a tool; its arguments are complete, and may be wrong in any way."""

    response: str
    call: ToolCall


class ResponseOutcome(StrEnum):
    """How a response ended."""

    COMPLETED = "completed"
    CANCELLED = "cancelled"
    """By `S2SStream.cancel`, or by the model, which heard the caller."""

    FAILED = "failed"
    """The vendor failed or refused; or the response is incomplete: too long, or filtered."""


@dataclass(frozen=True, slots=True)
class ResponseDone:
    """A response is over; nothing of it follows. `error` says why one failed."""

    response: str
    outcome: ResponseOutcome = ResponseOutcome.COMPLETED
    error: str = ""


@dataclass(frozen=True, slots=True)
class UsageReported:
    """Tokens that a response, or the transcription of speech, took."""

    usage: Usage


@dataclass(frozen=True, slots=True)
class GoingAway:
    """The vendor will end this stream in `within` seconds; a new one is to take its place before."""

    within: float


@dataclass(frozen=True, slots=True)
class ErrorReported:
    """The vendor refused something, and the stream goes on.

    Attributes:
        message: what it said.
        request: the number of the request for a response that it refused; 0 if it was another command.
    """

    message: str
    request: int = 0


S2SEvent: TypeAlias = (
    Ready
    | SpeechStarted
    | SpeechStopped
    | TurnEnded
    | InputTranscript
    | ResponseStarted
    | ResponseAudio
    | ResponseText
    | FunctionCalled
    | ResponseDone
    | UsageReported
    | GoingAway
    | ErrorReported
)

# -- what a model is given --


@dataclass(frozen=True, slots=True)
class S2SSetup:
    """What a model is told before it listens.

    Attributes:
        instructions: how it is to behave; may be empty.
        tools: what it may call.
        history: the conversation so far, as it was heard, oldest first, without a system's message. A stream that
            takes the place of one that broke begins with it. A model that cannot be given calls and their results
            may leave them out.
        language: BCP 47 tag of the conversation.
    """

    instructions: str = ""
    tools: tuple[ToolSpec, ...] = ()
    history: tuple[LLMMessage, ...] = ()
    language: str = "en"


class S2SStream(ABC):
    """One session's conversation with a model.

    One response is asked for at a time: the session waits for its `ResponseDone` before it asks for another. All
    methods but `receive` return once the vendor was told, not once it has answered; they are called by one task,
    in the order that they are to take effect, and raise:

    Raises:
        ClosedError: after `aclose`.
        ProviderError: the vendor dropped the stream, which is then of no further use; `retryable` tells whether
            to open another.
    """

    @abstractmethod
    async def send(self, frame: AudioFrame) -> None:
        """Feed one frame of the caller's audio to the model; waits while the vendor is slow.

        Args:
            frame: mono int16 at `S2S.input_sample_rate`. Positions increase; a jump means that the audio between
                was not speech. Not retained after return.
        """

    @abstractmethod
    async def commit(self, number: int) -> None:
        """Take the audio sent since the last commit for complete speech, and transcribe it; ask for no response.

        A model that `S2S.transcribes` answers by one final `InputTranscript` with this number, which may be empty.
        Called only of a model that `S2S.commits`, and only after audio.
        """

    @abstractmethod
    async def respond(self, request: int, instructions: str = "") -> None:
        """Have the model answer what it has heard and read, audio that is not yet committed included.

        Answered by `ResponseStarted` with this number, then by its audio, words and calls, and by `ResponseDone`;
        or by `ErrorReported` with this number.

        Args:
            request: the number.
            instructions: in place of the setup's, for this response only; the setup's if empty.
        """

    @abstractmethod
    async def say(self, request: int, text: str) -> None:
        """Have the model speak `text` word by word, beside the conversation, which neither steers nor remembers it.

        Answered as `respond` is. Called only of a model that `S2S.says`.
        """

    @abstractmethod
    async def cancel(self, response: str) -> None:
        """End a response; answered by its `ResponseDone`. One that is over, or unknown, is left as it is."""

    @abstractmethod
    async def truncate(self, response: str, samples: int) -> None:
        """Let the model forget what it said after the first `samples` samples of a response: nobody heard it.

        Called only of a model that `S2S.truncates`, for a response of `respond` or of the model's own that is over
        or was cancelled. Words that were cut are not in the model's memory any more.
        """

    @abstractmethod
    async def add(self, message: CallerMessage | AssistantMessage) -> None:
        """Add to the conversation what was written, or was said by other means, without asking for a response."""

    @abstractmethod
    async def send_result(self, result: ToolMessage) -> None:
        """Give the result of a call that this stream asked for, without asking for a response.

        No vendor is bound to acknowledge it, and nothing waits for that.
        """

    @abstractmethod
    async def update(self, instructions: str, tools: Sequence[ToolSpec]) -> None:
        """Replace the setup's instructions and tools, from the next response on; the conversation stays.

        Called only of a model that `S2S.updates`.
        """

    @abstractmethod
    async def receive(self) -> S2SEvent:
        """Wait for the next event. One caller at a time; may be cancelled. What the vendor adds is passed over.

        Raises:
            ClosedError: after `aclose`, also while waiting.
            ProviderError: the vendor dropped the stream, or broke its protocol; the stream is of no further use.
        """

    @abstractmethod
    async def aclose(self) -> None:
        """End the stream and release what it holds. Idempotent; events not yet received are lost."""

    def __aiter__(self) -> Self:
        return self

    async def __anext__(self) -> S2SEvent:
        """Receive until closed."""
        try:
            return await self.receive()
        except ClosedError:
            raise StopAsyncIteration from None


class S2S(Provider):
    """A model that hears and speaks. Class attributes declare what it can do; instances may override them."""

    input_sample_rate: int = 24000
    """Hz of the frames that `S2SStream.send` wants."""

    output_sample_rate: int = 24000
    """Hz of the audio that it gives."""

    detects_turns: bool = False
    """Whether it finds the caller's speech and the ends of turns itself, and tells them before what answers them:
    it is then sent all audio. Else the session's own VAD and turn detector do, and it is sent speech only."""

    responds_by_itself: bool = False
    """Whether it answers at the end of the caller's spoken turn without being asked; it `detects_turns` then. What
    was written, and results of tools, it answers by `S2SStream.respond`."""

    commits: bool = True
    """Whether it takes `S2SStream.commit`, apart from a response."""

    transcribes: bool = True
    """Whether it gives what the caller said, as `InputTranscript`."""

    truncates: bool = True
    """Whether it takes `S2SStream.truncate`."""

    says: bool = True
    """Whether it takes `S2SStream.say`."""

    calls_tools: bool = True
    """Whether it takes tools and calls them."""

    updates: bool = True
    """Whether it takes `S2SStream.update`; else a new stream is opened for other instructions or tools."""

    word_timestamps: bool = False
    """Whether `ResponseText.words` is given for every word."""

    max_session: float = 0.0
    """Seconds after which the vendor ends a stream; 0 if it does not. A new one takes its place before."""

    kind: ClassVar[str] = "s2s"

    @abstractmethod
    async def open_stream(self, setup: S2SSetup) -> S2SStream:
        """Open a stream for one session; its first event is `Ready`.

        Raises:
            ProviderError: no stream can be had; `retryable` tells whether later.
            ClosedError: after `aclose`.
        """
