"""The agent's side: replies and `say`, their order, their clocks and their ends; start and stop."""

from __future__ import annotations

from beluga_voice import events as ev
from beluga_voice.commands import (
    CommitTurn,
    Duck,
    EndUtterance,
    Pause,
    Play,
    PrepareSay,
    Resume,
    StartReply,
)
from beluga_voice.events import Outcome, Source, WhileCallerSpeaks
from beluga_voice.turns.deadlines import owed
from beluga_voice.turns.draft import Draft, seen
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

# -- life --


def on_session_started(draft: Draft, event: ev.SessionStarted) -> None:
    """Begin to listen."""
    state = draft.state
    if state.life is Life.INITIAL:
        state.life = Life.ACTIVE
        state.quiet_from = state.active_at = event.at


def on_stop_requested(draft: Draft, event: ev.StopRequested) -> None:
    """End, at once or once what plays and what is protected was heard (rule 20)."""
    state = draft.state
    _keep_open_turn(draft)
    if state.keys:
        draft.announce(ev.DtmfEntered(draft.now, state.keys), "20")
        state.keys = ""
    for utterance in state.utterances:
        stays = event.drain and (utterance.number == state.on_air or not utterance.interruptible)
        if not stays:
            end(draft, utterance, Outcome.CUT, "the session was stopped", "20")
    state.life = Life.DRAINING
    state.ending = event.reason
    resume(draft, "the session is being drained", "20")


def _keep_open_turn(draft: Draft) -> None:
    """Keep the words that are in no closed turn, without a reply."""
    state = draft.state
    turn, state.turn = state.turn, None
    if turn is not None and (turn.pieces or turn.before):
        text = " ".join(piece.text for piece in (*turn.before, *turn.pieces))
        draft.do(CommitTurn(turn.number, text, rule="20"))
        transcripts = tuple(p.transcript for p in (*turn.before, *turn.pieces) if p.transcript and p.final)
        draft.announce(ev.TurnCommitted(draft.now, turn.number, text, transcripts), "20")
    elif turn is not None:
        draft.announce(ev.TurnDropped(draft.now, turn.number, "the session was stopped"), "20")


# -- what is to be said --


def on_say_requested(draft: Draft, event: ev.SayRequested) -> None:
    """Queue a `say` by its priority (rule 10)."""
    state = draft.state
    if event.utterance >= state.says:
        return
    state.says = event.utterance
    said = Utterance(
        event.utterance,
        Source.SAY,
        state.turns,
        event.at,
        event.interruptible,
        event.priority,
        event.while_caller_speaks,
        inside=event.inside if state.reply is not None and state.reply.number == event.inside else 0,
    )
    if state.life is Life.DRAINING:
        _refuse(draft, said, "the session is being stopped", "20")
    elif event.while_caller_speaks is WhileCallerSpeaks.DROP and _caller_speaks(state.turn):
        _refuse(draft, said, "the caller is speaking", "10")
    else:
        state.away = False
        place = _place(draft, said)
        state.utterances = (*state.utterances[:place], said, *state.utterances[place:])


def _caller_speaks(turn: CallerTurn | None) -> bool:
    return turn is not None and not turn.in_phase(Phase.GIVEN_UP)


def _refuse(draft: Draft, said: Utterance, reason: str, rule: str) -> None:
    draft.do(EndUtterance(said.number, said.turn, Outcome.CUT, reason, rule=rule))


def _place(draft: Draft, said: Utterance) -> int:
    """Where it belongs: after what is on the air and after the reply, before those of lower priority.

    What the reply's own tool asks for stands before the reply; or right after it, if the reply is on the air.
    """
    utterances, on_air = draft.state.utterances, draft.state.on_air
    place = len(utterances)
    if said.inside:
        place = next(i for i, u in enumerate(utterances) if u.number == said.inside)
        if said.inside == on_air:
            place += 1 + sum(u.inside == on_air for u in utterances)
    while place > 0:
        before = utterances[place - 1]
        if before.preemptive:
            place -= 1
            continue
        if before.source is Source.REPLY or before.number == on_air or before.priority >= said.priority:
            break
        place -= 1
    return place


def start_reply(draft: Draft, turn: int, text: str, rule: str, *, preemptive: bool = False) -> int:
    """Ask the agent to answer; the reply plays after what was queued before (rules 7 and 10)."""
    state = draft.state
    assert state.reply is None, "a reply lives"
    assert state.early is None, "a reply to another turn was begun"
    state.replies += 1
    reply = Utterance(
        state.replies,
        Source.REPLY,
        turn,
        draft.now,
        interruptible=state.policy.allow_interruptions,
        prepared=True,
        awaits=Awaits.TEXT,
        since=draft.now,
        preemptive=preemptive,
        answers=text,
    )
    state.utterances = (*state.utterances, reply)
    draft.announce(ev.ReplyStarted(draft.now, turn, reply.number, preemptive), rule)
    draft.do(StartReply(turn, reply.number, text, preemptive, rule=rule, saw=seen(text=text)))
    return reply.number


def on_cut_requested(draft: Draft, event: ev.CutRequested) -> None:
    """End an utterance that the application takes back."""
    utterance = draft.state.utterance(event.utterance)
    if utterance is not None:
        end(draft, utterance, Outcome.CUT, "cancelled", "10")


# -- its making --


def on_text_awaited(draft: Draft, event: ev.TextAwaited) -> None:
    """The agent owes text."""
    _await(draft, event.utterance, Awaits.TEXT)


def on_audio_awaited(draft: Draft, event: ev.AudioAwaited) -> None:
    """The TTS owes audio."""
    _await(draft, event.utterance, Awaits.AUDIO)


def on_audio_received(draft: Draft, event: ev.AudioReceived) -> None:
    """The TTS gave audio."""
    utterance = draft.state.utterance(event.utterance)
    if utterance is not None:
        draft.put(replace(utterance, awaits=Awaits.NOTHING, since=draft.now, ready=True))


def _await(draft: Draft, number: int, awaits: Awaits) -> None:
    utterance = draft.state.utterance(number)
    if utterance is not None:
        draft.put(replace(utterance, awaits=awaits, since=draft.now))


def on_synthesis_finished(draft: Draft, event: ev.SynthesisFinished) -> None:
    """Nothing more is owed; an utterance without any audio is over."""
    utterance = draft.state.utterance(event.utterance)
    if utterance is None:
        return
    if event.empty and utterance.preemptive:
        end(draft, utterance, Outcome.CUT, "nothing to say before the close", "7", commit=False)
    elif not event.empty:
        draft.put(replace(utterance, awaits=Awaits.NOTHING, since=draft.now, ready=True, finished=True))
    else:
        end(draft, utterance, Outcome.PLAYED, "nothing to say", "7")


def on_utterance_failed(draft: Draft, event: ev.UtteranceFailed) -> None:
    """Agent or TTS failed: what was heard stays (rule 8)."""
    utterance = draft.state.utterance(event.utterance)
    if utterance is not None and utterance.preemptive:
        end(draft, utterance, Outcome.CUT, "failed before the close", "7", commit=False)
    elif utterance is not None:
        end(draft, utterance, Outcome.FAILED, event.error, "8")


def overdue(draft: Draft, timer: ev.TimerName) -> None:
    """Fail the utterance whose deadline has passed (rule 8)."""
    state, policy = draft.state, draft.state.policy
    texts = {
        ev.TimerName.FIRST_TEXT: f"the agent gave no text for {policy.first_text:g} s",
        ev.TimerName.FIRST_AUDIO: f"the TTS gave no audio for {policy.first_audio:g} s",
        ev.TimerName.STALL: f"the audio stalled for {policy.stall:g} s",
    }
    for utterance in (state.reply, state.current):
        owes = None if utterance is None else owed(state, utterance)
        if utterance is not None and owes is not None and owes[0] is timer and owes[1] <= draft.now:
            end(draft, utterance, Outcome.FAILED, texts[timer], "8")
            break


def on_tool_started(draft: Draft, event: ev.ToolStarted) -> None:
    """The agent owes no text until the tool has ended (rule 8)."""
    utterance = draft.state.utterance(event.utterance)
    if utterance is not None and all(number != event.tool for number, _ in utterance.tools):
        running = (event.tool, draft.now + event.timeout)
        draft.put(replace(utterance, tools=(*utterance.tools, running)))


def on_tool_finished(draft: Draft, event: ev.ToolFinished) -> None:
    """The agent owes text from now on (rule 8)."""
    utterance = draft.state.utterance(event.utterance)
    if utterance is not None and any(number == event.tool for number, _ in utterance.tools):
        rest = tuple(running for running in utterance.tools if running[0] != event.tool)
        since = draft.now if utterance.awaits is Awaits.TEXT else utterance.since
        draft.put(replace(utterance, tools=rest, since=since))


# -- its playout --


def on_playout_started(draft: Draft, event: ev.PlayoutStarted) -> None:
    """The first sample was heard."""
    _continue(draft, event.utterance)


def on_playout_continued(draft: Draft, event: ev.PlayoutContinued) -> None:
    """It is heard again."""
    _continue(draft, event.utterance)


def _continue(draft: Draft, number: int) -> None:
    state = draft.state
    utterance = state.utterance(number)
    if utterance is not None and number == state.on_air and utterance.playing_from is None:
        state.active_at = draft.now
        plays = None if state.paused else draft.now
        draft.put(replace(utterance, started=True, ready=True, starved=None, playing_from=plays))


def on_playout_starved(draft: Draft, event: ev.PlayoutStarved) -> None:
    """There is no more audio for now."""
    utterance = draft.state.utterance(event.utterance)
    if utterance is not None and event.utterance == draft.state.on_air and utterance.starved is None:
        draft.state.active_at = draft.now
        draft.put(replace(utterance.silenced(draft.now), starved=draft.now))


def on_playout_finished(draft: Draft, event: ev.PlayoutFinished) -> None:
    """The last sample was heard."""
    utterance = draft.state.utterance(event.utterance)
    if utterance is not None and event.utterance == draft.state.on_air:
        draft.state.active_at = draft.state.quiet_from = draft.now
        end(draft, utterance, Outcome.PLAYED, "", "10")


# -- the air --


def advance(draft: Draft) -> None:
    """Put the next utterance on the air if none is and it may be, and prepare the one after (rule 10)."""
    state = draft.state
    first = _next_on_air(draft)
    if first is not None and first.number != state.on_air:
        state.utterances = (first, *(u for u in state.utterances if u is not first))
        state.on_air = first.number
        if first.ready:
            draft.put(replace(first, since=draft.now))
        draft.do(Play(state.on_air, rule="10"))
        if state.turn is not None and state.turn.holds_floor:
            relation = Relation.WAIT if first.interruptible else Relation.BARGE_IN
            draft.turn(overlap=Overlap(state.on_air, relation, Phase.SHIELDED))
    for utterance in state.utterances[:2]:
        if not utterance.prepared:
            draft.put(replace(utterance, prepared=True, awaits=Awaits.AUDIO, since=draft.now))
            draft.do(PrepareSay(utterance.number, rule="10"))
    if state.life is Life.DRAINING and not state.utterances:
        state.life = Life.ENDED


def _next_on_air(draft: Draft) -> Utterance | None:
    """What is to be heard now: what is on the air or next in the queue, or what a silent reply's tool says."""
    state = draft.state
    first = state.current or next((u for u in state.utterances if _may_play(draft, u)), None)
    if first is not None and first.source is Source.REPLY and first.silent and not state.paused:
        inside = (u for u in state.utterances if u.inside == first.number and _may_play(draft, u))
        return next(inside, first)
    return first


def _may_play(draft: Draft, utterance: Utterance) -> bool:
    if utterance.preemptive:
        return False
    if draft.state.turn is None or not draft.state.turn.holds_floor:
        return True
    return utterance.while_caller_speaks is WhileCallerSpeaks.SPEAK and utterance.source is Source.SAY


def pause(draft: Draft, rule: str, **values: object) -> None:
    """Silence what is on the air, and stop its clocks."""
    state = draft.state
    current = state.current
    if current is None or state.paused:
        return
    draft.put(current.silenced(draft.now))
    state.paused, state.ducked = current.number, 0
    draft.do(Pause(current.number, rule=rule, saw=seen(**values)))
    draft.announce(ev.UtterancePaused(draft.now, current.number), rule)


def ducks(state: State) -> bool:
    """Whether speech over what is on the air takes its level down: it is set so, and there is sound (rule 12)."""
    if state.policy.barge_in_action == "pause" or state.paused:
        return False
    current = state.current
    return bool(state.ducked) or (current is not None and current.playing_from is not None)


def duck(draft: Draft, rule: str, **values: object) -> None:
    """Take down the level of what is on the air; it goes on, and so do its clocks."""
    state = draft.state
    if not state.ducked:
        state.ducked = state.on_air
        draft.do(Duck(state.on_air, rule=rule, saw=seen(**values)))
        draft.announce(ev.UtteranceDucked(draft.now, state.on_air), rule)


def resume(draft: Draft, reason: str, rule: str, **values: object) -> None:
    """Let what is paused go on at the same sample, and its clocks too; what is ducked, at full level."""
    state = draft.state
    number = state.paused or state.ducked
    if not number:
        return
    was_paused = bool(state.paused)
    state.paused = state.ducked = 0
    current = state.utterance(number)
    if current is not None:
        if was_paused and current.started and current.starved is None:
            draft.put(replace(current, playing_from=draft.now))
        draft.do(Resume(number, rule=rule, saw=seen(**values)))
        draft.announce(ev.UtteranceResumed(draft.now, number, reason), rule)


def end(
    draft: Draft, utterance: Utterance, outcome: Outcome, reason: str, rule: str, *, commit: bool = True
) -> None:
    """End an utterance, wherever it is."""
    state = draft.state
    state.utterances = tuple(u for u in state.utterances if u.number != utterance.number)
    if state.on_air == utterance.number:
        state.on_air = 0
        if utterance.started:
            state.quiet_from = state.active_at = max(state.active_at, draft.now)
    if state.paused == utterance.number:
        state.paused = 0
    if state.ducked == utterance.number:
        state.ducked = 0
    turn = state.turn
    if turn is not None and turn.overlap is not None and turn.overlap.utterance == utterance.number:
        if not commit or state.utterance(state.paused) is None:
            draft.overlap(turn.overlap, phase=Phase.OVER)
        else:  # the reply that was spoken over has failed; what it paused on the air is spoken over all the same
            draft.overlap(
                turn.overlap, utterance=state.paused, relation=Relation.BARGE_IN, phase=Phase.PAUSED
            )
    draft.do(EndUtterance(utterance.number, utterance.turn, outcome, reason, commit, rule=rule))
