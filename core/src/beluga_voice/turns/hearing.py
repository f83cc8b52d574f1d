"""The caller's turn: how it opens, gathers words, and closes (rules 1 to 6)."""

from __future__ import annotations

from beluga_voice import events as ev
from beluga_voice.commands import CommitTurn, Finalize, PredictTurn, StartHearing
from beluga_voice.turns import echo, late, overlap, preempt, speaking
from beluga_voice.turns.deadlines import answers_without_words, close_due, endpoint_delay
from beluga_voice.turns.draft import Draft, seen
from beluga_voice.turns.state import (
    CallerTurn,
    Life,
    Overlap,
    PastTurn,
    Phase,
    Piece,
    Relation,
    State,
    replace,
)
from beluga_voice.words import Interruption

HISTORY = 0.9
"""Weight of the delay so far as a new pause is learned from."""

RECENT = 8
"""How many finals are remembered for finding duplicates."""


# -- speech --


def on_speech_started(draft: Draft, event: ev.SpeechStarted) -> None:
    """Open a turn, or go on with the one that is open (rules 1 and 4)."""
    state = draft.state
    if state.life is not Life.ACTIVE or (state.turn is not None and state.turn.end is None):
        return
    if state.turn is None:
        open_turn(draft, event.start, "1")
    else:
        draft.turn(
            pauses=_with_pause(state.turn, event.start),
            start=event.start,
            end=None,
            final_at=0.0,
            by_words=False,
            settled=False,
            prediction=0,
            complete=None,
            ended=None,
        )
    if not state.hearing:
        state.hearing = True
        draft.do(StartHearing(event.position, rule="1"))
    overlap.begin(draft, event.start, event.after_question)


def _with_pause(turn: CallerTurn, start: float) -> tuple[float, ...]:
    assert turn.end is not None
    if turn.by_words or not turn.said or start <= turn.end:
        return turn.pauses
    return (*turn.pauses, start - turn.end)


def on_speech_stopped(draft: Draft, event: ev.SpeechStopped) -> None:
    """Ask for the final words, and whether the turn is complete (rules 2 and 3)."""
    state, turn = draft.state, draft.state.turn
    if turn is None or turn.end is not None:
        return
    end = max(event.end, turn.start)
    arrived = turn.ended or (not state.abilities.finalizes and turn.final_at >= end)
    settled = turn.interim is None and (arrived or turn.final_to >= end)
    turn = draft.turn(end=end, spoken=turn.spoken + end - turn.start, settled=settled)
    state.quiet_from, state.active_at = max(state.quiet_from, end), draft.now
    finalize(draft, "3")
    predict(draft)
    overlap.judge(draft)


def finalize(draft: Draft, rule: str) -> None:
    """Ask for the final words of the speech so far, where the STT answers that."""
    state = draft.state
    if state.abilities.finalizes:
        state.requests += 1
        draft.turn(request=state.requests, asked=draft.now)
        draft.do(Finalize(state.requests, rule=rule))


def open_turn(draft: Draft, start: float, rule: str) -> CallerTurn:
    """Begin a turn of the caller with speech that goes on."""
    state = draft.state
    state.turns += 1
    state.turn = CallerTurn(state.turns, opened=start, start=start)
    draft.announce(ev.TurnOpened(draft.now, state.turns), rule)
    return state.turn


# -- words --


def on_transcript_received(draft: Draft, event: ev.TranscriptReceived) -> None:
    """Add words to the turn they belong to (rules 1, 3 and 5)."""
    state = draft.state
    if state.life is not Life.ACTIVE:
        _drop(draft, event, "the session is being stopped", "20")
        return
    if not event.text.strip() or event.kind is Interruption.NONE:
        _drop(draft, event, "no words", "3")
        if not (event.final and event.end_of_turn and _end_of_turn(draft, event)):
            settle(draft, event)
        return
    piece = Piece(event.transcript, event.text.strip(), event.kind, event.start, event.end, event.final)
    if event.final and _is_duplicate(draft, piece):
        _drop(draft, event, "duplicate", "5")
        settle(draft, event)
        return
    if echo.is_echo(state, event):
        echo.drop(draft, event)
        return
    if event.final and late.record_earlier(draft, event, piece):
        return
    past = late.past_of(state, event)
    if past is None:
        _add(draft, event, piece)
    elif event.final:
        late.take(draft, past, event, piece)


def _add(draft: Draft, event: ev.TranscriptReceived, piece: Piece) -> None:
    state = draft.state
    state.away = False
    state.active_at = draft.now
    turn = state.turn or _open_by_words(draft, event)
    if turn.by_words:
        end = max(turn.end or 0.0, draft.now if event.end is None else event.end)
        turn = draft.turn(end=end, spoken=max(turn.spoken, end - turn.start), settled=False)
        state.quiet_from = max(state.quiet_from, end)
    before = turn.text if state.policy.preemptive != "off" else None
    ended = event.end_of_turn
    if turn.before:
        turn = draft.turn(before=tuple(p for p in turn.before if p.final or not p.overlaps(piece)))
    if event.final:
        pieces = (*turn.pieces, piece)
        draft.turn(ended=ended, pieces=pieces, interim=None, **_covered(draft, turn, event))
        state.recent = (*state.recent, piece)[-RECENT:]
        settle(draft, event)
    else:
        draft.turn(ended=ended, interim=piece)
    if before is not None and state.turn is not None and state.turn.text != before:
        draft.turn(changed=draft.now)
    if turn.end is not None:
        predict(draft)
    overlap.listen(draft)


def _open_by_words(draft: Draft, event: ev.TranscriptReceived) -> CallerTurn:
    """Begin a turn that the VAD did not see (rule 1)."""
    known = event.start if event.start is not None else event.end
    start = draft.now if known is None else min(known, draft.now)
    open_turn(draft, start, "1")
    draft.turn(end=start, by_words=True)
    overlap.begin(draft, start, event.after_question)
    over = draft.state.turn.overlap if draft.state.turn else None
    if over is not None and over.phase is Phase.DETECTING:
        overlap.pause(draft)  # words are speech: there is no need to wait for its duration
    assert draft.state.turn is not None
    return draft.state.turn


def _covered(draft: Draft, turn: CallerTurn, event: ev.TranscriptReceived) -> dict[str, float]:
    """Note how far a final reaches: the VAD may report the end of the speech after the STT has its words."""
    if event.end is None:
        return {"final_at": draft.now}
    at = draft.now if event.end > turn.start else turn.final_at
    return {"final_at": at, "final_to": max(turn.final_to, event.end)}


def settle(draft: Draft, event: ev.TranscriptReceived) -> None:
    """Note that the speech before a final, or before the answer to a request for it, has become words (rule 3)."""
    turn = draft.state.turn
    if turn is None or turn.end is None:
        return
    if not event.final:
        if not event.text.strip():
            draft.turn(interim=None)
        return
    if turn.by_words or event.end_of_turn:
        settles = True
    elif event.answers is not None:
        settles = event.answers == turn.request
    elif draft.state.abilities.finalizes:
        settles = event.end is not None and event.end >= turn.end
    else:
        settles = event.end is None or event.end > turn.start
    if settles:
        draft.turn(settled=True, interim=None)


def _end_of_turn(draft: Draft, event: ev.TranscriptReceived) -> bool:
    """Note that the STT takes the words before a final without any for a complete turn (rules 2 and 13)."""
    turn = draft.state.turn
    if turn is None or not (turn.said or draft.state.abilities.answers_audio):
        return False
    if late.past_of(draft.state, event) is not None:
        return False
    draft.turn(ended=True, settled=turn.settled or (turn.end is not None and turn.interim is None))
    overlap.judge(draft)
    return True


def _is_duplicate(draft: Draft, piece: Piece) -> bool:
    return any(piece.repeats(other) for other in draft.state.recent)


def _drop(draft: Draft, event: ev.TranscriptReceived, reason: str, rule: str) -> None:
    if event.final and event.text.strip():
        draft.announce(ev.TranscriptDropped(draft.now, event.transcript, event.text, reason), rule)


def predict(draft: Draft) -> None:
    """Ask the turn detector about the words so far (rule 2)."""
    state, turn = draft.state, draft.state.turn
    assert turn is not None
    if state.abilities.detects_turns and turn.text:
        state.requests += 1
        draft.turn(prediction=state.requests, complete=None)
        draft.do(PredictTurn(state.requests, turn.text, turn.interim is None, rule="2"))


def on_turn_predicted(draft: Draft, event: ev.TurnPredicted) -> None:
    """Choose the delay by the detector's answer; without one, the short delay (rule 2)."""
    turn = draft.state.turn
    if turn is not None and event.request == turn.prediction:
        probability = event.probability
        complete = probability is None or probability >= draft.state.policy.detector_threshold
        draft.turn(complete=complete)


# -- the close --


def close_if_due(draft: Draft) -> None:
    """Close the turn when its delay has passed and its words are settled, or its deadline (rules 3 and 6)."""
    _look_behind(draft)
    state, turn = draft.state, draft.state.turn
    if turn is None or turn.shielded:
        return
    most = state.policy.turn_limit_words
    if most and len(turn.text.split()) >= most:
        limit(draft)
    elif turn.end is not None and draft.now >= close_due(state, turn):
        close(draft)


def _look_behind(draft: Draft) -> None:
    """When what the caller spoke over has ended, a reply may still wait behind it, not yet heard (rule 4)."""
    turn, reply, past = draft.state.turn, draft.state.reply, draft.state.past
    if turn is None or reply is None or past is None or past.reply != reply.number or reply.started:
        return
    if turn.overlap is not None and turn.overlap.phase is Phase.OVER:
        draft.overlap(turn.overlap, utterance=reply.number, relation=Relation.JOIN, phase=Phase.PAUSED)
        overlap.judge(draft)


def close(draft: Draft, *, limit: bool = False) -> None:
    """Close the turn, or drop it where there is nothing to answer."""
    state, turn = draft.state, draft.state.turn
    assert turn is not None
    over = turn.overlap
    goes_on = bool(turn.before) or (state.past is not None and state.past.number == turn.number)
    if not turn.said and not turn.before and not answers_without_words(state, turn):
        dismiss(draft, "no words", "3")
    elif over is not None and turn.only_backchannels and not goes_on and not _answers(over):
        dismiss(draft, "backchannel", "13")
    elif turn.in_phase(Phase.GIVEN_UP):
        dismiss(draft, "late", "13")
    else:
        if over is not None and over.phase is not Phase.OVER and over.relation is not Relation.WAIT:
            overlap.commit(draft, "words at the close", "13", words=turn.words)
        if limit:
            values = seen(seconds=draft.now - turn.opened, words=len(turn.text.split()))
        else:
            end = turn.opened if turn.end is None else turn.end
            values = seen(delay=endpoint_delay(state, turn), after=draft.now - end)
        _answer(draft, turn, (*turn.before, *turn.said), limit=limit, values=values)


def _answers(over: Overlap) -> bool:
    """Whether a "yeah" over this utterance is an answer, and so a turn."""
    return over.after_question or over.relation is Relation.WAIT


def _answer(
    draft: Draft,
    turn: CallerTurn,
    said: tuple[Piece, ...],
    *,
    limit: bool,
    values: tuple[tuple[str, object], ...],
) -> None:
    state = draft.state
    if _owes_final(turn):
        finalize(draft, "16")
        turn = draft.turn()
    end = draft.now if turn.end is None else turn.end
    if state.reply is not None:
        speaking.end(draft, state.reply, ev.Outcome.CUT, "another turn was closed", "7")
    learn(state, turn)
    earlier = state.asked if state.past is None or state.past.number != turn.number else state.past.earlier
    request = max(turn.request, state.asked)
    state.turn = state.dropped = None
    late.remember(state)
    state.past = PastTurn(
        turn.number, draft.now, end, turn.spoken, said, request, earlier=earlier, opened=turn.opened
    )
    speaking.resume(draft, "the caller is done", "10")
    answer_past(draft, "6" if limit else "3", limit=limit, **dict(values))


def _owes_final(turn: CallerTurn) -> bool:
    """Whether the turn is closed with words whose final was never asked for, and would be part of the next turn."""
    interim = turn.interim
    if interim is None:
        return False
    return not turn.request or (interim.end is not None and interim.end > turn.asked)


def learn(state: State, turn: CallerTurn) -> None:
    """Let the short delay follow the pauses that did not end this turn, the later the more (rule 2)."""
    policy = state.policy
    if policy.endpointing == "adaptive":
        for pause in turn.pauses:
            learned = HISTORY * (state.learned or policy.endpoint_min) + (1 - HISTORY) * pause
            state.learned = min(max(learned, policy.endpoint_min), policy.endpoint_max)


def answer_past(draft: Draft, rule: str, *, limit: bool = False, **values: object) -> None:
    """Announce what the turn that has closed says, write it down, and have it answered."""
    state, past = draft.state, draft.state.past
    assert past is not None
    closed = ev.TurnClosed(draft.now, past.number, past.text, past.transcripts, past.end, limit)
    draft.announce(closed, rule, **values)
    draft.do(CommitTurn(past.number, past.text, rule=rule))
    if state.abilities.replies:
        number = preempt.keep(draft, past.number, past.text)
        if not number:
            number = speaking.start_reply(draft, past.number, past.text, rule if rule == "5" else "7")
        state.past = replace(past, reply=number)


def dismiss(draft: Draft, reason: str, rule: str) -> None:
    """End the turn without a reply, each of its finals with its outcome, and let the agent go on (rules 13, 16)."""
    state, turn = draft.state, draft.state.turn
    if turn is None:
        return
    for piece in turn.pieces:
        if piece.kind is Interruption.BACKCHANNEL and turn.overlap is not None:
            draft.announce(ev.BackchannelHeard(draft.now, piece.transcript, piece.text), rule)
        else:
            draft.announce(ev.TranscriptDropped(draft.now, piece.transcript, piece.text, reason), rule)
    if not turn.said:
        echo.doubt(draft)
    end = draft.now if turn.end is None else turn.end
    spoken, request = turn.seconds(draft.now), max(turn.request, state.asked)
    state.dropped = PastTurn(turn.number, draft.now, end, spoken, request=request, earlier=state.asked)
    state.turn = None
    preempt.drop(draft, "the turn was dropped")
    draft.announce(ev.TurnDropped(draft.now, turn.number, reason), rule)
    speaking.resume(draft, reason, rule)


def limit(draft: Draft) -> None:
    """Close a turn that is too long; what the caller goes on to say belongs to the next one (rule 6).

    The final words are asked for here too, so that no final reaches over the limit. Where there are no words yet,
    those that answer begin the next turn.
    """
    state, turn = draft.state, draft.state.turn
    if turn is None:
        return
    speaks, asked = turn.end is None, turn.request
    if speaks:
        finalize(draft, "6")
    if turn.said or turn.before or answers_without_words(state, turn):
        close(draft, limit=True)
    else:
        dismiss(draft, "limit", "6")
        assert state.dropped is not None
        state.dropped = replace(state.dropped, request=max(asked, state.dropped.earlier))
    if speaks:
        _go_on(draft)


def _go_on(draft: Draft) -> None:
    """Open the next turn for speech that goes on; it neither pauses nor cuts what the agent says now."""
    open_turn(draft, draft.now, "6")
    utterance = draft.state.reply or draft.state.current
    if utterance is not None:
        draft.turn(overlap=Overlap(utterance.number, Relation.BARGE_IN, Phase.SHIELDED))


# -- text --


def on_text_received(draft: Draft, event: ev.TextReceived) -> None:
    """Cut the agent, and answer the text at once with what was said before it (rules 1 and 14)."""
    state = draft.state
    if state.life is not Life.ACTIVE or not event.text.strip():
        return
    state.away, state.active_at = False, draft.now
    take_text(draft, event.text.strip(), "text")


def cut_at_once(draft: Draft, reason: str) -> None:
    """End the live reply and what is on the air, unless it is protected (rule 14)."""
    state = draft.state
    for utterance in (state.reply, state.early, state.current):
        if utterance is not None and utterance.interruptible and state.utterance(utterance.number):
            speaking.end(draft, utterance, ev.Outcome.CUT, reason, "14")


def take_text(draft: Draft, text: str, source: str) -> None:
    """Close the caller's turn with what was written, or pressed, after what was said.

    Where the words so far are of speech that goes on, their final is asked for: it is no part of the next turn.
    """
    state = draft.state
    cut_at_once(draft, source)
    turn = state.turn
    speaks = turn is not None and turn.end is None
    if turn is None:
        open_turn(draft, draft.now, "1")
    elif speaks and turn.said:
        finalize(draft, "14")
    piece = Piece(0, text, Interruption.WORDS, draft.now, draft.now)
    turn = draft.turn(end=draft.now, overlap=None)
    _answer(draft, turn, (*turn.before, *turn.said, piece), limit=False, values=seen(text=text))
    if speaks:
        _go_on(draft)
