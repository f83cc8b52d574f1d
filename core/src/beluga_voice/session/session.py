"""A voice session: the asyncio shell around the turn-taking engine. It carries out; it does not decide."""

from __future__ import annotations

import asyncio
import logging
import secrets
from collections.abc import Callable, Mapping, Sequence
from types import TracebackType
from typing import Protocol, Self, runtime_checkable

from beluga_voice import events as ev
from beluga_voice.agents import AgentLike, as_agent
from beluga_voice.audio import AudioFrame
from beluga_voice.contracts import (
    LLM,
    S2S,
    STT,
    TTS,
    VAD,
    Agent,
    InterruptionClassifier,
    NoiseSuppressor,
    Spoken,
    TextFilter,
    ToolSource,
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
from beluga_voice.session.s2s.model import Model
from beluga_voice.session.s2s.reasoning import choose, models_of
from beluga_voice.speakable import DEFAULT, built_in
from beluga_voice.turns import TurnPolicy
from beluga_voice.usage import Prices, SessionUsage

logger = logging.getLogger("beluga_voice")


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
        tts: turns the agent's words into speech; or several, by the names that agents call them, the session's own
            by ``""``.
        s2s: a model that hears and speaks, in place of both `stt` and `tts`. It thinks too, with the instructions
            and tools of an `Agent` that has no language model; any other agent answers itself, see
            `SessionConfig.reasoning`.
        agent: answers: an `Agent`, or a function of the `Turn` that returns or yields text. None only listens.
        llm: the language model of an agent that brings none; or several, by the names that agents call them.
        deps: what the agent's tools get as `Call.deps`; by default what the agent's own factory makes.
        tools: sources of tools for every agent of the call, beside their own; open.
        vad: finds speech. Without one, the STT's words are all there is to go by, and it is sent all audio.
        turn_detector: judges whether a pause ends the turn. Without one the minimum delay does.
        noise_suppressor: cleans the caller's audio.
        interruption_classifier: tells stop words and backchannels; the built-in phrases by default.
        text_filters: take out of what is spoken what is written to be read, in this order; by default markup,
            addresses and symbols are. None of them if it is empty.
        transport: the line. Without one, feed `process_audio`; what the agent says is then paced but not heard.
        config: settings of the session.
        turns: how turns are taken.
        prices: what its providers cost; without any, usage is counted and no cost told.
        on_state_changed: as the method of that name.
        history: what was said before, in a session that this one continues: then it begins without a greeting.

    Raises:
        SessionError: `invalid_config`: the parts do not make a session, or it is to start by itself and no event
            loop runs; `agent_invalid`: the agent is none; `context_error`: what the agent needs to know could
            not be made.
    """

    def __init__(
        self,
        *,
        stt: STT | None = None,
        tts: TTS | Mapping[str, TTS] | None = None,
        s2s: S2S | None = None,
        agent: AgentLike | None = None,
        llm: LLM | Mapping[str, LLM] | None = None,
        deps: object = None,
        tools: Sequence[ToolSource] = (),
        vad: VAD | None = None,
        turn_detector: TurnDetector | None = None,
        noise_suppressor: NoiseSuppressor | None = None,
        interruption_classifier: InterruptionClassifier | None = None,
        text_filters: Sequence[TextFilter] | None = None,
        transport: Transport | None = None,
        config: SessionConfig | None = None,
        turns: TurnPolicy | None = None,
        prices: Prices | None = None,
        on_state_changed: StateCallback | None = None,
        history: Sequence[Message] = (),
    ) -> None:
        _check(s2s, S2S, "s2s")
        _check(stt, STT, "stt", needed=s2s is None)
        voices = _voices(tts) if s2s is None else {}
        filters = text_filters if text_filters is not None else [built_in(name) for name in DEFAULT]
        for source in tools:
            _check(source, ToolSource, "tools")
        for text_filter in filters:
            _check(text_filter, TextFilter, "text_filters")
        _check(vad, VAD, "vad")
        _check(turn_detector, TurnDetector, "turn_detector")
        _check(noise_suppressor, NoiseSuppressor, "noise_suppressor")
        _check(interruption_classifier, InterruptionClassifier, "interruption_classifier")
        _check(transport, Transport, "transport")
        llms: Mapping[str, LLM] = {} if llm is None else dict(llm) if isinstance(llm, Mapping) else {"": llm}
        for model in llms.values():
            _check(model, LLM, "llm")
        chosen = config or SessionConfig()
        self.session_id = chosen.session_id or f"session-{secrets.token_hex(8)}"
        self._observers = Observers()
        self._conversation = Conversation(tuple(history))
        over: Model | None = None
        if s2s is not None:
            over, agent = _over_model(s2s, stt, tts, agent, chosen, vad)
            llms = models_of(over, agent, llms)
            stt, voices = over.stt, {"": over.tts}
            self._observers.on_event.append(over.see)
        assert stt is not None, "checked above"
        self._control = Control(self.session_id, self._conversation, self._observers, llms, deps, tools)
        self._parts = Parts(
            stt=stt,
            tts=voices,
            model=over,
            agent=_agent(agent, self._control),
            control=self._control,
            vad=vad,
            turn_detector=turn_detector,
            noise_suppressor=noise_suppressor,
            classifier=interruption_classifier or PhraseClassifier(),
            text_filters=tuple(filters),
            transport=transport,
            config=chosen,
            policy=turns or TurnPolicy(),
            prices=prices or Prices(),
        )
        _check_voice(self._parts)
        self._call: Call | None = None
        self._runner: asyncio.Task[None] | None = None
        self._told: Exception | None = None
        self._starting: asyncio.Task[None] | None = None
        self.on_state_changed(on_state_changed)
        if chosen.auto_start:
            self._start_by_itself()

    # -- what one sees --

    @property
    def state(self) -> SessionState:
        """What the caller sees of the session."""
        return SessionState.INITIAL if self._call is None else self._call.state.visible

    @property
    def config(self) -> SessionConfig:
        """What the session was told."""
        return self._parts.config

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
            SessionError: `session_already_active`. Where a provider or the line could not be opened, nothing is
                left open, and the error's cause and ``details["provider"]`` say what it was: `timeout` beyond
                `SessionConfig.open_deadline`; `transport_failed` for the line; `provider_init_failed` for the
                others; `internal_error` for a bug; `context_canceled` if it was cancelled by another.
            ConfigurationError: what the settings name cannot be used.
            ClosedError: a provider was not opened, or is closed.
        """
        if self._starting is not None and self._starting is not asyncio.current_task():
            raise SessionError(
                "start",
                ErrorCode.SESSION_ALREADY_ACTIVE,
                "the session starts by itself; await `wait_started`, or turn `auto_start` off",
            )
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
        except BaseException as error:
            task = asyncio.current_task()
            cancelled = task is not None and task.cancelling() > 0
            self._runner.cancel()
            try:
                await _wait_out(self._runner)
            finally:
                self._call = self._control.call = before
            blamed = None if cancelled else call.blame.of_start(error)
            if blamed is None:
                raise
            raise blamed from error

    def _start_by_itself(self) -> None:
        try:
            loop = asyncio.get_running_loop()
        except RuntimeError:
            text = "auto_start needs a running event loop; make the session within a coroutine"
            raise SessionError("create", ErrorCode.INVALID_CONFIG, text) from None
        self._starting = loop.create_task(
            self._start_and_tell(), name=f"beluga-voice start {self.session_id}"
        )
        self._starting.add_done_callback(lambda task: task.cancelled() or task.exception())

    async def _start_and_tell(self) -> None:
        try:
            await self.start()
        except SessionError as error:
            logger.error("session %s did not start by itself: %s", self.session_id, error)
            raise
        self._starting = None

    async def wait_started(self) -> None:
        """Wait until a session that starts by itself (`SessionConfig.auto_start`) listens.

        Raises:
            SessionError: `session_not_active`: it neither runs nor starts; and as `start`.
        """
        if self._starting is not None:
            starting = self._starting
            try:
                await asyncio.shield(starting)
            except SessionError:
                self._starting = None
                raise
        self._active("wait_started")

    async def stop(self, *, drain: bool = False, check: bool = False) -> None:
        """End the session; when this returns nothing of it runs. May be called by many at once.

        Within the agent's reply it does not return: what runs there is cut like everything else. One that is
        still starting by itself starts no more.

        Args:
            drain: first let the caller hear what plays and what is protected. Another `stop` without it ends
                that.
            check: whether to raise what failed at the end, as `wait_ended`.

        Raises:
            SessionError: `session_not_active`; `session_expired` if it has ended as nothing happened in it.
            Exception: a bug inside ended the session. Where it had ended before, it is raised unless `stop`,
                `wait_ended` or the context's exit has raised it already.
        """
        if self._starting is not None and not self._starting.done():
            self._starting.cancel()
            await asyncio.wait([self._starting])
            self._starting = None
            return
        call = self._call
        over = call is not None and call.released.done()
        if call is None or not call.started or (over and (call.bug is None or self._told is call.bug)):
            raise self._inactive("stop")
        call.stop(drain=drain)
        await self._join(call, check=check)

    async def wait_ended(self, *, timeout: float | None = None, check: bool = False) -> EndReason:
        """Wait until the session has ended and nothing of it runs.

        Args:
            timeout: seconds to wait at most; the session goes on then.
            check: whether to raise what ended it, if that was a failure, or what could not be closed.

        Raises:
            SessionError: `session_not_active`: it was never started; `context_timeout`: it has not ended in time.
                With `check`: `stt_failed`, `s2s_error`, `transport_error`, `cleanup_failed`.
            Exception: a bug inside ended it; raised to each who waits.
        """
        call = self._call
        if call is None or not call.started:
            raise self._inactive("wait_ended")
        try:
            async with asyncio.timeout(timeout) as limit:
                await asyncio.shield(call.released)
        except TimeoutError:
            if not limit.expired():
                raise
            text = f"the session still runs after {timeout:g} s"
            raise SessionError("wait_ended", ErrorCode.CONTEXT_TIMEOUT, text) from None
        await self._join(call, check=check)
        return call.state.ending

    async def __aenter__(self) -> Self:
        if self._starting is not None:
            await self.wait_started()
        else:
            await self.start()
        return self

    async def __aexit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        call = self._call
        if call is None:
            return
        call.stop(drain=False)
        await _wait_out(call.released)
        if call.bug is not None and error is not call.bug and not isinstance(error, asyncio.CancelledError):
            await self._join(call)

    async def _join(self, call: Call, *, check: bool = False) -> None:
        await asyncio.shield(call.released)
        if call.bug is not None:
            self._told = call.bug
            raise call.bug
        failure = call.blame.of_end() if check else None
        if failure is not None:
            raise failure

    # -- what one does --

    def say(
        self,
        text: str,
        *,
        allow_interruptions: bool = True,
        priority: int = 0,
        while_caller_speaks: WhileCallerSpeaks = WhileCallerSpeaks.WAIT,
        voice: str | None = None,
        speed: float | None = None,
        volume: float | None = None,
    ) -> SayHandle:
        """Queue `text` to be said, and return at once.

        Args:
            text: what to say; holds at least one word.
            allow_interruptions: whether the caller may cut it by speaking.
            priority: higher is said first; equal ones in the order of asking.
            while_caller_speaks: wait for the close of their turn, speak all the same, or drop it.
            voice: the TTS's name of a voice; None for that of the agent, the session or the TTS's own settings. A
                voice that there is not fails the utterance, at the latest.
            speed: times as fast as the TTS's settings say, 0.5 to 2; None likewise.
            volume: times as loud, 0 to 1; None likewise.

        Returns:
            A handle; awaiting it waits until the caller has heard it.

        Raises:
            SessionError: `session_not_active`, `invalid_state` while it is ending, `session_expired` once it has
                ended as nothing happened in it; `empty_text`; `invalid_options`: a value is out of bounds, or the
                TTS has no choice of voice or speed.
        """
        self._active("say")
        return self._control.say(
            text,
            allow_interruptions=allow_interruptions,
            priority=priority,
            while_caller_speaks=while_caller_speaks,
            voice=voice,
            speed=speed,
            volume=volume,
        )

    def send_text(self, text: str) -> None:
        """Take `text` as a turn of the caller's: it cuts the agent, and is answered at once.

        Raises:
            SessionError: `session_not_active`, `invalid_state` or `session_expired`, as `say`; `empty_text`.
        """
        call = self._active("send_text")
        if not text.strip():
            raise SessionError("send_text", ErrorCode.EMPTY_TEXT, "the text is empty; give at least one word")
        call.feed(ev.TextReceived(call.now(), text))

    async def process_transcript(self, text: str, *, timeout: float | None = None) -> str:
        """Take `text` as a turn of the caller's, as `send_text`, and wait for the end of the agent's reply.

        Args:
            text: what the caller wrote, or said.
            timeout: seconds to wait at most; the reply goes on then.

        Returns:
            What the caller heard of the reply; all of it, unless they cut it.

        Raises:
            SessionError: as `send_text`; `agent_not_configured`: nothing answers in this session;
                `session_not_active`: it has ended meanwhile; `context_timeout`; `agent_error`, `tts_failed` or
                `s2s_error`: that failed as it answered; `stream_error`: text or audio was owed for too long.
        """
        call = self._active("process_transcript")
        if self._parts.agent is None:
            text = "nothing answers in this session; give it an agent"
            raise SessionError("process_transcript", ErrorCode.AGENT_NOT_CONFIGURED, text)
        events = self._observers.stream()
        self.send_text(text)
        try:
            async with asyncio.timeout(timeout) as limit:
                return await self._reply_heard(call, events)
        except TimeoutError:
            if not limit.expired():
                raise
            text = f"the reply has not ended after {timeout:g} s"
            raise SessionError("process_transcript", ErrorCode.CONTEXT_TIMEOUT, text) from None

    async def _reply_heard(self, call: Call, events: EventStream) -> str:
        turn = utterance = 0
        async for event in events:
            if isinstance(event, ev.TurnClosed) and not turn:
                turn = event.turn
            elif isinstance(event, ev.ReplyStarted) and event.turn == turn:
                utterance = event.utterance
            elif isinstance(event, ev.UtteranceEnded) and event.utterance == utterance:
                error = call.blame.of_reply(utterance)
                if error is not None:
                    raise error
                return event.heard
        raise self._inactive("process_transcript")

    def speak_up(self, instructions: str = "", *, allow_interruptions: bool = True) -> Spoken:
        """Have the agent say something though nobody asked, and return its handle at once, as `say`.

        Args:
            instructions: for this reply, after the agent's own.
            allow_interruptions: whether the caller may cut it by speaking.

        Raises:
            SessionError: `session_not_active`; `agent_not_set`: there is no agent; `agent_invalid`: it only
                answers, as it is no `beluga_voice.Agent`.
        """
        self._active("speak_up")
        agent = self._parts.agent
        if agent is None:
            raise SessionError("speak_up", ErrorCode.AGENT_NOT_SET, "this session has no agent")
        if not isinstance(agent, _SpeaksUp):
            text = f"{type(agent).__name__} only answers; give the session a beluga_voice.Agent"
            raise SessionError("speak_up", ErrorCode.AGENT_INVALID, text)
        return agent.speak_up(instructions, allow_interruptions, inside=0)

    def interrupt(self) -> None:
        """Cut what the agent says, the reply that is being made, and what is queued, but nothing protected.

        Raises:
            SessionError: `session_not_active`; `interruption_error`: all there is to cut is protected.
        """
        call = self._active("interrupt")
        said = call.state.utterances
        if said and not any(utterance.interruptible for utterance in said):
            raise SessionError(
                "interrupt", ErrorCode.INTERRUPTION_ERROR, "what is being said may not be interrupted"
            )
        call.interrupt()

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
            SessionError: `session_not_active`, `invalid_state` or `session_expired`, as `say`; `invalid_audio`:
                empty, odd length, or another rate than before.
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
        call, code = self._call, ErrorCode.SESSION_NOT_ACTIVE
        if call is None:
            now = "was not started; start it first"
        elif not call.started:
            now = "is still starting; wait until `start` has returned, or cancel it"
        elif not call.released.done():
            code, now = ErrorCode.INVALID_STATE, "is ending; wait until it has ended, then start it again"
        elif call.state.ending is EndReason.TIMEOUT:
            timeout = self._parts.policy.session_timeout
            code, now = ErrorCode.SESSION_EXPIRED, f"has ended, as nothing happened for {timeout:g} s"
        else:
            now = "has ended; start it first"
        return SessionError(op, code, f"the session {now}", {"state": str(self.state)})


@runtime_checkable
class _SpeaksUp(Protocol):
    """An agent in a session that can speak though nobody asked: a `beluga_voice.agent.AgentInstance`."""

    def speak_up(self, instructions: str, allow_interruptions: bool, *, inside: int) -> Spoken: ...


async def _wait_out(work: asyncio.Future[None]) -> None:
    """Wait until `work` is done, also when cancelled meanwhile: it closes what is open, which is bounded."""
    cancelled: asyncio.CancelledError | None = None
    while not work.done():
        try:
            await asyncio.wait([work])
        except asyncio.CancelledError as error:
            cancelled = error
    if cancelled is not None:
        raise cancelled


def _check(part: object, contract: type, name: str, *, needed: bool = False) -> None:
    if (part is not None or needed) and not isinstance(part, contract):
        text = f"{name} is {type(part).__name__}; it must implement the {contract.__name__} contract"
        raise SessionError("create", ErrorCode.INVALID_CONFIG, text)


def _voices(tts: TTS | Mapping[str, TTS] | None) -> Mapping[str, TTS]:
    """Return the synthesisers by what agents call them."""
    if isinstance(tts, Mapping):
        for each in (tts.get(""), *tts.values()):
            _check(each, TTS, "tts", needed=True)
        return dict(tts)
    _check(tts, TTS, "tts", needed=True)
    assert tts is not None, "just checked"
    return {"": tts}


def _over_model(
    s2s: S2S,
    stt: STT | None,
    tts: TTS | Mapping[str, TTS] | None,
    agent: AgentLike | None,
    config: SessionConfig,
    vad: VAD | None,
) -> tuple[Model, AgentLike]:
    """Return the model as the session uses it, and the agent."""
    if stt is not None or tts is not None:
        text = "s2s hears and speaks, and excludes stt and tts; give either"
        raise SessionError("create", ErrorCode.INVALID_CONFIG, text)
    try:
        return choose(s2s, agent, config.reasoning, vad)
    except ConfigurationError as error:
        raise SessionError("create", ErrorCode.INVALID_CONFIG, str(error)) from error


def _check_voice(parts: Parts) -> None:
    try:
        tts, options = parts.voice_of(parts.agent)
        tts.check_options(options)
    except ConfigurationError as error:
        raise SessionError("create", ErrorCode.INVALID_CONFIG, str(error)) from error


def _agent(agent: AgentLike | None, control: Control) -> Agent | None:
    if agent is None:
        return None
    try:
        asked = as_agent(agent)
    except ConfigurationError as error:
        raise SessionError("create", ErrorCode.AGENT_INVALID, str(error)) from error
    try:
        return asked.enter(control)
    except ConfigurationError as error:
        raise SessionError("create", ErrorCode.INVALID_CONFIG, str(error)) from error
    except Exception as error:
        text = f"the agent could not enter the session: {type(error).__name__}: {error}"
        raise SessionError("create", ErrorCode.CONTEXT_ERROR, text) from error
