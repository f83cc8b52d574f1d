"""The engine's timers follow from its state: which run, and when each is due.

Every state but `initial` and `ended` has a deadline (rule 19). `step` compares what this module says with what
runs, and sets and clears the difference; so no timer can be forgotten.
"""

from __future__ import annotations

from collections.abc import Iterator

from beluga_voice.events import SessionState, TimerName
from beluga_voice.turns.state import (
    Awaits,
    CallerTurn,
    Life,
    Overlap,
    Phase,
    Relation,
    State,
    Utterance,
    replace,
)

WINDOWS = 0.1
"""Seconds by which a VAD's windows may delay the end of speech."""

Deadline = tuple[TimerName, float, str]
"""A timer, when it is due, and the rule that wants it."""


def deadlines(state: State) -> list[Deadline]:
    """Tell what shall run now."""
    wanted: list[Deadline] = []
    life, turn = state.life, state.turn
    if life is not Life.ACTIVE and life is not Life.DRAINING:
        return wanted
    if state.keys:
        wanted.append((TimerName.DTMF, state.keys_at + state.policy.dtmf_ends, "1"))
    if turn is not None:
        wanted += _turn_deadlines(state, turn)
    if state.utterances and state.still_from is None:
        wanted += _utterance_deadlines(state)
    if turn is None or turn.end is not None:
        if state.visible is SessionState.LISTENING:
            wanted.append((TimerName.AWAY, state.quiet_from + state.policy.away_after, "18"))
        if not state.utterances:
            wanted.append((TimerName.SESSION, state.active_at + state.policy.session_timeout, "19"))
    return wanted


def endpoint_delay(state: State, turn: CallerTurn) -> float:
    """Seconds after speech end after which the turn may close (rule 2)."""
    if state.abilities.detects_turns:
        complete = turn.complete
    else:
        complete = turn.ended is True or (turn.ended is None and not state.abilities.tells_ends)
    if complete or turn.ended:
        return state.learned or state.policy.endpoint_min
    return state.policy.endpoint_max


def close_due(state: State, turn: CallerTurn) -> float:
    """When the turn closes if nothing more comes (rule 3); the caller is not speaking."""
    assert turn.end is not None
    needs_words = not answers_without_words(state, turn)
    delay = (
        turn.end + endpoint_delay(state, turn) if turn.said or turn.before or not needs_words else turn.end
    )
    if turn.settled or not needs_words:
        return delay
    return max(delay, turn.end + max(state.policy.transcript_deadline, _declared(state)))


def answers_without_words(state: State, turn: CallerTurn) -> bool:
    """Whether the turn is answered for its sound alone: what answers has heard it, and it is over no utterance."""
    over = turn.overlap
    free = over is None or over.phase is Phase.OVER or over.relation is Relation.WAIT
    return state.abilities.answers_audio and free and not turn.by_words


def _declared(state: State) -> float:
    return state.abilities.stt_delay + 0.3 if state.abilities.stt_delay else 0.0


def _turn_deadlines(state: State, turn: CallerTurn) -> Iterator[Deadline]:
    policy, overlap = state.policy, turn.overlap
    if not turn.shielded:
        yield TimerName.TURN_LIMIT, turn.opened + policy.turn_limit, "6"
    if turn.changed > turn.tried and state.may_preempt:
        yield TimerName.INTERIM, turn.changed + policy.interim_stable, "7"
    if turn.end is not None:
        if not turn.shielded:
            name = TimerName.ENDPOINT if turn.settled else TimerName.TRANSCRIPT
            yield name, close_due(state, turn), "3"
        if turn.in_phase(Phase.PAUSED) and not turn.said and not turn.before:
            wait = max(policy.false_barge_in, state.abilities.stt_delay)
            yield TimerName.FALSE_BARGE_IN, turn.end + wait, "13"
    elif overlap is not None and overlap.phase in (Phase.DETECTING, Phase.PAUSED, Phase.GIVEN_UP):
        yield from _speech_deadlines(state, turn, overlap)


def _speech_deadlines(state: State, turn: CallerTurn, overlap: Overlap) -> Iterator[Deadline]:
    policy = state.policy
    if overlap.phase is Phase.DETECTING and not state.is_wary(overlap.utterance):
        yield TimerName.PAUSE, turn.start + policy.pause_after, "12"
    if overlap.phase is Phase.PAUSED and not turn.said:
        yield TimerName.UNDECIDED, turn.start + policy.undecided_max - (turn.spoken - overlap.spoken), "13"
    enough_words = turn.words >= (policy.barge_in_words if policy.barge_in_needs == "all" else 1)
    if by_sound := state.abilities.answers_audio and overlap.relation is not Relation.WAIT:
        enough_words = True
    if enough_words and (by_sound or overlap.relation is Relation.BARGE_IN):
        wait = policy.barge_in_seconds + (unsure(state) if by_sound else 0.0)
        yield TimerName.BARGE_IN, turn.start + wait - turn.spoken, "13"


def unsure(state: State) -> float:
    """Seconds of the latest speech that may have ended already: its end is found so late, by windows."""
    return state.policy.speech_stops_after + WINDOWS


def stand_still(state: State) -> bool:
    """Whether the agent's clocks stand still: the caller's speech pauses it, or holds its reply (rule 8)."""
    if state.paused:
        return True
    return not state.on_air and state.turn is not None and state.turn.holds_floor and state.reply is not None


def shifted(utterance: Utterance, still_from: float, now: float) -> Utterance:
    """The same, as if its clocks had not run in between."""
    since = utterance.since + now - max(utterance.since, still_from)
    starved = utterance.starved
    if starved is not None:
        starved += now - max(starved, still_from)
    return replace(utterance, since=since, starved=starved)


def _utterance_deadlines(state: State) -> Iterator[Deadline]:
    """The clocks of the live reply and of what is on the air (rule 8); the earlier, where both run one."""
    reply, current = state.reply, state.current
    due: dict[TimerName, float] = {}
    for utterance in (reply,) if current is reply else (reply, current):
        owes = None if utterance is None else owed(state, utterance)
        if owes is not None:
            name, at = owes
            due[name] = min(at, due.get(name, at))
    for name, at in due.items():
        yield name, at, "8"


def owed(state: State, utterance: Utterance) -> tuple[TimerName, float] | None:
    """What is owed of an utterance, and until when (rule 8); None while it is heard, or has all that is owed."""
    policy = state.policy
    tools_until = max((until for _, until in utterance.tools), default=0.0)
    if not utterance.ready:
        if utterance.awaits is Awaits.TEXT:
            return TimerName.FIRST_TEXT, max(utterance.since, tools_until) + policy.first_text
        return TimerName.FIRST_AUDIO, utterance.since + policy.first_audio
    if utterance.number != state.on_air or utterance.playing_from is not None:
        return None
    since = utterance.since if utterance.starved is None else max(utterance.since, utterance.starved)
    if utterance.starved is not None and utterance.awaits is Awaits.TEXT:
        return TimerName.FIRST_TEXT, max(since, tools_until) + policy.first_text
    return TimerName.STALL, since + policy.stall
