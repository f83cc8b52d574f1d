"""Words that come after their turn was closed or dropped (rules 5 and 13)."""

from __future__ import annotations

from dataclasses import replace

from beluga_voice import events as ev
from beluga_voice.commands import CommitTurn
from beluga_voice.events import Outcome
from beluga_voice.turns import hearing, overlap, speaking
from beluga_voice.turns.draft import Draft
from beluga_voice.turns.state import Overlap, PastTurn, Phase, Piece, Relation, State
from beluga_voice.words import Interruption


def belongs_to_past(state: State, event: ev.TranscriptReceived) -> bool:
    """Whether the speech of these words began before the last turn closed.

    The answer to a request tells by its number, words with times by their start; words with neither belong to
    the past for as long as its transcript may take, unless a turn is open.
    """
    past = state.past
    if past is None:
        return False
    if event.answers is not None:
        return event.answers <= past.request
    if event.start is not None:
        return event.start < past.closed
    patience = max(state.policy.transcript_deadline, state.abilities.stt_delay)
    return state.turn is None and event.at - past.end <= patience


def take(draft: Draft, event: ev.TranscriptReceived, piece: Piece) -> None:
    """Use late words where they still matter; drop them, with an event, where they do not."""
    state, past = draft.state, draft.state.past
    assert past is not None
    if not event.final:
        return
    state.recent = (*state.recent, piece)[-hearing.RECENT :]
    reply = state.utterance(past.reply)
    if past.said:
        if reply is not None and not reply.started:
            _correct(draft, past, piece)
        else:
            _drop(draft, piece)
    elif state.turn is not None:
        _drop(draft, piece)
    elif state.on_air or state.reply is not None:
        _judge(draft, past, piece, event.after_question)
    else:
        _reopen(draft, past, piece)


def _drop(draft: Draft, piece: Piece) -> None:
    draft.announce(ev.TranscriptDropped(draft.now, piece.transcript, piece.text, "late"), "5")


def _correct(draft: Draft, past: PastTurn, piece: Piece) -> None:
    """Replace the interim words that the turn was closed with; answer anew where the text differs."""
    state = draft.state
    finals = (*past.finals, piece)
    text, before = (" ".join(p.text for p in pieces) for pieces in (finals, past.said))
    corrected = replace(past, finals=finals, interim=None)
    state.past = corrected
    transcripts = tuple(p.transcript for p in finals if p.transcript)
    if text == before:
        draft.announce(ev.TurnCommitted(draft.now, past.number, text, (piece.transcript,)), "5")
        return
    reply, turn = state.reply, state.turn
    if reply is not None:
        speaking.end(draft, reply, Outcome.CUT, "the words were corrected", "5", commit=False)
    draft.announce(ev.TurnClosed(draft.now, past.number, text, transcripts, past.end), "5", before=before)
    draft.do(CommitTurn(past.number, text, rule="5"))
    number = speaking.start_reply(draft, past.number, text, "5")
    state.past = replace(corrected, reply=number)
    if turn is not None and turn.overlap is not None and turn.overlap.relation is Relation.JOIN:
        draft.turn(overlap=replace(turn.overlap, utterance=number, phase=Phase.PAUSED))


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
    draft.state.away, draft.state.past = False, None
    hearing.predict(draft)


def _judge(draft: Draft, past: PastTurn, piece: Piece, after_question: bool) -> None:
    """Judge words that came after the agent went on as if they were spoken now (rule 13)."""
    state = draft.state
    current = state.current or state.reply
    assert current is not None
    words = 0 if piece.kind is Interruption.BACKCHANNEL else len(piece.text.split())
    backchannel = piece.kind is Interruption.BACKCHANNEL
    counts = piece.kind is Interruption.STOP or overlap.enough(state, words, past.spoken)
    if current.interruptible and (counts or (backchannel and after_question)):
        _reopen(draft, past, piece)
        draft.turn(overlap=Overlap(current.number, Relation.BARGE_IN, Phase.DETECTING, after_question))
        overlap.commit(draft, "late words", "13", words=words, seconds=past.spoken)
    elif backchannel:
        draft.announce(ev.BackchannelHeard(draft.now, piece.transcript, piece.text), "13")
    else:
        _drop(draft, piece)
