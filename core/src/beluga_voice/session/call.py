"""One run of a session, from start to end: what it opens, and how it ends."""

from __future__ import annotations

import asyncio
import logging
from collections.abc import Awaitable
from typing import TypeVar

from beluga_voice import commands as do
from beluga_voice import events as ev
from beluga_voice.audio import AudioFrame
from beluga_voice.contracts import SpeechOptions
from beluga_voice.contracts.agent import Texts
from beluga_voice.contracts.tts import PLAIN_SPEECH
from beluga_voice.conversation import Conversation
from beluga_voice.errors import BelugaVoiceError, ProviderTimeoutError
from beluga_voice.events import EndReason, SessionState, WhileCallerSpeaks
from beluga_voice.journal.format import Header
from beluga_voice.resilience.notices import Switched, listen
from beluga_voice.session.blame import Blame
from beluga_voice.session.closing import Closing, close_all
from beluga_voice.session.deciding import Deciding
from beluga_voice.session.handle import SayHandle
from beluga_voice.session.hearing import SAMPLE_RATE
from beluga_voice.session.keepalive import keep_alive
from beluga_voice.session.line import FarEnd, Line
from beluga_voice.session.listening import Listening
from beluga_voice.session.measures import Measures
from beluga_voice.session.observers import Observers
from beluga_voice.session.parts import Parts
from beluga_voice.session.played import Played
from beluga_voice.session.playout import Playout
from beluga_voice.session.s2s.voice import ModelVoice, Unasked
from beluga_voice.session.speaking import Speaking
from beluga_voice.session.tasks import CUTS, Tasks, Work
from beluga_voice.session.voice import AgentVoice
from beluga_voice.turns.state import State
from beluga_voice.usage import SessionUsage

logger = logging.getLogger("beluga_voice")

T = TypeVar("T")


class Call:
    """Runs a session once. Its task owns one task group; when it ends nothing is left.

    It opens the two sides of a session, which know each other only by the engine between them: the hearing side
    (`Listening`) and the speaking side (`Speaking`, over a `Voice`).
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
        self._deciding = Deciding(parts.config, header, observers, Measures(parts.prices), run=run)
        self._deciding.carries(do.Announce, self._announce)
        self._tasks = Tasks(self._deciding.crash)
        self._line = Line(parts.transport, self._deciding)
        self.released: asyncio.Future[None] = asyncio.get_running_loop().create_future()
        self._closing: list[Closing] = []
        self._playout: Playout | None = None
        self._listening: Listening
        self._speaking: Speaking

    # -- what one sees --

    @property
    def state(self) -> State:
        """The engine's state."""
        return self._deciding.state

    @property
    def bug(self) -> Exception | None:
        """What ended it, if a bug did."""
        return self._deciding.bug

    @property
    def blame(self) -> Blame:
        """Who failed."""
        return self._deciding.blame

    @property
    def started(self) -> bool:
        """Whether it listens, or has done so."""
        return self._deciding.started.done()

    @property
    def active(self) -> bool:
        """Whether it takes audio and text."""
        return self._deciding.active

    @property
    def usage(self) -> SessionUsage:
        """What it has used so far."""
        return self._deciding.measures.usage

    def now(self) -> float:
        """The session's time: the loop's, never going back."""
        return self._deciding.now()

    def foresees(self, turn: int) -> bool:
        """Whether a reply to the turn was begun, and the turn has not closed."""
        early = self.state.early
        return early is not None and early.turn == turn

    async def wait_started(self) -> None:
        """Wait until it listens."""
        await asyncio.shield(self._deciding.started)

    # -- what one does --

    def stop(self, *, drain: bool, reason: EndReason = EndReason.STOPPED) -> None:
        """Have the engine end it."""
        self._deciding.stop(drain=drain, reason=reason)

    def feed(self, event: ev.Observed) -> None:
        """Decide by an event, and carry out what follows; a bug in that ends the session, and is not raised."""
        self._deciding.feed(event)

    def hear(self, frame: AudioFrame) -> None:
        """Take a frame of the caller's audio.

        Raises:
            AudioError: it is no such frame.
        """
        self._listening.hear(frame)

    def press(self, keys: str) -> None:
        """Take keys of the telephone.

        Raises:
            ValueError: there is no such key.
        """
        self._line.press(keys)

    def say(
        self,
        text: str | Texts,
        interruptible: bool,
        priority: int,
        while_caller_speaks: WhileCallerSpeaks,
        inside: int = 0,
        options: SpeechOptions = PLAIN_SPEECH,
    ) -> SayHandle:
        """Queue something to be said; within the tool of the reply `inside`, if that is not 0.

        Raises:
            ConfigurationError: it cannot be spoken as `options` say.
        """
        return self._speaking.say(text, interruptible, priority, while_caller_speaks, inside, options)

    def interrupt(self) -> None:
        """Cut the live reply, and each `say` that may be cut."""
        self._speaking.interrupt()

    def run_task(self, work: Work, name: str) -> None:
        """Run the agent's `work()` until the session ends, at the latest."""
        self._tasks.spawn(work, name)

    def tell_failed(self, kind: str, error: BelugaVoiceError) -> None:
        """Tell that something of the agent's failed, and the call goes on."""
        self._deciding.failed(kind, error)

    def report(self, event: ev.Reported) -> None:
        """Tell of something by which nothing is decided."""
        self._deciding.report(event)

    # -- its life --

    async def run(self) -> None:
        """Open everything, run until the engine ends the session, and close everything."""
        began = self.now()
        listen(self._switched)
        try:
            await self._open()
            took = self.now() - began
            async with asyncio.TaskGroup() as self._tasks.group:
                if self._parts.model is not None:
                    self._tasks.spawn(self._parts.model.link.run, "s2s")
                self._tasks.spawn(self._listening.run, "stt")
                if self._parts.config.enable_keep_alive:
                    self._tasks.spawn(self._keep_alive, "keep-alive")
                self._begin(took)
                await self._deciding.ended
                await self._cut_tasks()
        except Exception as bug:  # noqa: BLE001 - told to whoever starts or stops the session
            if not self.started:
                why = f"{type(bug).__name__}: {bug}"
                self.report(ev.SessionOpened(self.now(), self.now() - began, why))
            self._deciding.crash(bug)
        finally:
            await self._release()

    async def _open(self) -> None:
        parts, deciding = self._parts, self._deciding
        if parts.model is not None:
            link = parts.model.begin(parts.config, deciding, parts.agent)
            self._closing.append(("s2s", link.aclose))
        answers = parts.model is not None and parts.model.answers
        voice = self._voice = ModelVoice(parts, deciding) if answers else AgentVoice(parts, deciding)
        self._closing.append(("tts", voice.aclose))
        await self._in_time("tts", voice.open())
        transport = parts.transport
        rate = voice.sample_rate if transport is None else transport.output_sample_rate
        deciding.records.open(rate)
        suppressor = parts.noise_suppressor
        echoes = suppressor is not None and suppressor.cancels_echo
        self._played = Played(rate, SAMPLE_RATE) if echoes else None
        self._playout = playout = Playout(rate, self._send, deciding.feed)
        self._speaking = Speaking(
            parts, self._session_id, deciding, self._tasks, self._conversation, self._line, playout, voice
        )
        deciding.blame.opening = "vad"
        self._listening = Listening(parts, deciding, self._tasks, playout, self._played)
        if parts.model is not None:
            parts.model.link.events = Unasked(
                parts.model, self._listening, self._speaking, finds_speech=parts.vad is None
            )
        self._closing.append(("hearing", self._listening.close_hearing))
        self._closing.append(("stt", self._listening.aclose))
        deciding.blame.opening = "stt" if parts.model is None else "s2s"
        await self._listening.open()
        if transport is not None:
            self._closing.append(("transport", transport.aclose))
            far_end = FarEnd(self._line, deciding, self._listening, playout)
            await self._in_time("transport", transport.open(far_end))

    def _send(self, frame: AudioFrame) -> None:
        """Put a frame on the wire."""
        if self._played is not None:
            self._played.add(frame, self.now())
        self._line.send(frame)

    async def _in_time(self, kind: str, opening: Awaitable[T]) -> T:
        deadline = self._parts.config.open_deadline
        self._deciding.blame.opening = kind
        try:
            async with asyncio.timeout(deadline):
                return await opening
        except TimeoutError:
            raise ProviderTimeoutError(f"the {kind} did not open within {deadline:g} s", kind=kind) from None

    async def _keep_alive(self) -> None:
        streams = {"stt": self._listening.hold_open, "tts": self._voice.hold_open}
        if self._parts.transport is not None:
            streams["transport"] = self._parts.transport.hold_open
        config = self._parts.config
        await keep_alive(
            streams,
            interval=config.keep_alive_interval,
            deadline=config.close_deadline,
            failed=self._deciding.failed,
        )

    def _begin(self, took: float) -> None:
        self._deciding.started.set_result(None)
        self.feed(ev.SessionStarted(self.now()))
        self._deciding.report(ev.SessionOpened(self.now(), took))
        agent = self._parts.agent
        greeting = self._parts.config.greeting or ("" if agent is None else agent.greeting)
        continues = self.run_number == 1 and self._conversation.messages
        if greeting and not continues:
            self.say(greeting, True, 0, WhileCallerSpeaks.WAIT)
        self._line.begin()

    def _switched(self, notice: Switched) -> None:
        self._deciding.report(
            ev.ProviderSwitched(self.now(), notice.kind, notice.old, notice.new, notice.reason)
        )

    def _announce(self, command: do.Announce) -> None:
        if isinstance(command.event, ev.DtmfEntered):
            self._line.entered(command.event.text)
        self._deciding.tell(command.event, command.saw)

    # -- its end --

    async def _cut_tasks(self) -> None:
        """Cut what still runs; what will not end is left, with a warning."""
        left = await self._tasks.cut(self._parts.config.close_deadline)
        if left:
            names = ", ".join(left)
            self.blame.left += left
            still = "session %s: cancelled %d times, and still running: %s"
            logger.error(still, self._session_id, CUTS, names, extra={"session_id": self._session_id})
            await self._release()

    async def _release(self) -> None:
        """Close everything; from then on nothing of the session is open."""
        self._end()
        try:
            await close_all(self._parts.config.close_deadline, self._closing, self.blame.left)
        finally:
            started = self._deciding.started
            if not started.done():
                started.set_exception(self.bug or asyncio.CancelledError())
                started.exception()
            if not self.released.done():
                self.released.set_result(None)

    def _end(self) -> None:
        """Leave nothing running, however it ended. Idempotent."""
        self._deciding.finish(lambda: self._speaking.settle_all())
        if self._playout is not None:
            self._playout.stop()
        self._deciding.records.close()
        self._observers.end()
