"""Agents: what answers the caller."""

from __future__ import annotations

from abc import ABC, abstractmethod
from collections.abc import AsyncGenerator, Awaitable, Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import ClassVar, Protocol

from beluga_voice.contracts.llm import LLM
from beluga_voice.contracts.tools import ToolSource
from beluga_voice.contracts.tts import PLAIN_SPEECH, SpeechOptions
from beluga_voice.conversation import Message
from beluga_voice.events import Event, Reported, ToolOutcome, UtteranceEnded, WhileCallerSpeaks


class Spoken(Awaitable[UtteranceEnded], Protocol):
    """Something that is to be said: awaiting it waits until the caller has heard it, or it ended otherwise."""

    @property
    def done(self) -> bool:
        """Whether it has ended."""

    def cancel(self) -> None:
        """Stop speaking it, or take it from the queue. Idempotent; nothing happens once it has ended."""


Texts = Callable[[int], AsyncGenerator[str, None]]
"""Begins the text of an utterance, whose number it is given."""


class CallControl(Protocol):
    """What an agent may do with the session that it answers in.

    Between two runs of a session that is started again, only what is read can be used.
    """

    @property
    def session_id(self) -> str:
        """The session's name."""

    @property
    def history(self) -> tuple[Message, ...]:
        """The conversation as both sides heard it, oldest first."""

    @property
    def deps(self) -> object:
        """What the host gave for this session; None if nothing."""

    @property
    def llms(self) -> Mapping[str, LLM]:
        """The language models that the session has, by what agents call them; ``""`` is the settings' choice."""

    @property
    def tool_sources(self) -> Sequence[ToolSource]:
        """Sources of tools for every agent of the session, open."""

    @property
    def speaking(self) -> bool:
        """Whether the caller is hearing the agent."""

    def now(self) -> float:
        """The session's time, in seconds."""

    def watch(self, callback: Callable[[Event], None]) -> None:
        """Call `callback` with each event of the session. It must not block."""

    def say(
        self,
        text: str | Texts,
        *,
        allow_interruptions: bool = True,
        priority: int = 0,
        while_caller_speaks: WhileCallerSpeaks = WhileCallerSpeaks.WAIT,
        inside: int = 0,
        voice: str | None = None,
        speed: float | None = None,
        volume: float | None = None,
    ) -> Spoken:
        """Queue something to be said, and return at once.

        Args:
            text: what to say, or what makes its text as it comes.
            allow_interruptions: whether the caller may cut it by speaking.
            priority: higher is said first.
            while_caller_speaks: what to do if the caller is speaking now.
            inside: number of the live reply whose tool asks: then it plays after the audio that this reply owes
                already, without waiting for its end. Waiting for it there does not hang.
            voice: the TTS's name of a voice; None for the agent's, the session's, or the TTS's own.
            speed: times as fast as the TTS's settings say, 0.5 to 2; None likewise.
            volume: times as loud, 0 to 1; None likewise.

        Raises:
            SessionError: `session_not_active`, `empty_text`, or `invalid_options`: the TTS cannot speak so.
        """

    def interrupt(self) -> None:
        """Cut what the agent says, the reply that is being made, and what is queued, but nothing protected."""

    def end(self) -> None:
        """End the session once what plays and what is protected was heard. Idempotent."""

    def run_task(self, work: Callable[[], Awaitable[None]], name: str) -> None:
        """Run `work()` beside the reply; it is cancelled when the session ends, at the worst before it has begun.

        Raises:
            SessionError: `session_not_active`.
        """

    def tool_started(self, utterance: int, tool: int, name: str, timeout: float) -> None:
        """Tell that a tool runs for the reply `utterance`, for `timeout` seconds at most; numbered by `tool`."""

    def tool_finished(self, utterance: int, tool: int, name: str, outcome: ToolOutcome) -> None:
        """Tell how the tool call numbered `tool` ended."""

    def failed(self, kind: str, error: str) -> None:
        """Tell the observers that something failed, and that the call goes on."""

    def report(self, event: Reported) -> None:
        """Tell the observers of what the agent does, as of a model's answer; by that nothing is decided."""

    async def wait_silent(self) -> None:
        """Wait until the caller does not hear the agent."""

    async def wait_turn_closed(self, turn: int) -> None:
        """Wait until the caller's turn `turn` is over; a reply to it may be prepared before."""


@dataclass(frozen=True, slots=True)
class Turn:
    """The caller's turn that is to be answered.

    Attributes:
        text: what the caller said, never empty.
        number: counts the caller's turns in the session from 1.
        history: the conversation so far, oldest first; its last message is this turn's.
        session_id: of the session that asks.
        utterance: number of the reply that is asked for; 0 outside of a session.
        call: the session that asks; None outside of one.
        preemptive: the caller may not be done: the reply may be dropped before anything of it was heard, and does
            nothing that cannot be taken back before `CallControl.wait_turn_closed`.
    """

    text: str
    number: int
    history: tuple[Message, ...]
    session_id: str
    utterance: int = 0
    call: CallControl | None = None
    preemptive: bool = False


class Agent(ABC):
    """Answers the caller's turns. One agent may serve many sessions at a time: state belongs to the turn.

    An agent that keeps state of a session returns from `enter` an object that does, and serves that session alone.
    """

    kind: ClassVar[str] = "agent"

    greeting: str = ""
    """Said when a session starts whose settings have no greeting; nothing if empty."""

    tts_name: str = ""
    """Which of the session's synthesisers speaks for it; the session's own, where it has none of that name. Asked
    for each piece of text."""

    speech_options: SpeechOptions = PLAIN_SPEECH
    """How it is spoken, over what the session says; asked for each piece of text."""

    def enter(self, call: CallControl) -> Agent:  # noqa: ARG002 - part of the contract
        """Return what answers in one session: by default this agent itself. Called once for each session.

        Raises:
            ConfigurationError: the session lacks what the agent needs.
        """
        return self

    def speech_text(self, text: str) -> str:
        """Return how `text` is spoken; the history keeps it as written. Sync and cheap; by default as it is."""
        return text

    @abstractmethod
    def reply(self, turn: Turn) -> AsyncGenerator[str, None]:
        """Answer `turn`, yielding text as it comes; the session speaks it in sentences.

        Closed (`aclose`) when the caller barges in: clean up in `finally`. Yielding nothing is an answer too:
        the session then listens again. What it raises fails this reply, not the session.
        """
