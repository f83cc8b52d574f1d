"""A voice session: the asyncio shell around the turn-taking engine. It carries out; it does not decide."""

from __future__ import annotations

import asyncio
import secrets
from collections.abc import AsyncIterator
from types import TracebackType
from typing import Self

from beluga_voice import events as ev
from beluga_voice.agents import AgentLike, as_agent
from beluga_voice.audio import AudioFrame
from beluga_voice.contracts import (
    STT,
    TTS,
    VAD,
    InterruptionClassifier,
    NoiseSuppressor,
    Transport,
    TurnDetector,
)
from beluga_voice.conversation import Conversation, Message
from beluga_voice.errors import AudioError, ErrorCode, SessionError
from beluga_voice.events import EndReason, SessionState, WhileCallerSpeaks
from beluga_voice.phrases import PhraseClassifier
from beluga_voice.session.call import Call, Parts
from beluga_voice.session.config import SessionConfig
from beluga_voice.session.handle import SayHandle
from beluga_voice.session.observers import DecisionCallback, EventCallback, Observers, StateCallback
from beluga_voice.turns import TurnPolicy


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
        vad: finds speech. Without one, the STT's words are all there is to go by, and it is sent all audio.
        turn_detector: judges whether a pause ends the turn. Without one the minimum delay does.
        noise_suppressor: cleans the caller's audio.
        interruption_classifier: tells stop words and backchannels; the built-in phrases by default.
        transport: the line. Without one, feed `process_audio`; what the agent says is then paced but not heard.
        config: settings of the session.
        turns: how turns are taken.

    Raises:
        SessionError: `invalid_config`: the parts do not make a session.
    """

    def __init__(
        self,
        *,
        stt: STT,
        tts: TTS,
        agent: AgentLike | None = None,
        vad: VAD | None = None,
        turn_detector: TurnDetector | None = None,
        noise_suppressor: NoiseSuppressor | None = None,
        interruption_classifier: InterruptionClassifier | None = None,
        transport: Transport | None = None,
        config: SessionConfig | None = None,
        turns: TurnPolicy | None = None,
    ) -> None:
        for name, part, contract in (("stt", stt, STT), ("tts", tts, TTS)):
            if not isinstance(part, contract):
                text = f"{name} is {type(part).__name__}; it must implement the {contract.__name__} contract"
                raise SessionError("create", ErrorCode.INVALID_CONFIG, text)
        self._parts = Parts(
            stt=stt,
            tts=tts,
            agent=None if agent is None else as_agent(agent),
            vad=vad,
            turn_detector=turn_detector,
            noise_suppressor=noise_suppressor,
            classifier=interruption_classifier or PhraseClassifier(),
            transport=transport,
            config=config or SessionConfig(),
            policy=turns or TurnPolicy(),
        )
        self.session_id = self._parts.config.session_id or f"session-{secrets.token_hex(8)}"
        self._observers = Observers()
        self._conversation = Conversation()
        self._call: Call | None = None
        self._runner: asyncio.Task[None] | None = None

    # -- what one sees --

    @property
    def state(self) -> SessionState:
        """What the caller sees of the session."""
        return SessionState.INITIAL if self._call is None else self._call.state.visible

    @property
    def history(self) -> tuple[Message, ...]:
        """The conversation: the caller's closed turns, and what was heard of the agent."""
        return self._conversation.messages

    def events(self) -> AsyncIterator[ev.Event]:
        """Stream what happens from now on, until the session ends; the oldest 1,000 unread events are kept."""
        return self._observers.stream()

    def on_state_changed(self, callback: StateCallback | None) -> None:
        """Call `callback` with each new state; replaces the one registered before, None removes it."""
        self._observers.on_state_changed = callback

    def on_event(self, callback: EventCallback) -> None:
        """Call `callback` with each event, beside those registered before. It must not block."""
        self._observers.on_event.append(callback)

    def on_decision(self, callback: DecisionCallback) -> None:
        """Call `callback` with each observed event and the commands that it led to. It must not block."""
        self._observers.on_decision.append(callback)

    # -- life --

    async def start(self) -> None:
        """Open the streams and the line, and listen. A session that has ended may be started again.

        Raises:
            SessionError: `session_already_active`.
            BelugaVoiceError: a provider or the line could not be opened; nothing is left open.
        """
        if self._runner is not None and not self._runner.done():
            raise SessionError(
                "start", ErrorCode.SESSION_ALREADY_ACTIVE, "the session is running; stop it first"
            )
        call = Call(
            self._parts, self.session_id, self._conversation, self._observers, again=self._call is not None
        )
        self._runner = asyncio.create_task(call.run(), name=f"beluga-voice {self.session_id}")
        self._call = call
        try:
            await call.wait_started()
        except BaseException:
            self._runner.cancel()
            await asyncio.wait([self._runner])
            if not self._runner.cancelled():
                self._runner.exception()
            self._call = None
            raise

    async def stop(self, *, drain: bool = False) -> None:
        """End the session; when this returns nothing of it runs.

        Args:
            drain: first let the caller hear what plays and what is protected.

        Raises:
            SessionError: `session_not_active`.
            Exception: a bug inside ended the session before; it is raised once.
        """
        call, runner = self._active("stop")
        call.stop(drain=drain)
        await self._join(runner)

    async def wait_ended(self) -> EndReason:
        """Wait until the session has ended and nothing of it runs.

        Raises:
            SessionError: `session_not_active`: it was never started.
            Exception: a bug inside ended it.
        """
        if self._call is None or self._runner is None:
            raise SessionError("wait_ended", ErrorCode.SESSION_NOT_ACTIVE, "the session was not started")
        await self._join(self._runner)
        return self._call.state.ending

    async def __aenter__(self) -> Self:
        await self.start()
        return self

    async def __aexit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        if self._call is not None and self._runner is not None:
            self._call.stop(drain=False)
            await self._join(self._runner)

    async def _join(self, runner: asyncio.Task[None]) -> None:
        await asyncio.wait([runner])
        if self._call is not None:
            self._call.raise_bug()

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
        call, _ = self._active("say")
        if not text.strip():
            raise SessionError(
                "say", ErrorCode.EMPTY_TEXT, "there is nothing to say; give a text with a word in it"
            )
        return call.say(text, allow_interruptions, priority, while_caller_speaks)

    def send_text(self, text: str) -> None:
        """Take `text` as a turn of the caller's: it cuts the agent, and is answered at once.

        Raises:
            SessionError: `session_not_active`, or `empty_text`.
        """
        call, _ = self._active("send_text")
        if not text.strip():
            raise SessionError("send_text", ErrorCode.EMPTY_TEXT, "the text is empty; give at least one word")
        call.feed(ev.TextReceived(call.now(), text))

    def process_audio(self, audio: AudioFrame | bytes, sample_rate: int = 16000) -> None:
        """Hear a frame of the caller's audio; for a session without transport.

        Args:
            audio: a frame of any length, or little-endian 16-bit mono PCM at `sample_rate` Hz. Split if large.
            sample_rate: of bytes, in Hz; a frame carries its own.

        Raises:
            SessionError: `session_not_active`, or `invalid_audio`: empty, odd length, or another rate than before.
        """
        call, _ = self._active("process_audio")
        try:
            frame = audio if isinstance(audio, AudioFrame) else AudioFrame.from_bytes(audio, sample_rate)
            call.hear(frame)
        except AudioError as error:
            raise SessionError("process_audio", ErrorCode.INVALID_AUDIO, str(error)) from error

    def _active(self, op: str) -> tuple[Call, asyncio.Task[None]]:
        call, runner = self._call, self._runner
        if call is None or runner is None or not call.active:
            now = "was not started" if call is None else "has ended"
            raise SessionError(op, ErrorCode.SESSION_NOT_ACTIVE, f"the session {now}; start it first")
        return call, runner
