"""The agent's own voice in the caller's audio, found by its words (rule 17)."""

from __future__ import annotations

from beluga_voice import events as ev
from beluga_voice.turns import hearing, late, speaking
from beluga_voice.turns.draft import Draft
from beluga_voice.turns.state import WARY, Phase, State, replace


def is_echo(state: State, event: ev.TranscriptReceived) -> bool:
    """Whether two words or more are what the caller has just heard; a single word may well be the caller's."""
    return event.echo and state.looks_for_echo and len(event.text.split()) > 1


def drop(draft: Draft, event: ev.TranscriptReceived) -> None:
    """Use nothing of an echo, let what it paused go on, and be wary of what comes without words from now on."""
    state = draft.state
    if event.final:
        draft.announce(ev.TranscriptDropped(draft.now, event.transcript, event.text, "echo"), "17")
    if state.current is not None:
        draft.put(replace(state.current, doubts=WARY))
    turn = state.turn
    if turn is None or late.past_of(state, event) is not None:
        return
    turn = draft.turn(interim=None)
    hearing.settle(draft, event)
    if turn.overlap is not None and turn.in_phase(Phase.PAUSED) and not turn.said and not turn.before:
        draft.overlap(turn.overlap, phase=Phase.DETECTING)
        speaking.resume(draft, "echo", "17")


def doubt(draft: Draft) -> None:
    """Note that speech without words has silenced, or ducked, what is on the air (rule 17)."""
    state = draft.state
    current = state.utterance(state.paused or state.ducked)
    if current is not None:
        draft.put(replace(current, doubts=current.doubts + 1))
