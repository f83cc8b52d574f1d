"""Where a session's events are decided, in the calls that bring them."""

from __future__ import annotations

import asyncio
import logging
from collections import deque
from collections.abc import Callable
from dataclasses import replace
from typing import Any, TypeVar

from beluga_voice import commands as do
from beluga_voice import events as ev
from beluga_voice.errors import BelugaVoiceError
from beluga_voice.events import EndReason, SessionState
from beluga_voice.journal.format import Header
from beluga_voice.session.blame import Blame
from beluga_voice.session.config import SessionConfig
from beluga_voice.session.measures import Measures
from beluga_voice.session.observers import Observers
from beluga_voice.session.records import Records
from beluga_voice.session.timers import Timers
from beluga_voice.turns import step
from beluga_voice.turns.state import Life, State

logger = logging.getLogger("beluga_voice")

C = TypeVar("C", bound=do.Command)


class Deciding:
    """Steps the engine, and has its commands carried out by those that said they do.

    It is what the sides of a session share: its time, its state, and the way to tell what has happened.

    An event is decided in the call that brings it: `feed` steps the engine and carries out its commands before
    it returns, and events that a command brings meanwhile are decided in their order, right after.

    Args:
        config: says what is kept of the session, and where.
        header: where the engine begins.
        observers: are told everything.
        measures: are shown everything.
        run: how often the session was started, from 1.

    Attributes:
        state: the engine's.
        records: what the session keeps of itself.
        measures: what the session counts of itself.
        started: done once it listens; fails if it could not start.
        ended: done once the engine, or a bug, has ended it.
        bug: what ended it, if a bug did.
        blame: knows who failed.
        session_id: its name.
    """

    def __init__(
        self, config: SessionConfig, header: Header, observers: Observers, measures: Measures, *, run: int
    ) -> None:
        self.state: State = header.begin()
        self.measures = measures
        self.records = Records(config, header, run=run, failed=self.failed)
        self.bug: Exception | None = None
        self._loop = asyncio.get_running_loop()
        self.started: asyncio.Future[None] = self._loop.create_future()
        self.ended: asyncio.Future[None] = self._loop.create_future()
        self.session_id = header.session_id
        self.blame = Blame()
        self._observers = observers
        self._inbox: deque[ev.Observed] = deque()
        self._stepping = False
        self._last = 0.0
        self._timers = Timers(self._fired)
        self._carry_out: dict[type[do.Command], Callable[[Any], None]] = {}
        self.carries(do.SetTimer, self._timers.set)
        self.carries(do.ClearTimer, self._timers.clear)
        self.carries(do.EndSession, lambda _: self.end())

    def carries(self, command: type[C], carry_out: Callable[[C], None]) -> None:
        """Have commands of a type carried out by `carry_out`; each type by one."""
        self._carry_out[command] = carry_out

    # -- what one sees --

    @property
    def active(self) -> bool:
        """Whether the session takes audio and text."""
        return self.started.done() and not self.ended.done() and not self.over

    @property
    def over(self) -> bool:
        """Whether the engine has ended it."""
        return self.state.life is Life.ENDED

    def now(self) -> float:
        """The session's time: the loop's, never going back."""
        self._last = max(self._last, self._loop.time())
        return self._last

    # -- what has happened --

    def feed(self, event: ev.Observed) -> None:
        """Decide by an event, and carry out what follows.

        A bug in what follows ends the session; it does not reach the caller of this.
        """
        self._inbox.append(event)
        if self._stepping:
            return
        self._stepping = True
        try:
            while self._inbox:
                self._decide(self._inbox.popleft())
        except Exception as bug:  # noqa: BLE001 - told to whoever stops the session
            self._inbox.clear()
            self.crash(bug)
        finally:
            self._stepping = False

    def _decide(self, event: ev.Observed) -> None:
        if self.over:
            return  # nothing is told after the end
        self.state, commands = step(self.state, event)
        self.records.decided(event, commands)
        self._observers.tell(event)
        self._observers.decided(event, commands)
        for command in commands:
            self._carry_out[type(command)](command)
        self._measure(event)

    def hold(self, held: bool) -> None:
        """Do not take it for a stall that nothing is heard: nobody is there to hear it."""
        self._timers.held = frozenset({ev.TimerName.STALL}) if held else frozenset()

    def _fired(self, timer: ev.TimerName, due: float) -> None:
        self._last = max(self._last, due)
        self.feed(ev.TimerFired(self.now(), timer, due))

    def report(self, event: ev.Reported) -> None:
        """Tell of something by which nothing is decided; not after the end."""
        if not self.over:
            self._report(event)

    def _report(self, event: ev.Reported) -> None:
        self.records.told(event)
        self.tell(event)

    def tell(self, event: ev.Event, saw: do.Seen = ()) -> None:
        """Tell the observers of an event that is written down elsewhere; `saw` is what it was decided by."""
        if isinstance(event, ev.SessionEnded):
            self._report(self.measures.usage_at(event.at))
        self._observers.tell(event)
        self._measure(event, saw)

    def _measure(self, event: ev.Event, saw: do.Seen = ()) -> None:
        measured = self.measures.see(event, saw)
        if measured is not None:
            self._report(measured)

    def failed(self, kind: str, error: BelugaVoiceError, *, fatal: bool = False) -> None:
        """Tell that a part of the session failed."""
        logger.warning("session %s: its %s failed: %s", self.session_id, kind, error, extra=self._named)
        if fatal:
            self.blame.end(kind, error)
        self.report(ev.ProviderFailed(self.now(), kind, str(error), fatal))

    @property
    def _named(self) -> dict[str, object]:
        """What a line of the log is found by."""
        return {"session_id": self.session_id, "turn": self.state.turns}

    # -- the end --

    def stop(self, *, drain: bool, reason: EndReason = EndReason.STOPPED) -> None:
        """Have the engine end the session."""
        if self.active:
            self.feed(ev.StopRequested(self.now(), drain, reason))

    def end(self) -> None:
        """It has ended: whoever runs it closes everything. Idempotent."""
        if not self.ended.done():
            self.ended.set_result(None)

    def crash(self, bug: Exception) -> None:
        """End the session for a bug, which is told to whoever stops it or waits for its end."""
        if self.bug is None:
            self.bug = bug = only(bug)
            if self.started.done():
                logger.error("session %s ends by a bug", self.session_id, exc_info=bug, extra=self._named)
                self.report(ev.ProviderFailed(self.now(), "session", repr(bug), fatal=True))
        if self.started.done():
            self.end()

    def finish(self, settle: Callable[[], None]) -> None:
        """Leave nothing undecided and no timer running, however it ended. Idempotent.

        Args:
            settle: ends what the engine, which must have failed then, did not end.
        """
        if self.started.done() and not self.over:
            reason = EndReason.ERROR if self.bug is not None else EndReason.STOPPED
            self.feed(ev.StopRequested(self.now(), reason=reason))
            if not self.over:
                settle()
                self._end_without_engine()
        self.end()
        self._timers.stop()

    def _end_without_engine(self) -> None:
        old = self.state.visible
        self.state = replace(self.state, life=Life.ENDED, visible=SessionState.ENDED, ending=EndReason.ERROR)
        self.tell(ev.StateChanged(self.now(), old, SessionState.ENDED))
        self.tell(ev.SessionEnded(self.now(), EndReason.ERROR))


def only(error: Exception) -> Exception:
    """The first of a group's exceptions, however deep; an error alone is itself."""
    return only(error.exceptions[0]) if isinstance(error, ExceptionGroup) else error
