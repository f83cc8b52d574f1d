"""A session as its agent sees it."""

from __future__ import annotations

from collections.abc import Awaitable, Callable, Mapping, Sequence

from beluga_voice import events as ev
from beluga_voice.contracts import LLM, SpeechOptions, ToolSource
from beluga_voice.contracts.agent import Texts
from beluga_voice.conversation import Conversation, Message
from beluga_voice.errors import ConfigurationError, ErrorCode, ProviderError, SessionError
from beluga_voice.events import SessionState, ToolOutcome, WhileCallerSpeaks
from beluga_voice.session.call import Call
from beluga_voice.session.handle import SayHandle
from beluga_voice.session.observers import Observers


class Control:
    """What an agent may do with a session, over all its runs: a `beluga_voice.contracts.CallControl`.

    Attributes:
        call: the session's latest run; None before the first.
        llms: the language models by what agents call them.
        deps: what the host gave.
        tool_sources: of tools for every agent.
    """

    def __init__(
        self,
        session_id: str,
        conversation: Conversation,
        observers: Observers,
        llms: Mapping[str, LLM],
        deps: object,
        tool_sources: Sequence[ToolSource] = (),
    ) -> None:
        self.session_id = session_id
        self.call: Call | None = None
        self.llms = llms
        self.deps = deps
        self.tool_sources = tuple(tool_sources)
        self._conversation = conversation
        self._observers = observers

    @property
    def history(self) -> tuple[Message, ...]:
        """The conversation as both sides heard it."""
        return self._conversation.messages

    @property
    def speaking(self) -> bool:
        """Whether the caller is hearing the agent."""
        return self.call is not None and self.call.state.visible is SessionState.SPEAKING

    def now(self) -> float:
        """The session's time; 0 before it was started."""
        return 0.0 if self.call is None else self.call.now()

    def watch(self, callback: Callable[[ev.Event], None]) -> None:
        """Call `callback` with each event."""
        self._observers.watch(callback)

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
    ) -> SayHandle:
        """Queue something to be said."""
        call = self._active("say")
        if isinstance(text, str) and not any(character.isalnum() for character in text):
            raise SessionError(
                "say", ErrorCode.EMPTY_TEXT, "there is nothing to say; give a text with a word in it"
            )
        try:
            options = SpeechOptions(voice, speed, volume)
            return call.say(text, allow_interruptions, priority, while_caller_speaks, inside, options)
        except ConfigurationError as error:
            raise SessionError("say", ErrorCode.INVALID_OPTIONS, str(error)) from error

    def interrupt(self) -> None:
        """Cut what can be cut."""
        if self.call is not None and self.call.active:
            self.call.interrupt()

    def end(self) -> None:
        """End the session once it is silent."""
        if self.call is not None:
            self.call.stop(drain=True)

    def run_task(self, work: Callable[[], Awaitable[None]], name: str) -> None:
        """Run `work()` beside the reply."""
        self._active("run_task").run_task(work, name)

    def tool_started(self, utterance: int, tool: int, name: str, timeout: float) -> None:
        """Stop the clock of a reply's text."""
        call = self._active("tool_started")
        call.feed(ev.ToolStarted(call.now(), utterance, tool, name, timeout))

    def tool_finished(self, utterance: int, tool: int, name: str, outcome: ToolOutcome) -> None:
        """Let the clock of a reply's text run again; a session that has ended takes no notice."""
        if self.call is not None and self.call.started:
            self.call.feed(ev.ToolFinished(self.call.now(), utterance, tool, name, outcome))

    def failed(self, kind: str, error: str) -> None:
        """Tell the observers."""
        if self.call is not None:
            self.call.tell_failed(kind, ProviderError(error))

    def report(self, event: ev.Reported) -> None:
        """Tell the observers of what the agent does."""
        if self.call is not None:
            self.call.report(event)

    async def wait_silent(self) -> None:
        """Wait until the caller does not hear the agent."""
        events = self._observers.stream()
        while self.speaking:
            await anext(events, None)

    async def wait_turn_closed(self, turn: int) -> None:
        """Wait until the caller's turn is over, or the session."""
        events = self._observers.stream()
        while not self._conversation.holds(turn) or (self.call is not None and self.call.foresees(turn)):
            if await anext(events, None) is None:
                return

    def _active(self, op: str) -> Call:
        if self.call is None or not self.call.active:
            raise SessionError(op, ErrorCode.SESSION_NOT_ACTIVE, "the session does not run")
        return self.call
