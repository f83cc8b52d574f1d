"""Keys of the caller's telephone (rules 1 and 14)."""

from __future__ import annotations

from beluga_voice import events as ev
from beluga_voice.turns import hearing
from beluga_voice.turns.draft import Draft
from beluga_voice.turns.state import Life


def on_dtmf_received(draft: Draft, event: ev.DtmfReceived) -> None:
    """Gather keys until they are complete; where they make turns, the first cuts the agent."""
    state = draft.state
    if state.life is not Life.ACTIVE or not event.text:
        return
    state.away, state.active_at = False, draft.now
    state.quiet_from = max(state.quiet_from, draft.now)
    state.keys, state.keys_at = event.text, draft.now
    if state.policy.dtmf == "turns":
        hearing.cut_at_once(draft, "keys")
    if event.ends:
        enter(draft)


def enter(draft: Draft) -> None:
    """The keys are complete: tell them, and answer them where they make a turn."""
    state = draft.state
    keys, state.keys = state.keys, ""
    draft.announce(ev.DtmfEntered(draft.now, keys), "1")
    if state.policy.dtmf == "turns":
        hearing.take_text(draft, keys, "keys")
