"""Words that come after their turn was closed or dropped (rules 5 and 13)."""

from __future__ import annotations

from beluga_voice import events as ev
from beluga_voice.commands import CommitTurn
from beluga_voice.events import Outcome
from beluga_voice.turns import hearing, overlap, speaking
from beluga_voice.turns.draft import Draft
from beluga_voice.turns.state import (
    SLACK,
    Overlap,
    PastTurn,
    Phase,
    Piece,
    Relation,
    State,
    replace,
)
from beluga_voice.words import Interruption

EARLIER = 8
"""Turns whose words may still come, at most."""

AROUND = 0.5
"""Seconds by which words may seem to begin before their turn: the pre-roll is recognised too."""


def past_of(state: State, event: ev.TranscriptReceived) -> PastTurn | None:
    """The turn, closed or dropped, that these words are of; None if they are of the open turn, or a new one.

    The answer to a request tells by its number, words with times by their start; words with neither belong to
    the past for as long as its transcript may take, unless a turn is open.
    """
    for past in (state.past, state.dropped):
        if past is not None and _is_of(state, past, event):
            return past
    return None


def _is_of(state: State, past: PastTurn, event: ev.TranscriptReceived) -> bool:
    if event.answers is not None:
        return event.answers <= past.request
    turn = state.turn
    if event.start is not None:
        before = event.start < past.closed and (turn is None or event.start < turn.opened)
        return before and not _goes_on(state, past, event)
    since = past.end if past.settled else past.closed
    patience = max(state.policy.transcript_deadline, state.abilities.stt_delay)
    return turn is None and event.at - since <= patience


def _goes_on(state: State, past: PastTurn, event: ev.TranscriptReceived) -> bool:
    """Whether a word was being said as the turn with all words before it closed: it is the next one's (rule 6)."""
    since = past.closed if state.turn is None else state.turn.opened
    if event.start is None or event.end is None or event.end <= since:
        return False
    ends = [piece.end for piece in (*past.said, *state.recent)]
    known = [end for end in ends if end is not None]
    return bool(known) and len(known) == len(ends) and event.start >= max(known) - SLACK


def take(draft: Draft, past: PastTurn, event: ev.TranscriptReceived, piece: Piece) -> None:
    """Use a late final where it still matters; drop it, with an event, where it does not."""
    state = draft.state
    state.recent = (*state.recent, piece)[-hearing.RECENT :]
    if state.abilities.answers_audio and past.reply and past is state.past:
        _record(draft, past, piece)
    elif event.answers and event.answers <= past.earlier:
        _drop(draft, piece)
    elif past.said:
        _add_to_closed(draft, past, piece)
    elif state.turn is not None:
        _drop(draft, piece)
    elif overlap.joins(state, draft.now) and piece.kind is not Interruption.BACKCHANNEL:
        assert state.past is not None
        _rewrite(draft, state.past, replace(state.past, said=(*state.past.said, piece)), piece)
    elif state.on_air or state.reply is not None:
        _judge(draft, past, piece, event)
    else:
        _reopen(draft, past, piece)


def _add_to_closed(draft: Draft, past: PastTurn, piece: Piece) -> None:
    state = draft.state
    reply = state.utterance(past.reply)
    if state.turn is not None and state.turn.number == past.number:
        state.past = past.corrected(piece)
        draft.turn(before=state.past.said)
        if state.turn.end is not None:
            hearing.predict(draft)
    elif not state.abilities.replies or (reply is not None and not reply.started):
        _rewrite(draft, past, past.corrected(piece), piece)
    else:
        _drop(draft, piece)


def _record(draft: Draft, past: PastTurn, piece: Piece) -> None:
    """Write down what was said in a turn that was answered for its sound; the answer stays as it is."""
    state = draft.state
    state.past = past = past.corrected(piece)
    if state.turn is not None and state.turn.number == past.number:
        draft.turn(before=past.said)
        return
    draft.do(CommitTurn(past.number, past.text, late=True, rule="5"))
    draft.announce(ev.TurnCommitted(draft.now, past.number, past.text, (piece.transcript,)), "5")


def remember(state: State) -> None:
    """Another turn closes: keep the one before, if it was answered for its sound and its words are not known."""
    past = state.past
    if state.abilities.answers_audio and past is not None and past.reply and not past.said:
        state.earlier = (*state.earlier, past)[-EARLIER:]


def record_earlier(draft: Draft, event: ev.TranscriptReceived, piece: Piece) -> bool:
    """Write down what was said in an earlier turn that was answered for its sound; whether it was one."""
    state = draft.state
    found = next((past for past in state.earlier if _is_in(past, event)), None)
    if found is None:
        return False
    state.earlier = tuple(past for past in state.earlier if past is not found)
    draft.do(CommitTurn(found.number, piece.text, late=True, rule="5"))
    draft.announce(ev.TurnCommitted(draft.now, found.number, piece.text, (piece.transcript,)), "5")
    return True


def _is_in(past: PastTurn, event: ev.TranscriptReceived) -> bool:
    """Whether words are of this turn, by the request that they answer, or by their time."""
    if event.answers is not None:
        return past.earlier < event.answers <= past.request
    return event.start is not None and past.opened - AROUND <= event.start < past.closed


def _drop(draft: Draft, piece: Piece) -> None:
    draft.announce(ev.TranscriptDropped(draft.now, piece.transcript, piece.text, "late"), "5")


def _rewrite(draft: Draft, past: PastTurn, corrected: PastTurn, piece: Piece) -> None:
    """Note what the closed turn says now that `piece` has come; answer anew where the text differs."""
    state = draft.state
    state.past = corrected
    if corrected.text == past.text:
        committed = ev.TurnCommitted(draft.now, past.number, past.text, (piece.transcript,))
        draft.announce(committed, "5")
        return
    over = None if state.turn is None else state.turn.overlap
    if state.reply is not None:
        speaking.end(draft, state.reply, Outcome.CUT, "the words were corrected", "5", commit=False)
    hearing.answer_past(draft, "5", before=past.text)
    if over is not None and over.utterance == past.reply:
        draft.overlap(over, utterance=state.past.reply)


def _reopen(draft: Draft, past: PastTurn, piece: Piece) -> None:
    """Make a turn of words that came after it had closed without any; the agent is silent."""
    hearing.open_turn(draft, past.end - past.spoken, "5")
    draft.turn(
        end=past.end,
        spoken=past.spoken,
        pieces=(piece,),
        request=past.request,
        settled=True,
        by_words=True,
    )
    draft.state.away, draft.state.dropped = False, None
    hearing.predict(draft)


def _judge(draft: Draft, past: PastTurn, piece: Piece, event: ev.TranscriptReceived) -> None:
    """Judge words that came after the agent went on as if they were spoken now (rule 13)."""
    state = draft.state
    current = state.current or state.reply
    assert current is not None
    words = 0 if piece.kind is Interruption.BACKCHANNEL else len(piece.text.split())
    backchannel = piece.kind is Interruption.BACKCHANNEL
    asks = piece.kind is Interruption.STOP or (words > 0 and event.end_of_turn)
    counts = asks or overlap.enough(state, words, past.spoken)
    if current.interruptible and (counts or (backchannel and event.after_question)):
        _reopen(draft, past, piece)
        draft.turn(overlap=Overlap(current.number, Relation.BARGE_IN, Phase.DETECTING, event.after_question))
        overlap.commit(draft, "late words", "13", words=words, seconds=past.spoken)
    elif backchannel:
        draft.announce(ev.BackchannelHeard(draft.now, piece.transcript, piece.text), "13")
    else:
        _drop(draft, piece)
