"""One run of a session, from start to end: what it opens, and how commands are carried out."""

from __future__ import annotations

import asyncio
import logging
from collections import deque
from collections.abc import Awaitable, Callable, Coroutine
from dataclasses import dataclass
from typing import Any

from beluga_voice import commands as do
from beluga_voice import events as ev
from beluga_voice.audio import AudioFrame
from beluga_voice.contracts import (
    STT,
    TTS,
    VAD,
    Agent,
    InterruptionClassifier,
    NoiseSuppressor,
    Transcript,
    Transport,
    Turn,
    TurnContext,
    TurnDetector,
)
from beluga_voice.conversation import Conversation
from beluga_voice.errors import AudioError, ProviderError
from beluga_voice.events import EndReason, SessionState, Source, WhileCallerSpeaks
from beluga_voice.session.config import SessionConfig
from beluga_voice.session.handle import SayHandle
from beluga_voice.session.hearing import SAMPLE_RATE, Hearing
from beluga_voice.session.observers import Observers
from beluga_voice.session.playout import Playout
from beluga_voice.session.speech import Speech, once
from beluga_voice.session.transcription import Transcription
from beluga_voice.turns import Abilities, State, TurnPolicy, step

logger = logging.getLogger("beluga_voice")

STT_TRIES = 3
"""How often a recognizer that fails is opened again without a word from it in between."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Parts:
    """What a session is made of."""

    stt: STT
    tts: TTS
    agent: Agent | None
    vad: VAD | None
    turn_detector: TurnDetector | None
    noise_suppressor: NoiseSuppressor | None
    classifier: InterruptionClassifier
    transport: Transport | None
    config: SessionConfig
    policy: TurnPolicy

    @property
    def abilities(self) -> Abilities:
        """What decisions depend on."""
        return Abilities(
            replies=self.agent is not None,
            detects_turns=self.turn_detector is not None,
            finalizes=self.stt.finalizes,
            stt_delay=self.stt.p99_delay,
        )


class Call:
    """Runs a session once. Its task owns one task group; when it ends nothing is left.

    An event is decided in the call that brings it: `feed` steps the engine and carries out its commands before
    it returns, and events that a command brings meanwhile are decided in their order, right after.
    """

    def __init__(
        self, parts: Parts, session_id: str, conversation: Conversation, observers: Observers, *, again: bool
    ) -> None:
        self._parts = parts
        self._session_id = session_id
        self._conversation = conversation
        self._observers = observers
        visible = SessionState.ENDED if again else SessionState.INITIAL
        self.state = State(policy=parts.policy, abilities=parts.abilities, visible=visible)
        self._loop = asyncio.get_running_loop()
        self._started: asyncio.Future[None] = self._loop.create_future()
        self._ended: asyncio.Future[None] = self._loop.create_future()
        self._inbox: deque[ev.Observed] = deque()
        self._deciding = False
        self._last = 0.0
        self._bug: Exception | None = None
        self._timers: dict[ev.TimerName, asyncio.TimerHandle] = {}
        self._handles: dict[int, SayHandle] = {}
        self._endings: dict[int, asyncio.Future[ev.UtteranceEnded]] = {}
        self._speaking: dict[int, asyncio.Task[None]] = {}
        self._leaving: set[asyncio.Task[None]] = set()
        self._prediction: asyncio.Task[None] | None = None
        self._transcripts = 0
        self._says = 0
        self._group: asyncio.TaskGroup
        self._hearing: Hearing
        self._playout: Playout
        self._speech: Speech
        self._transcription: Transcription

    # -- life --

    @property
    def active(self) -> bool:
        """Whether it takes audio and text."""
        return self._started.done() and not self._ended.done()

    def now(self) -> float:
        """The session's time: the loop's, never going back."""
        self._last = max(self._last, self._loop.time())
        return self._last

    async def wait_started(self) -> None:
        """Wait until it listens."""
        await asyncio.shield(self._started)

    def stop(self, *, drain: bool, reason: EndReason = EndReason.STOPPED) -> None:
        """Have the engine end it."""
        if self.active:
            self.feed(ev.StopRequested(self.now(), drain, reason))

    def raise_bug(self) -> None:
        """Raise, once, the bug that ended it."""
        bug, self._bug = self._bug, None
        if bug is not None:
            raise bug

    async def run(self) -> None:
        """Open everything, run until the engine ends the session, and close everything."""
        closing: list[tuple[str, Callable[[], Awaitable[None]]]] = []
        try:
            await self._open(closing)
            async with asyncio.TaskGroup() as self._group:
                self._group.create_task(self._transcribe(), name="beluga-voice stt")
                self._begin()
                await self._ended
                raise _Over  # cancels what still runs
        except* _Over:
            pass
        except* Exception as group:  # noqa: BLE001 - a bug: told to whoever stops the session
            self._crash(_only(group))
        finally:
            self._end()
            await self._close(closing)
            if not self._started.done():
                self._started.set_exception(self._bug or asyncio.CancelledError())
                self._started.exception()
                self._bug = None

    async def _open(self, closing: list[tuple[str, Callable[[], Awaitable[None]]]]) -> None:
        parts = self._parts
        voice = await parts.tts.open_stream()
        closing.append(("tts", voice.aclose))
        self._speech = Speech(voice, self.now, self.feed, self._observers.tell)
        transport = parts.transport
        rate = parts.tts.sample_rate if transport is None else transport.output_sample_rate
        send = _nowhere if transport is None else transport.send_nowait
        self._playout = Playout(rate, send, self.feed)
        self._hearing = Hearing(
            vad=parts.vad,
            noise_suppressor=parts.noise_suppressor,
            policy=parts.policy,
            clock=self.now,
            feed=self.feed,
            asks=self._playout.asks,
            passed=self._passed,
            failed=lambda error: self._failed("noise_suppressor", error),
        )
        closing.append(("hearing", _sync(self._hearing.close)))
        self._transcription = self._new_transcription()
        if transport is not None:
            closing.append(("transport", transport.aclose))
            await transport.open(_Line(self))

    def _new_transcription(self) -> Transcription:
        transcription = Transcription(
            self._parts.stt,
            self._hearing.ring,
            sample_rate=SAMPLE_RATE,
            pre_roll=round(self._parts.policy.pre_roll * SAMPLE_RATE),
            backlog=self._parts.config.hearing_backlog,
            heard=self._heard,
        )
        if self._parts.vad is None:
            transcription.always()
        return transcription

    def _begin(self) -> None:
        self._started.set_result(None)
        self.feed(ev.SessionStarted(self.now()))
        if self._parts.config.greeting:
            self.say(self._parts.config.greeting, True, 0, WhileCallerSpeaks.WAIT)

    def _end(self) -> None:
        """Leave nothing open, however it ended."""
        if self._started.done() and not self._ended.done():
            reason = EndReason.ERROR if self._bug is not None else EndReason.STOPPED
            try:
                self.feed(ev.StopRequested(self.now(), reason=reason))
            except Exception:  # the engine itself may be what failed
                logger.exception("session %s could not be ended in order", self._session_id)
        if not self._ended.done():
            self._ended.set_result(None)
        for timer in self._timers.values():
            timer.cancel()
        self._timers.clear()
        if hasattr(self, "_playout"):
            self._playout.stop()
        for utterance in list(self._endings):
            self._settle(ev.UtteranceEnded(self.now(), utterance, Source.SAY, ev.Outcome.CUT, reason="ended"))
        self._observers.end()

    async def _close(self, closing: list[tuple[str, Callable[[], Awaitable[None]]]]) -> None:
        for kind, close in reversed(closing):
            try:
                async with asyncio.timeout(self._parts.config.close_deadline):
                    await close()
            except Exception as error:  # noqa: BLE001 - the boundary to a provider
                logger.warning("session %s: closing its %s failed: %r", self._session_id, kind, error)

    def _crash(self, bug: Exception) -> None:
        if self._bug is None:
            self._bug = bug
        if not self._ended.done():
            self._observers.tell(ev.ProviderFailed(self.now(), "session", repr(bug), fatal=True))

    # -- deciding --

    def feed(self, event: ev.Observed) -> None:
        """Decide by an event, and carry out what follows.

        A bug in what follows ends the session; it does not reach the caller of this.
        """
        self._inbox.append(event)
        if self._deciding:
            return
        self._deciding = True
        try:
            while self._inbox:
                self._decide(self._inbox.popleft())
        except Exception as bug:  # noqa: BLE001 - told to whoever stops the session
            self._inbox.clear()
            self._crash(bug)
            if not self._ended.done():
                self._ended.set_result(None)
        finally:
            self._deciding = False

    def _decide(self, event: ev.Observed) -> None:
        self.state, commands = step(self.state, event)
        self._observers.tell(event)
        self._observers.decided(event, commands)
        for command in commands:
            _CARRY_OUT[type(command)](self, command)

    def _announce(self, command: do.Announce) -> None:
        self._observers.tell(command.event)

    def _set_timer(self, command: do.SetTimer) -> None:
        running = self._timers.get(command.timer)
        if running is not None:
            running.cancel()
        self._timers[command.timer] = self._loop.call_at(command.due, self._fire, command.timer, command.due)

    def _clear_timer(self, command: do.ClearTimer) -> None:
        running = self._timers.pop(command.timer, None)
        if running is not None:
            running.cancel()

    def _fire(self, timer: ev.TimerName, due: float) -> None:
        self._timers.pop(timer, None)
        self._last = max(self._last, due)
        self.feed(ev.TimerFired(self.now(), timer, due))

    def _end_session(self, _: do.EndSession) -> None:
        if not self._ended.done():
            self._ended.set_result(None)

    # -- hearing --

    def hear(self, frame: AudioFrame) -> None:
        """Take a frame of the caller's audio.

        Raises:
            AudioError: it is no such frame.
        """
        self._hearing.process(frame)

    def _passed(self, frame: AudioFrame) -> None:
        self._transcription.hear(frame)

    def _start_hearing(self, command: do.StartHearing) -> None:
        self._transcription.start(command.position)

    def _stop_hearing(self, _: do.StopHearing) -> None:
        self._transcription.stop()

    def _finalize(self, command: do.Finalize) -> None:
        self._transcription.finalize(command.request)

    def _heard(self, transcript: Transcript, answers: int | None) -> None:
        start, end = self._time(transcript.start), self._time(transcript.end)
        now = self.now()
        self._transcripts += 1
        self.feed(
            ev.TranscriptReceived(
                now,
                self._transcripts,
                transcript.text,
                transcript.final,
                self._parts.classifier.classify(transcript.text, self._parts.config.language),
                start,
                end,
                answers,
                self._playout.asks(now - (now if start is None else start)),
            )
        )

    def _time(self, seconds: float | None) -> float | None:
        if seconds is None:
            return None
        return min(self.now(), self._hearing.timeline.at(self._transcription.sent.position(seconds)))

    async def _transcribe(self) -> None:
        """Keep a stream of the STT open; a failed one is replaced while there is hope."""
        tries = 0
        while True:
            heard = self._transcripts
            error = await self._transcribe_once()
            tries = 1 if self._transcripts > heard else tries + 1
            fatal = not error.retryable or tries >= STT_TRIES
            self._failed("stt", error, fatal=fatal)
            if fatal:
                self.stop(drain=True, reason=EndReason.ERROR)
                return
            await asyncio.sleep(0.1 * (tries - 1))
            hearing = self.state.hearing
            self._transcription = self._new_transcription()
            if hearing:
                self._transcription.start(self._hearing.ring.end)

    async def _transcribe_once(self) -> ProviderError:
        """Run one stream until it fails."""
        failures: list[Exception] = []
        try:
            await self._transcription.run()
        except* ProviderError as group:
            failures.append(_only(group))
        assert failures, "a recognizer's stream runs until it fails"
        assert isinstance(failures[0], ProviderError)
        return failures[0]

    def _failed(self, kind: str, error: ProviderError, *, fatal: bool = False) -> None:
        logger.warning("session %s: its %s failed: %s", self._session_id, kind, error)
        self._observers.tell(ev.ProviderFailed(self.now(), kind, str(error), fatal))

    def _predict_turn(self, command: do.PredictTurn) -> None:
        if self._prediction is not None:
            self._prediction.cancel()
        self._prediction = self._spawn(self._predict(command), "turn detector")

    async def _predict(self, command: do.PredictTurn) -> None:
        detector = self._parts.turn_detector
        assert detector is not None
        context = TurnContext(command.text, command.final, self._parts.config.language)
        try:
            async with asyncio.timeout(self._parts.policy.endpoint_max):
                probability: float | None = await detector.predict(context)
        except (ProviderError, TimeoutError) as error:
            self._failed("turn_detector", ProviderError(str(error) or "no answer in time", retryable=True))
            probability = None
        self.feed(ev.TurnPredicted(self.now(), command.request, probability))

    # -- speaking --

    def say(
        self, text: str, interruptible: bool, priority: int, while_caller_speaks: WhileCallerSpeaks
    ) -> SayHandle:
        """Queue something to be said."""
        self._says -= 1
        utterance = self._says
        ended: asyncio.Future[ev.UtteranceEnded] = self._loop.create_future()
        handle = SayHandle(utterance, text, ended, self._cut)
        self._handles[utterance], self._endings[utterance] = handle, ended
        self.feed(ev.SayRequested(self.now(), utterance, interruptible, priority, while_caller_speaks))
        return handle

    def _cut(self, utterance: int) -> None:
        if self.active:
            self.feed(ev.CutRequested(self.now(), utterance))

    def _prepare_say(self, command: do.PrepareSay) -> None:
        text = self._handles[command.utterance].text
        self._make(command.utterance, once(text))

    def _commit_turn(self, command: do.CommitTurn) -> None:
        self._conversation.commit_turn(command.turn, command.text)

    def _start_reply(self, command: do.StartReply) -> None:
        agent = self._parts.agent
        assert agent is not None
        turn = Turn(command.text, command.turn, self._conversation.messages, self._session_id)
        self._make(command.utterance, agent.reply(turn))

    def _make(self, utterance: int, texts: Any) -> None:
        track = self._playout.open(utterance, self._parts.tts.sample_rate, self._parts.config.playout_ahead)

        async def make() -> None:
            if self._leaving:  # at most one reply lives: what was cut has to be gone first
                await asyncio.wait(self._leaving, timeout=self._parts.config.close_deadline)
            await self._speech.speak(utterance, track, texts)

        task = self._spawn(make(), f"utterance {utterance}")
        self._speaking[utterance] = task
        task.add_done_callback(lambda _: self._speaking.pop(utterance, None))

    def _play(self, command: do.Play) -> None:
        self._playout.play(command.utterance)

    def _pause(self, _: do.Pause) -> None:
        self._playout.pause()

    def _resume(self, _: do.Resume) -> None:
        self._playout.resume()

    def _end_utterance(self, command: do.EndUtterance) -> None:
        task = self._speaking.get(command.utterance)
        if task is not None and command.outcome is not ev.Outcome.PLAYED:
            task.cancel()
            self._leaving.add(task)
            task.add_done_callback(self._leaving.discard)
        ledger = self._playout.close(command.utterance)
        heard, unheard = ("", "") if ledger is None else (ledger.heard(), ledger.unheard())
        if ledger is not None and ledger.heard_samples and command.outcome is not ev.Outcome.PLAYED:
            self._flush()
        if command.commit:
            interrupted = command.outcome is not ev.Outcome.PLAYED
            self._conversation.commit_utterance(command.turn, heard, interrupted=interrupted)
        say = command.utterance in self._handles
        source = Source.SAY if say else Source.REPLY
        self._settle(
            ev.UtteranceEnded(
                self.now(), command.utterance, source, command.outcome, heard, unheard, command.reason
            )
        )

    def _flush(self) -> None:
        if self._parts.transport is not None:
            self._parts.transport.flush()

    def _settle(self, ended: ev.UtteranceEnded) -> None:
        self._handles.pop(ended.utterance, None)
        future = self._endings.pop(ended.utterance, None)
        if future is not None and not future.done():
            future.set_result(ended)
        self._observers.tell(ended)
        apology = self._parts.config.apology
        failed = ended.outcome is ev.Outcome.FAILED and ended.source is Source.REPLY and not ended.heard
        if failed and apology and self.active:
            self.say(apology, True, 0, WhileCallerSpeaks.WAIT)

    def _spawn(self, work: Coroutine[Any, Any, None], name: str) -> asyncio.Task[None]:
        return self._group.create_task(work, name=f"beluga-voice {name}")


class _Over(Exception):
    """The session has ended in order."""


class _Line:
    """The session as its transport sees it: after the end it takes nothing, and says nothing."""

    def __init__(self, call: Call) -> None:
        self._call = call

    def process_audio(self, frame: AudioFrame) -> None:
        """Take a frame; audio that is none is told to the observers once a call would be too late."""
        if self._call.active:
            try:
                self._call.hear(frame)
            except AudioError as error:
                self._call._failed("transport", ProviderError(str(error)))

    def end_of_input(self, error: Exception | None = None) -> None:
        """End the session."""
        if error is not None:
            self._call._failed("transport", ProviderError(str(error)), fatal=True)
        reason = EndReason.END_OF_INPUT if error is None else EndReason.ERROR
        self._call.stop(drain=False, reason=reason)


def _nowhere(_: AudioFrame) -> None:
    """Take a frame of a session without a line."""


def _sync(function: Callable[[], None]) -> Callable[[], Awaitable[None]]:
    async def call() -> None:
        function()

    return call


def _only(group: BaseExceptionGroup[Exception]) -> Exception:
    """The first of a group's exceptions, however deep."""
    first = group.exceptions[0]
    return _only(first) if isinstance(first, BaseExceptionGroup) else first


_CARRY_OUT: dict[type[do.Command], Callable[[Call, Any], None]] = {
    do.Announce: Call._announce,
    do.SetTimer: Call._set_timer,
    do.ClearTimer: Call._clear_timer,
    do.StartHearing: Call._start_hearing,
    do.StopHearing: Call._stop_hearing,
    do.Finalize: Call._finalize,
    do.PredictTurn: Call._predict_turn,
    do.CommitTurn: Call._commit_turn,
    do.StartReply: Call._start_reply,
    do.PrepareSay: Call._prepare_say,
    do.Play: Call._play,
    do.Pause: Call._pause,
    do.Resume: Call._resume,
    do.EndUtterance: Call._end_utterance,
    do.EndSession: Call._end_session,
}
