"""What follows when a timer fires."""

from __future__ import annotations

from beluga_voice import events as ev
from beluga_voice.events import EndReason, TimerName
from beluga_voice.turns import dtmf, hearing, overlap, preempt, speaking
from beluga_voice.turns.draft import Draft


def on_timer_fired(draft: Draft, event: ev.TimerFired) -> None:
    """Act on a timer that still runs; one that was set anew or cleared since is stale."""
    state = draft.state
    if state.timers.get(event.timer) != event.due:
        return
    draft.now = max(draft.now, event.due)  # a loop may fire a timer early by its clock's resolution
    state.timers = {name: due for name, due in state.timers.items() if name is not event.timer}
    match event.timer:
        case TimerName.ENDPOINT | TimerName.TRANSCRIPT:
            pass  # the turn closes because it is due, not because a timer says so
        case TimerName.TURN_LIMIT:
            hearing.limit(draft)
        case TimerName.PAUSE:
            overlap.pause(draft)
        case TimerName.BARGE_IN:
            overlap.judge(draft)
        case TimerName.UNDECIDED:
            overlap.give_up(draft)
        case TimerName.FALSE_BARGE_IN:
            hearing.dismiss(draft, "no words", "13")
        case TimerName.INTERIM:
            preempt.start(draft)
        case TimerName.DTMF:
            dtmf.enter(draft)
        case TimerName.AWAY:
            state.away = True
        case TimerName.SESSION:
            speaking.on_stop_requested(draft, ev.StopRequested(event.at, reason=EndReason.TIMEOUT))
        case TimerName.FIRST_TEXT | TimerName.FIRST_AUDIO | TimerName.STALL:
            speaking.overdue(draft, event.timer)
