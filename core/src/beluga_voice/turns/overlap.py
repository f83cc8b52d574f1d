"""The caller speaks while the agent does: rules 4 and 11 to 15.

On speech the utterance is paused, and nothing is decided. Then words, their number, their kind and the duration
decide: a barge-in cuts it, a false one lets it go on at the same sample.
"""

from __future__ import annotations

from beluga_voice import events as ev
from beluga_voice.events import Outcome, Source
from beluga_voice.turns import echo, hearing, speaking
from beluga_voice.turns.deadlines import unsure
from beluga_voice.turns.draft import Draft
from beluga_voice.turns.state import SLACK, CallerTurn, Overlap, Phase, Piece, Relation, State, replace

EPSILON = 1e-9
"""Seconds by which sums of times may differ and still count as equal."""


def begin(draft: Draft, start: float, after_question: bool) -> None:
    """Speech began at `start`: find what it is spoken over, and be silent where that is due already."""
    state, turn = draft.state, draft.state.turn
    assert turn is not None
    if turn.overlap is None or _is_done_with(state, turn.overlap):
        found = _find(state, start, after_question)
        if found is None:
            return
        turn = draft.turn(overlap=replace(found, spoken=turn.spoken))
    over = turn.overlap
    assert over is not None
    if state.is_wary(over.utterance) and not turn.said and over.phase in (Phase.DETECTING, Phase.PAUSED):
        draft.overlap(over, phase=Phase.DETECTING)
        return
    at_once = over.phase is Phase.PAUSED
    late = over.phase is Phase.DETECTING and draft.now - start >= state.policy.pause_after - EPSILON
    if at_once or late:
        pause(draft)


def _is_done_with(state: State, over: Overlap) -> bool:
    """Whether new speech is to be judged anew; only speech that was going on already is shut out by a shield."""
    if over.phase is Phase.SHIELDED:
        shielded = state.utterance(over.utterance)
        return shielded is not None and shielded.interruptible and shielded.number == state.on_air
    return over.phase in (Phase.GIVEN_UP, Phase.OVER)


def _find(state: State, start: float, after_question: bool) -> Overlap | None:
    current, reply = state.current, state.reply
    if current is not None and not current.interruptible:
        return Overlap(current.number, Relation.BARGE_IN, Phase.SHIELDED, after_question)
    if reply is not None and joins(state, start):
        waits = not reply.started and (current is None or current is reply)
        phase = Phase.PAUSED if waits else Phase.DETECTING
        return Overlap(reply.number, Relation.JOIN, phase, after_question)
    if current is None:
        return None
    if not current.started:
        return Overlap(current.number, Relation.WAIT, Phase.PAUSED, after_question)
    phase = Phase.PAUSED if current.starved is not None else Phase.DETECTING
    return Overlap(current.number, Relation.BARGE_IN, phase, after_question)


def joins(state: State, start: float) -> bool:
    """Whether speech that began at `start` goes on with the turn that is being answered (rule 4)."""
    reply, past = state.reply, state.past
    if reply is None or past is None or past.reply != reply.number:
        return False
    return not reply.started or reply.heard_until(start) < state.policy.join_window


def listen(draft: Draft) -> None:
    """Words of the caller pause what speech without words does not (rule 17); then decide, if that is due."""
    turn = draft.state.turn
    over = None if turn is None else turn.overlap
    if over is not None and over.phase is Phase.DETECTING and draft.state.is_wary(over.utterance):
        pause(draft)
    judge(draft)


def pause(draft: Draft) -> None:
    """Silence the agent, or take its level down, for speech that is not yet decided (rule 12)."""
    turn = draft.state.turn
    if turn is None or turn.overlap is None:
        return
    draft.overlap(turn.overlap, phase=Phase.PAUSED)
    if turn.overlap.relation is not Relation.BARGE_IN:
        speaking.pause(draft, "4", speech=turn.seconds(draft.now))
    elif not speaking.ducks(draft.state):
        speaking.pause(draft, "12", speech=turn.seconds(draft.now))
    else:
        speaking.duck(draft, "12", speech=turn.seconds(draft.now))


def judge(draft: Draft) -> None:
    """Decide, if the words, their kind and their duration allow it already (rules 4 and 13)."""
    turn = draft.state.turn
    if turn is None or turn.overlap is None:
        return
    over = turn.overlap
    if over.phase in (Phase.SHIELDED, Phase.OVER) or over.relation is Relation.WAIT:
        return
    if _is_backchannel(turn):
        hearing.dismiss(draft, "backchannel", "13")
    elif over.relation is Relation.JOIN:
        if turn.words > 0 or by_sound(draft.state, turn, draft.now):
            take_up(draft, turn)
    elif turn.asks_to_stop:
        commit(draft, "stop word", "13", text=turn.text)
    elif turn.ended and turn.words > 0:
        commit(draft, "end of turn", "13", words=turn.words)
    elif enough(draft.state, turn.words, turn.seconds(draft.now)):
        commit(draft, "words", "13", words=turn.words, seconds=turn.seconds(draft.now))
    elif by_sound(draft.state, turn, draft.now):
        commit(draft, "speech", "13", seconds=turn.seconds(draft.now))


def _is_backchannel(turn: CallerTurn) -> bool:
    """Only backchannels, in a final, from a caller who is done, and no answer to a question."""
    assert turn.overlap is not None
    final = turn.interim is None and turn.end is not None and not turn.before
    return final and turn.only_backchannels and not turn.overlap.after_question


def enough(state: State, words: int, seconds: float) -> bool:
    """Whether so many words in so many seconds commit a barge-in at once (rule 13)."""
    policy = state.policy
    many, long = words >= policy.barge_in_words, seconds >= policy.barge_in_seconds - EPSILON
    if policy.barge_in_needs == "all":
        return many and long
    return words > 0 and (many or long)


def by_sound(state: State, turn: CallerTurn, now: float) -> bool:
    """Whether speech takes the floor without a word, by its length: its words come after it, if they come."""
    seconds = turn.seconds(now) if turn.end is not None else turn.seconds(now) - unsure(state)
    return state.abilities.answers_audio and seconds >= state.policy.barge_in_seconds - EPSILON


def commit(draft: Draft, reason: str, rule: str, **values: object) -> None:
    """The caller takes the floor: cut what is heard, the live reply, and what was queued before (rule 14)."""
    turn = draft.state.turn
    assert turn is not None
    assert turn.overlap is not None
    draft.announce(ev.BargeIn(draft.now, turn.overlap.utterance, reason), rule, **values)
    cut(draft, f"barge-in: {reason}", "14", asked_before=turn.opened)


def cut(draft: Draft, reason: str, rule: str, *, asked_before: float) -> None:
    """End the reply and each `say` that may be cut, if it is on the air or was asked for before then."""
    state = draft.state
    for utterance in state.utterances:
        heard = utterance.number == state.on_air or utterance.source is Source.REPLY
        if utterance.interruptible and (heard or utterance.asked <= asked_before):
            speaking.end(draft, utterance, Outcome.CUT, reason, rule)


def take_up(draft: Draft, turn: CallerTurn) -> None:
    """The caller goes on with the turn that was closed too early: its reply is taken back (rule 4)."""
    state, past = draft.state, draft.state.past
    assert past is not None
    reply = state.reply
    if reply is not None:
        speaking.end(draft, reply, Outcome.CUT, "the caller went on", "4", commit=False)
    cut(draft, "the caller went on", "4", asked_before=turn.opened)
    pause = turn.opened - past.end
    before = tuple(piece for piece in past.said if not _is_said_now(piece, turn))
    draft.turn(number=past.number, before=before, pauses=(*turn.pauses, pause) if pause > 0 else turn.pauses)
    draft.announce(ev.TurnOpened(draft.now, past.number), "4", text=turn.text)


def _is_said_now(piece: Piece, turn: CallerTurn) -> bool:
    """Whether an interim word that the turn was closed with is of the speech that was only found then to go on."""
    if piece.final or piece.start is None:
        return False
    return piece.start >= turn.opened - SLACK or any(piece.overlaps(other) for other in turn.said)


def give_up(draft: Draft) -> None:
    """Speech without a word for too long: go on over it (rule 13)."""
    turn = draft.state.turn
    if turn is None or turn.overlap is None:
        return
    echo.doubt(draft)
    draft.overlap(turn.overlap, phase=Phase.GIVEN_UP, relation=Relation.BARGE_IN)
    speaking.resume(draft, "undecided", "13", seconds=turn.seconds(draft.now))
