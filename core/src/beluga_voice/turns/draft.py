"""A decision in the making: the next state, and the commands so far."""

from __future__ import annotations

from typing import Any

from beluga_voice.commands import Announce, ClearTimer, Command, EndSession, Seen, SetTimer, StopHearing
from beluga_voice.events import Decided, SessionEnded, SessionState, StateChanged
from beluga_voice.turns.deadlines import deadlines, shifted, stand_still
from beluga_voice.turns.phases import path, visible_state
from beluga_voice.turns.state import CallerTurn, Life, Overlap, State, Utterance, replace


def seen(**values: object) -> Seen:
    """Name the values a decision was made by."""
    return tuple(values.items())


class Draft:
    """A copy of the state that one event changes, and the commands that this gives.

    Attributes:
        state: the copy; its parts are frozen and are replaced, not changed.
        now: the event's time.
        commands: in the order in which they are to be carried out.
    """

    __slots__ = ("commands", "now", "state")

    def __init__(self, state: State, now: float) -> None:
        self.state = state.copied()
        self.now = now
        self.commands: list[Command] = []

    def do(self, command: Command) -> None:
        """Add a command."""
        self.commands.append(command)

    def announce(self, event: Decided, rule: str, **values: object) -> None:
        """Tell the observers, and by which rule and values."""
        self.commands.append(Announce(event, rule=rule, saw=seen(**values)))

    def turn(self, **changes: Any) -> CallerTurn:
        """Change the open turn."""
        assert self.state.turn is not None
        self.state.turn = replace(self.state.turn, **changes)
        return self.state.turn

    def overlap(self, overlap: Overlap, **changes: Any) -> None:
        """Change the open turn's overlap."""
        self.turn(overlap=replace(overlap, **changes))

    def put(self, utterance: Utterance) -> None:
        """Put a changed utterance in the place of the one of its number."""
        self.state.utterances = tuple(
            utterance if other.number == utterance.number else other for other in self.state.utterances
        )

    def finish(self) -> tuple[State, list[Command]]:
        """Bring what follows from the state into line with it: hearing, the visible state, the timers, the end."""
        state = self.state
        if state.hearing and state.turn is None:
            state.hearing = False
            self.do(StopHearing(rule="3"))
        self._show()
        self._hold()
        self._time()
        if state.life is Life.ENDED:
            self.announce(SessionEnded(self.now, state.ending), "20")
            self.do(EndSession(state.ending, rule="20"))
        return state, self.commands

    def _show(self) -> None:
        state = self.state
        target = visible_state(state)
        if target is state.visible:
            return
        for new in path(state.visible, target):
            self.announce(StateChanged(self.now, state.visible, new), "18")
            state.visible = new
            state.quiet_from = max(state.quiet_from, self.now)
        state.away = target is SessionState.AWAY

    def _hold(self) -> None:
        """Stop the agent's clocks while it is paused or held; then they go on as if that had not been (rule 8)."""
        state = self.state
        if stand_still(state):
            if state.still_from is None:
                state.still_from = self.now
        elif state.still_from is not None:
            state.utterances = tuple(shifted(u, state.still_from, self.now) for u in state.utterances)
            state.still_from = None

    def _time(self) -> None:
        wanted = deadlines(self.state)
        running = self.state.timers
        timers = {name: due for name, due, _ in wanted}
        if timers == running:
            return
        for name in running:
            if name not in timers:
                self.do(ClearTimer(name))
        for name, due, rule in wanted:
            if running.get(name) != due:
                self.do(SetTimer(name, due, rule=rule))
        self.state.timers = timers
