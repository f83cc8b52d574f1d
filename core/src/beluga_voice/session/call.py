"""One run of a session, from start to end: what it opens, and how commands are carried out."""

from __future__ import annotations

import asyncio
import logging
import math
from collections import deque
from collections.abc import Awaitable, Callable
from dataclasses import dataclass, replace
from functools import partial
from typing import Any, TypeVar

from beluga_voice import commands as do
from beluga_voice import events as ev
from beluga_voice.audio import AudioFrame
from beluga_voice.contracts import (
    STT,
    TTS,
    VAD,
    Agent,
    CallControl,
    InterruptionClassifier,
    NoiseSuppressor,
    Transcript,
    Transport,
    Turn,
    TurnContext,
    TurnDetector,
)
from beluga_voice.contracts.agent import Texts as TextsOf
from beluga_voice.conversation import Conversation
from beluga_voice.errors import AudioError, BelugaVoiceError, ProviderError, ProviderTimeoutError
from beluga_voice.events import EndReason, SessionState, Source, WhileCallerSpeaks
from beluga_voice.journal.format import Header
from beluga_voice.session.closing import Closing, close_all
from beluga_voice.session.config import SessionConfig
from beluga_voice.session.handle import SayHandle
from beluga_voice.session.hearing import SAMPLE_RATE, Hearing
from beluga_voice.session.observers import Observers
from beluga_voice.session.playout import Playout
from beluga_voice.session.records import Records
from beluga_voice.session.speech import Speech, Texts, saying
from beluga_voice.session.transcription import Transcription
from beluga_voice.turns import Abilities, TurnPolicy, step
from beluga_voice.turns.state import Life

logger = logging.getLogger("beluga_voice")

T = TypeVar("T")

STT_TRIES = 3
"""How often a recognizer that fails is opened without a word from it in between."""

STT_PAUSE = 0.1
"""Seconds before a recognizer that failed is opened again, times the tries so far."""


KEYS = "0123456789*#ABCD"
"""The keys of a telephone (ITU-T Q.23)."""

MOST_KEYS = 128
"""Keys that are gathered at most before they count as complete."""

CUTS = 3
"""How often what does not end is cancelled, each time for a close deadline; then it is left."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Parts:
    """What a session is made of."""

    stt: STT
    tts: TTS
    agent: Agent | None
    control: CallControl
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
            cancels_echo=self.noise_suppressor is not None and self.noise_suppressor.cancels_echo,
        )


class Call:
    """Runs a session once. Its task owns one task group; when it ends nothing is left.

    An event is decided in the call that brings it: `feed` steps the engine and carries out its commands before
    it returns, and events that a command brings meanwhile are decided in their order, right after.
    """

    def __init__(
        self, parts: Parts, session_id: str, conversation: Conversation, observers: Observers, *, run: int
    ) -> None:
        self._parts = parts
        self._session_id = session_id
        self._conversation = conversation
        self._observers = observers
        conversation.begin_run()
        self.run_number = run
        header = Header(
            session_id=session_id,
            language=parts.config.language,
            content=parts.config.journal_content,
            state=SessionState.INITIAL if run == 1 else SessionState.ENDED,
            policy=parts.policy,
            abilities=parts.abilities,
        )
        self.state = header.begin()
        self._records = Records(parts.config, header, run=run, failed=self._failed)
        self._loop = asyncio.get_running_loop()
        self._started: asyncio.Future[None] = self._loop.create_future()
        self._ended: asyncio.Future[None] = self._loop.create_future()
        self.released: asyncio.Future[None] = self._loop.create_future()
        self._closing: list[Closing] = []
        self._hung_up: ev.StopRequested | None = None
        self._inbox: deque[ev.Observed] = deque()
        self._deciding = False
        self._last = 0.0
        self.bug: Exception | None = None
        self._timers: dict[ev.TimerName, asyncio.TimerHandle] = {}
        self._handles: dict[int, SayHandle] = {}
        self._says_texts: dict[int, Texts] = {}
        self._endings: dict[int, asyncio.Future[ev.UtteranceEnded]] = {}
        self._speaking: dict[int, asyncio.Task[None]] = {}
        self._tasks: set[asyncio.Task[None]] = set()
        self._leaving: set[asyncio.Task[None]] = set()
        self._prediction: asyncio.Task[None] | None = None
        self._transcripts = 0
        self._says = 0
        self._keys = ""
        self._group: asyncio.TaskGroup
        self._hearing: Hearing
        self._playout: Playout
        self._speech: Speech
        self._transcription: Transcription

    # -- life --

    @property
    def started(self) -> bool:
        """Whether it listens, or has done so."""
        return self._started.done()

    @property
    def active(self) -> bool:
        """Whether it takes audio and text."""
        return self._started.done() and not self._ended.done() and self.state.life is not Life.ENDED

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

    async def run(self) -> None:
        """Open everything, run until the engine ends the session, and close everything."""
        try:
            await self._open()
            async with asyncio.TaskGroup() as self._group:
                self._spawn(self._transcribe, "stt")
                self._begin()
                await self._ended
                await self._cut_tasks()
        except Exception as bug:  # noqa: BLE001 - told to whoever starts or stops the session
            self._crash(bug)
        finally:
            await self._release()

    async def _open(self) -> None:
        parts = self._parts
        voice = await self._in_time("tts", parts.tts.open_stream())
        self._closing.append(("tts", voice.aclose))
        spoken_as = None if parts.agent is None else parts.agent.speech_text
        self._speech = Speech(voice, self.now, self.feed, self._report, spoken_as)
        transport = parts.transport
        rate = parts.tts.sample_rate if transport is None else transport.output_sample_rate
        self._records.open(rate)
        self._playout = Playout(rate, self._send, self.feed)
        self._hearing = Hearing(
            vad=parts.vad,
            noise_suppressor=parts.noise_suppressor,
            policy=parts.policy,
            clock=self.now,
            feed=self.feed,
            asks=self._playout.asks,
            scored=self._records.scored if self._records.wants_scores else None,
            passed=self._passed,
            failed=self._failed,
            deaf=self._deaf,
        )
        self._closing.append(("hearing", _sync(self._hearing.close)))
        self._transcription = self._new_transcription()
        self._closing.append(("stt", self._transcription.aclose))
        await self._transcription.open()
        if transport is not None:
            self._closing.append(("transport", transport.aclose))
            await self._in_time("transport", transport.open(_Line(self)))

    async def _in_time(self, kind: str, opening: Awaitable[T]) -> T:
        deadline = self._parts.config.open_deadline
        try:
            async with asyncio.timeout(deadline):
                return await opening
        except TimeoutError:
            raise ProviderTimeoutError(f"the {kind} did not open within {deadline:g} s") from None

    def _new_transcription(self) -> Transcription:
        transcription = Transcription(
            self._parts.stt,
            self._hearing.ring,
            sample_rate=SAMPLE_RATE,
            pre_roll=round(self._parts.policy.pre_roll * SAMPLE_RATE),
            config=self._parts.config,
            heard=self._heard,
        )
        if self._parts.vad is None:
            transcription.always()
        return transcription

    def _begin(self) -> None:
        self._started.set_result(None)
        self.feed(ev.SessionStarted(self.now()))
        agent = self._parts.agent
        greeting = self._parts.config.greeting or ("" if agent is None else agent.greeting)
        if greeting:
            self.say(greeting, True, 0, WhileCallerSpeaks.WAIT)
        if self._hung_up is not None:
            self.feed(self._hung_up)

    async def _cut_tasks(self) -> None:
        """Cancel what still runs, and again what takes no notice; what will not end is left, with a warning."""
        for number in range(CUTS):
            if not self._tasks:
                return
            for task in self._tasks:
                if number or not task.cancelling():  # what has just been cut may clean up first
                    task.cancel()
            await asyncio.wait(tuple(self._tasks), timeout=self._parts.config.close_deadline)
        if self._tasks:
            names = ", ".join(sorted(task.get_name() for task in self._tasks))
            logger.error(
                "session %s: cancelled %d times, and still running: %s", self._session_id, CUTS, names
            )
            await self._release()

    async def _release(self) -> None:
        """Close everything; from then on nothing of the session is open."""
        self._end()
        try:
            await close_all(self._parts.config.close_deadline, self._closing)
        finally:
            if not self._started.done():
                self._started.set_exception(self.bug or asyncio.CancelledError())
                self._started.exception()
            if not self.released.done():
                self.released.set_result(None)

    def _end(self) -> None:
        """Leave nothing running, however it ended. Idempotent."""
        if self._started.done() and self.state.life is not Life.ENDED:
            reason = EndReason.ERROR if self.bug is not None else EndReason.STOPPED
            self.feed(ev.StopRequested(self.now(), reason=reason))
            self._end_without_engine()
        if not self._ended.done():
            self._ended.set_result(None)
        for timer in self._timers.values():
            timer.cancel()
        self._timers.clear()
        if hasattr(self, "_playout"):
            self._playout.stop()
        self._records.close()
        self._observers.end()

    def _end_without_engine(self) -> None:
        """End what the engine, which must have failed, did not: handles, and what observers see."""
        if self.state.life is Life.ENDED:
            return
        for utterance in list(self._endings):
            self._settle(ev.UtteranceEnded(self.now(), utterance, Source.SAY, ev.Outcome.CUT, reason="ended"))
        old = self.state.visible
        self.state = replace(self.state, life=Life.ENDED, visible=SessionState.ENDED, ending=EndReason.ERROR)
        self._observers.tell(ev.StateChanged(self.now(), old, SessionState.ENDED))
        self._observers.tell(ev.SessionEnded(self.now(), EndReason.ERROR))

    def _crash(self, bug: Exception) -> None:
        """End the session for a bug, which is told to whoever stops it or waits for its end."""
        if self.bug is None:
            self.bug = bug = _only(bug)
            if self._started.done():
                logger.error("session %s ends by a bug", self._session_id, exc_info=bug)
                self._report(ev.ProviderFailed(self.now(), "session", repr(bug), fatal=True))
        if self._started.done() and not self._ended.done():
            self._ended.set_result(None)

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
        finally:
            self._deciding = False

    def _decide(self, event: ev.Observed) -> None:
        if self.state.life is Life.ENDED:
            return  # nothing is told after the end
        self.state, commands = step(self.state, event)
        self._records.decided(event, commands)
        self._observers.tell(event)
        self._observers.decided(event, commands)
        for command in commands:
            _CARRY_OUT[type(command)](self, command)

    def _announce(self, command: do.Announce) -> None:
        if isinstance(command.event, ev.DtmfEntered) and command.event.text == self._keys:
            self._keys = ""
        self._observers.tell(command.event)

    def _report(self, event: ev.Reported) -> None:
        if self.state.life is not Life.ENDED:
            self._records.told(event)
            self._observers.tell(event)

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
        try:
            self._hearing.process(frame)
            self._records.heard(frame, self.now())
        except AudioError:
            raise
        except Exception as bug:  # noqa: BLE001 - told to whoever stops the session
            self._crash(bug)

    def press(self, keys: str) -> None:
        """Take keys of the telephone.

        Raises:
            ValueError: there is no such key.
        """
        for key in keys:
            if key not in KEYS:
                raise ValueError(f"no key {key!r}; the keys are {KEYS}")
        for key in keys:
            ends = key == "#" or len(self._keys) + 1 >= MOST_KEYS
            self._keys = self._keys or key if key == "#" else self._keys + key
            pressed = self._keys
            if ends:
                self._keys = ""
            self.feed(ev.DtmfReceived(self.now(), pressed, ends))

    def _deaf(self) -> None:
        self._transcription.always()

    def _passed(self, frame: AudioFrame) -> None:
        self._transcription.hear(frame)

    def _start_hearing(self, command: do.StartHearing) -> None:
        self._transcription.start(command.position)

    def _stop_hearing(self, _: do.StopHearing) -> None:
        self._transcription.stop()

    def _finalize(self, command: do.Finalize) -> None:
        self._transcription.finalize(command.request)

    def _heard(self, transcript: Transcript, answers: int | None) -> None:
        start, end = self._time(transcript.start), self._time(transcript.end, end=True)
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
                transcript.end_of_turn,
                self._playout.echoes(transcript.text, now if start is None else start),
            )
        )

    def _time(self, seconds: float | None, *, end: bool = False) -> float | None:
        if seconds is None or not math.isfinite(seconds):
            return None
        position = self._transcription.sent.position(seconds, end=end)
        return min(self.now(), self._hearing.timeline.at(position))

    async def _transcribe(self) -> None:
        """Keep a stream of the STT open; a failed one is replaced while there is hope."""
        tries = 0
        while True:
            heard = self._transcripts
            error = await self._transcribe_once()
            if self._ended.done():
                return  # cancelled in the instant of the failure, which hides that
            tries = 1 if self._transcripts > heard else tries + 1
            fatal = not error.retryable or tries >= STT_TRIES
            self._failed("stt", error, fatal=fatal)
            if fatal:
                self.stop(drain=True, reason=EndReason.ERROR)
                return
            await asyncio.sleep(STT_PAUSE * tries)

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

    def _failed(self, kind: str, error: BelugaVoiceError, *, fatal: bool = False) -> None:
        logger.warning("session %s: its %s failed: %s", self._session_id, kind, error)
        self._report(ev.ProviderFailed(self.now(), kind, str(error), fatal))

    def tell_failed(self, kind: str, error: BelugaVoiceError) -> None:
        """Tell that something of the agent's failed, and the call goes on."""
        self._failed(kind, error)

    def _predict_turn(self, command: do.PredictTurn) -> None:
        if self._prediction is not None:
            self._prediction.cancel()
        self._prediction = self._spawn(lambda: self._predict(command), "turn detector")

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
        self,
        text: str | TextsOf,
        interruptible: bool,
        priority: int,
        while_caller_speaks: WhileCallerSpeaks,
        inside: int = 0,
    ) -> SayHandle:
        """Queue something to be said; within the tool of the reply `inside`, if that is not 0."""
        self._says -= 1
        utterance = self._says
        ended: asyncio.Future[ev.UtteranceEnded] = self._loop.create_future()
        handle = SayHandle(utterance, text if isinstance(text, str) else "", ended, self._cut)
        self._handles[utterance], self._endings[utterance] = handle, ended
        self._says_texts[utterance] = saying(text) if isinstance(text, str) else partial(text, utterance)
        self.feed(
            ev.SayRequested(self.now(), utterance, interruptible, priority, while_caller_speaks, inside)
        )
        return handle

    def foresees(self, turn: int) -> bool:
        """Whether a reply to the turn was begun, and the turn has not closed."""
        early = self.state.early
        return early is not None and early.turn == turn

    def interrupt(self) -> None:
        """Cut the live reply, and each `say` that may be cut."""
        for utterance in self.state.utterances:
            if utterance.interruptible:
                self._cut(utterance.number)

    def run_task(self, work: Callable[[], Awaitable[None]], name: str) -> None:
        """Run the agent's `work()` until the session ends, at the latest."""
        self._spawn(work, name)

    def _cut(self, utterance: int) -> None:
        if self.active:
            self.feed(ev.CutRequested(self.now(), utterance))

    def _prepare_say(self, command: do.PrepareSay) -> None:
        self._make(command.utterance, self._says_texts[command.utterance])

    def _commit_turn(self, command: do.CommitTurn) -> None:
        self._conversation.commit_turn(command.turn, command.text)

    def _start_reply(self, command: do.StartReply) -> None:
        agent = self._parts.agent
        assert agent is not None
        history, control = self._conversation.messages, self._parts.control
        if command.preemptive:
            history = self._conversation.supposing(command.turn, command.text)
        turn = Turn(
            command.text,
            command.turn,
            history,
            self._session_id,
            command.utterance,
            control,
            command.preemptive,
        )
        self._make(command.utterance, lambda: agent.reply(turn))

    def _make(self, utterance: int, texts: Texts) -> None:
        track = self._playout.open(utterance, self._parts.tts.sample_rate, self._parts.config.playout_ahead)

        async def make() -> None:
            await self._wait_for_leaving()
            await self._speech.speak(utterance, track, texts)

        task = self._spawn(make, f"utterance {utterance}")
        self._speaking[utterance] = task
        task.add_done_callback(lambda _: self._speaking.pop(utterance, None))

    async def _wait_for_leaving(self) -> None:
        """At most one reply lives: what was cut has to be gone first; what takes no notice is cut again."""
        if self._leaving:
            _, here = await asyncio.wait(tuple(self._leaving), timeout=self._parts.config.close_deadline)
            for task in here:
                task.cancel()

    def _play(self, command: do.Play) -> None:
        self._playout.play(command.utterance)

    def _pause(self, _: do.Pause) -> None:
        self._playout.pause()

    def _duck(self, _: do.Duck) -> None:
        self._playout.duck()

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
        transport = self._parts.transport
        if transport is not None:
            self._on_line(transport.flush)

    def _send(self, frame: AudioFrame) -> None:
        self._records.sent(frame, self.now())
        transport = self._parts.transport
        if transport is not None:
            self._on_line(lambda: transport.send_nowait(frame))

    def _on_line(self, use: Callable[[], None]) -> None:
        """Use the line; where it fails, the session ends."""
        try:
            use()
        except BelugaVoiceError as error:
            self.hang_up(error)
        except Exception as bug:  # noqa: BLE001 - told to whoever stops the session
            self._crash(bug)

    def hang_up(self, error: Exception | None) -> None:
        """End it, as the line has ended or failed; while it starts, as soon as it has started."""
        if self._ended.done() or self.state.life is Life.ENDED:
            return
        reason = EndReason.END_OF_INPUT
        if error is not None:
            reason = EndReason.ERROR
            self._failed("transport", ProviderError(str(error)), fatal=True)
        self._hung_up = ev.StopRequested(self.now(), reason=reason)
        if self._started.done():
            self.feed(self._hung_up)

    def _settle(self, ended: ev.UtteranceEnded) -> None:
        self._handles.pop(ended.utterance, None)
        self._says_texts.pop(ended.utterance, None)
        future = self._endings.pop(ended.utterance, None)
        if future is not None and not future.done():
            future.set_result(ended)
        self._records.told(ended)
        self._observers.tell(ended)
        apology = self._parts.config.apology
        failed = ended.outcome is ev.Outcome.FAILED and ended.source is Source.REPLY and not ended.heard
        if failed and apology and self.active:
            self.say(apology, True, 0, WhileCallerSpeaks.WAIT)

    def _spawn(self, work: Callable[[], Awaitable[None]], name: str) -> asyncio.Task[None]:
        task = self._group.create_task(self._guard(work), name=f"beluga-voice {name}")
        self._tasks.add(task)
        task.add_done_callback(self._tasks.discard)
        return task

    async def _guard(self, work: Callable[[], Awaitable[None]]) -> None:
        try:
            await work()
        except Exception as bug:  # noqa: BLE001 - told to whoever stops the session
            self._crash(bug)


class _Line:
    """The session as its transport sees it: after the end it takes nothing, and says nothing."""

    def __init__(self, call: Call) -> None:
        self._call = call
        self._told = False

    def process_audio(self, frame: AudioFrame) -> None:
        """Take a frame; audio that is none is told to the observers, once until there is audio again."""
        if self._call.active:
            try:
                self._call.hear(frame)
                self._told = False
            except AudioError as error:
                if not self._told:
                    self._told = True
                    self._call._failed("transport", error)

    def process_dtmf(self, keys: str) -> None:
        """Take keys; one that there is not is told to the observers, and nothing of it is taken."""
        if self._call.active:
            try:
                self._call.press(keys)
            except ValueError as error:
                self._call._failed("transport", ProviderError(str(error)))

    def end_of_input(self, error: Exception | None = None) -> None:
        """End the session."""
        self._call.hang_up(error)


def _sync(function: Callable[[], None]) -> Callable[[], Awaitable[None]]:
    async def call() -> None:
        function()

    return call


def _only(error: Exception) -> Exception:
    """The first of a group's exceptions, however deep; an error alone is itself."""
    return _only(error.exceptions[0]) if isinstance(error, ExceptionGroup) else error


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
    do.Duck: Call._duck,
    do.Resume: Call._resume,
    do.EndUtterance: Call._end_utterance,
    do.EndSession: Call._end_session,
}
