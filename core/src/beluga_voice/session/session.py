"""A voice session: the asyncio shell around the turn-taking engine. It carries out; it does not decide."""

from __future__ import annotations

import asyncio
import secrets
from collections.abc import Callable, Mapping
from types import TracebackType
from typing import Self

from beluga_voice import events as ev
from beluga_voice.agents import AgentLike, as_agent
from beluga_voice.audio import AudioFrame
from beluga_voice.contracts import (
    LLM,
    STT,
    TTS,
    VAD,
    Agent,
    InterruptionClassifier,
    NoiseSuppressor,
    Transport,
    TurnDetector,
)
from beluga_voice.conversation import Conversation, Message
from beluga_voice.errors import AudioError, ConfigurationError, ErrorCode, SessionError
from beluga_voice.events import EndReason, SessionState, WhileCallerSpeaks
from beluga_voice.phrases import PhraseClassifier
from beluga_voice.session.call import Call
from beluga_voice.session.config import SessionConfig
from beluga_voice.session.control import Control
from beluga_voice.session.handle import SayHandle
from beluga_voice.session.observers import (
    DecisionCallback,
    EventCallback,
    EventStream,
    Observers,
    StateCallback,
)
from beluga_voice.session.parts import Parts
from beluga_voice.turns import TurnPolicy
from beluga_voice.usage import Prices, SessionUsage


class VoiceSession:
    """A conversation between one caller and one agent.

        session = VoiceSession(stt=stt, tts=tts, vad=vad, agent=agent, transport=transport)
        async with session:
            await session.say("Hello.")
            await session.wait_ended()

    Providers are shared and are opened and closed by whoever made them; the session opens its own streams of
    them. All methods are to be called on the event loop that the session was started on.

    Args:
        stt: turns the caller's speech into words.
        tts: turns the agent's words into speech.
        agent: answers: an `Agent`, or a function of the `Turn` that returns or yields text. None only listens.
        llm: the language model of an agent that brings none; or several, by the names that agents call them.
        deps: what the agent's tools get as `Call.deps`; by default what the agent's own factory makes.
        vad: finds speech. Without one, the STT's words are all there is to go by, and it is sent all audio.
        turn_detector: judges whether a pause ends the turn. Without one the minimum delay does.
        noise_suppressor: cleans the caller's audio.
        interruption_classifier: tells stop words and backchannels; the built-in phrases by default.
        transport: the line. Without one, feed `process_audio`; what the agent says is then paced but not heard.
        config: settings of the session.
        turns: how turns are taken.
        prices: what its providers cost; without any, usage is counted and no cost told.

    Raises:
        SessionError: `invalid_config`: the parts do not make a session.
    """

    def __init__(
        self,
        *,
        stt: STT,
        tts: TTS,
        agent: AgentLike | None = None,
        llm: LLM | Mapping[str, LLM] | None = None,
        deps: object = None,
        vad: VAD | None = None,
        turn_detector: TurnDetector | None = None,
        noise_suppressor: NoiseSuppressor | None = None,
        interruption_classifier: InterruptionClassifier | None = None,
        transport: Transport | None = None,
        config: SessionConfig | None = None,
        turns: TurnPolicy | None = None,
        prices: Prices | None = None,
    ) -> None:
        _check(stt, STT, "stt", needed=True)
        _check(tts, TTS, "tts", needed=True)
        _check(vad, VAD, "vad")
        _check(turn_detector, TurnDetector, "turn_detector")
        _check(noise_suppressor, NoiseSuppressor, "noise_suppressor")
        _check(interruption_classifier, InterruptionClassifier, "interruption_classifier")
        _check(transport, Transport, "transport")
        llms = {} if llm is None else dict(llm) if isinstance(llm, Mapping) else {"": llm}
        for model in llms.values():
            _check(model, LLM, "llm")
        chosen = config or SessionConfig()
        self.session_id = chosen.session_id or f"session-{secrets.token_hex(8)}"
        self._observers = Observers()
        self._conversation = Conversation()
        self._control = Control(self.session_id, self._conversation, self._observers, llms, deps)
        self._parts = Parts(
            stt=stt,
            tts=tts,
            agent=_agent(agent, self._control),
            control=self._control,
            vad=vad,
            turn_detector=turn_detector,
            noise_suppressor=noise_suppressor,
            classifier=interruption_classifier or PhraseClassifier(),
            transport=transport,
            config=chosen,
            policy=turns or TurnPolicy(),
            prices=prices or Prices(),
        )
        self._call: Call | None = None
        self._runner: asyncio.Task[None] | None = None
        self._told: Exception | None = None

    # -- what one sees --

    @property
    def state(self) -> SessionState:
        """What the caller sees of the session."""
        return SessionState.INITIAL if self._call is None else self._call.state.visible

    @property
    def history(self) -> tuple[Message, ...]:
        """The conversation: the caller's closed turns, and what was heard of the agent."""
        return self._conversation.messages

    @property
    def agent(self) -> Agent | None:
        """What answers in this session: of a `beluga_voice.Agent`, its `AgentInstance`, which knows its state."""
        return self._parts.agent

    @property
    def usage(self) -> SessionUsage:
        """What its latest run has used of its providers so far."""
        return SessionUsage() if self._call is None else self._call.usage

    def events(self) -> EventStream:
        """Stream what happens from now on, until the session ends; the latest 1,000 unread events are kept.

        Of a session that does not run, it gives the events of its next run.
        """
        return self._observers.stream()

    def on_state_changed(self, callback: StateCallback | None) -> None:
        """Call `callback` with each new state; replaces the one registered before, None removes it."""
        self._observers.on_state_changed = callback

    def on_event(self, callback: EventCallback) -> Callable[[], None]:
        """Call `callback` with each event, beside those registered before. It must not block.

        Returns:
            What ends that; calling it again does nothing.
        """
        return self._observers.watch(callback)

    def on_decision(self, callback: DecisionCallback) -> Callable[[], None]:
        """Call `callback` with each observed event and the commands that it led to. It must not block.

        Returns:
            What ends that; calling it again does nothing.
        """
        return self._observers.watch_decisions(callback)

    # -- life --

    async def start(self) -> None:
        """Open the streams and the line, and listen. A session that has ended may be started again.

        Raises:
            SessionError: `session_already_active`.
            BelugaVoiceError: a provider or the line could not be opened; nothing is left open.
        """
        before = self._call
        if before is not None and not before.released.done():
            raise SessionError(
                "start", ErrorCode.SESSION_ALREADY_ACTIVE, "the session is running; stop it first"
            )
        run = 1 if before is None else before.run_number + 1
        call = Call(self._parts, self.session_id, self._conversation, self._observers, run=run)
        self._runner = asyncio.create_task(call.run(), name=f"beluga-voice {self.session_id}")
        self._call = self._control.call = call
        try:
            await call.wait_started()
        except BaseException:
            self._runner.cancel()
            try:
                await asyncio.wait([self._runner])
            finally:
                self._call = self._control.call = before
            raise

    async def stop(self, *, drain: bool = False) -> None:
        """End the session; when this returns nothing of it runs. May be called by many at once.

        Within the agent's reply it does not return: what runs there is cut like everything else.

        Args:
            drain: first let the caller hear what plays and what is protected. Another `stop` without it ends
                that.

        Raises:
            SessionError: `session_not_active`.
            Exception: a bug inside ended the session. Where it had ended before, it is raised unless `stop`,
                `wait_ended` or the context's exit has raised it already.
        """
        call = self._call
        over = call is not None and call.released.done()
        if call is None or not call.started or (over and (call.bug is None or self._told is call.bug)):
            raise self._inactive("stop")
        call.stop(drain=drain)
        await self._join(call)

    async def wait_ended(self) -> EndReason:
        """Wait until the session has ended and nothing of it runs.

        Raises:
            SessionError: `session_not_active`: it was never started.
            Exception: a bug inside ended it; raised to each who waits.
        """
        call = self._call
        if call is None or not call.started:
            raise self._inactive("wait_ended")
        await self._join(call)
        return call.state.ending

    async def __aenter__(self) -> Self:
        await self.start()
        return self

    async def __aexit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        call = self._call
        if call is None:
            return
        call.stop(drain=False)
        await asyncio.shield(call.released)
        if call.bug is not None and error is not call.bug and not isinstance(error, asyncio.CancelledError):
            await self._join(call)

    async def _join(self, call: Call) -> None:
        await asyncio.shield(call.released)
        if call.bug is not None:
            self._told = call.bug
            raise call.bug

    # -- what one does --

    def say(
        self,
        text: str,
        *,
        allow_interruptions: bool = True,
        priority: int = 0,
        while_caller_speaks: WhileCallerSpeaks = WhileCallerSpeaks.WAIT,
    ) -> SayHandle:
        """Queue `text` to be said, and return at once.

        Args:
            text: what to say; holds at least one word.
            allow_interruptions: whether the caller may cut it by speaking.
            priority: higher is said first; equal ones in the order of asking.
            while_caller_speaks: wait for the close of their turn, speak all the same, or drop it.

        Returns:
            A handle; awaiting it waits until the caller has heard it.

        Raises:
            SessionError: `session_not_active`, or `empty_text`.
        """
        self._active("say")
        return self._control.say(
            text,
            allow_interruptions=allow_interruptions,
            priority=priority,
            while_caller_speaks=while_caller_speaks,
        )

    def send_text(self, text: str) -> None:
        """Take `text` as a turn of the caller's: it cuts the agent, and is answered at once.

        Raises:
            SessionError: `session_not_active`, or `empty_text`.
        """
        call = self._active("send_text")
        if not text.strip():
            raise SessionError("send_text", ErrorCode.EMPTY_TEXT, "the text is empty; give at least one word")
        call.feed(ev.TextReceived(call.now(), text))

    def send_dtmf(self, digits: str) -> None:
        """Take keys that the caller pressed on the telephone: ``0`` to ``9``, ``*``, ``#``, ``A`` to ``D``.

        They are told together, as `DtmfEntered`, at ``#`` or once none has come for `TurnPolicy.dtmf_ends`; with
        `TurnPolicy.dtmf` as ``"turns"`` they are then a turn of the caller's, and the first of them cuts the agent.

        Raises:
            SessionError: `session_not_active`, or `invalid_options`: there is no such key.
        """
        call = self._active("send_dtmf")
        try:
            call.press(digits)
        except ValueError as error:
            raise SessionError("send_dtmf", ErrorCode.INVALID_OPTIONS, str(error)) from error

    def process_audio(self, audio: AudioFrame | bytes, sample_rate: int = 16000) -> None:
        """Hear a frame of the caller's audio; for a session without transport.

        Args:
            audio: a frame of any length, or little-endian 16-bit mono PCM at `sample_rate` Hz. Split if large.
            sample_rate: of bytes, in Hz; a frame carries its own.

        Raises:
            SessionError: `session_not_active`, or `invalid_audio`: empty, odd length, or another rate than before.
        """
        call = self._active("process_audio")
        try:
            frame = audio if isinstance(audio, AudioFrame) else AudioFrame.from_bytes(audio, sample_rate)
            call.hear(frame)
        except AudioError as error:
            raise SessionError("process_audio", ErrorCode.INVALID_AUDIO, str(error)) from error

    def _active(self, op: str) -> Call:
        call = self._call
        if call is None or not call.active:
            raise self._inactive(op)
        return call

    def _inactive(self, op: str) -> SessionError:
        if self._call is None:
            now = "was not started; start it first"
        elif not self._call.started:
            now = "is still starting; wait until `start` has returned, or cancel it"
        else:
            now = "has ended; start it first"
        return SessionError(op, ErrorCode.SESSION_NOT_ACTIVE, f"the session {now}")


def _check(part: object, contract: type, name: str, *, needed: bool = False) -> None:
    if (part is not None or needed) and not isinstance(part, contract):
        text = f"{name} is {type(part).__name__}; it must implement the {contract.__name__} contract"
        raise SessionError("create", ErrorCode.INVALID_CONFIG, text)


def _agent(agent: AgentLike | None, control: Control) -> Agent | None:
    try:
        return None if agent is None else as_agent(agent).enter(control)
    except ConfigurationError as error:
        raise SessionError("create", ErrorCode.INVALID_CONFIG, str(error)) from error
