"""What holds of every conversation, whatever happens in it; told from what was heard and sent."""

from __future__ import annotations

import numpy as np

from beluga_voice import commands as do
from beluga_voice import events as ev
from beluga_voice.conversation import Role
from beluga_voice.session.playout import DUCKED
from beluga_voice.turns import can_change

from .stage import VOICE_RATE, OneAtATime, Played, caller_audio


def hold(played: Played) -> None:
    """Hold everything below.

    Raises:
        AssertionError: something does not hold; the text says what.
    """
    for check in (
        samples_go_once_and_in_order,
        no_two_replies_live,
        every_utterance_ends_once,
        every_final_has_one_outcome,
        states_change_as_they_may,
        history_is_what_was_said,
        what_is_heard_is_what_was_given,
        words_heard_are_those_played,
        nothing_is_left,
    ):
        check(played)


def samples_go_once_and_in_order(played: Played) -> None:
    """Each sample of the caller's reaches a recognizer's stream at most once, in order, and as it was."""
    failed = any(isinstance(e, ev.ProviderFailed) and e.kind == "stt" for e in played.log.events)
    assert failed or len(played.stt.streams) == 1, "a second stream was opened"
    for stream in played.stt.streams:
        until = 0
        for frame in stream.frames:
            assert frame.position >= until, f"sample {frame.position} is sent again, or too late"
            until = frame.position + len(frame)
            audio = caller_audio(until // 16000 + 1)[frame.position : until]
            assert np.array_equal(frame.samples, audio), f"the samples from {frame.position} on are others"


def no_two_replies_live(played: Played) -> None:
    """A reply begins when the one before has ended; and its agent too has let go of the one before."""
    live: set[int] = set()
    for _, command in played.log.commands:
        if isinstance(command, do.StartReply):
            live.add(command.utterance)
        elif isinstance(command, do.EndUtterance):
            live.discard(command.utterance)
        assert len(live) <= 1, f"the replies {live} live"
    if isinstance(played.agent, OneAtATime):
        assert played.agent.most <= 1, "the agent makes two replies at once"
        assert played.agent.living == 0, "a reply is being made after the end"


def every_utterance_ends_once(played: Played) -> None:
    """Every reply and `say` ends once, and every handle tells how."""
    begun = [c.utterance for _, c in played.log.commands if isinstance(c, do.StartReply)]
    begun += [e.utterance for e in played.log.events if isinstance(e, ev.SayRequested)]
    ends = {e.utterance: e for e in played.log.events if isinstance(e, ev.UtteranceEnded)}
    ended = [e.utterance for e in played.log.events if isinstance(e, ev.UtteranceEnded)]
    assert sorted(begun) == sorted(ended), "begun and ended differ"
    for handle in played.handles:
        assert handle.done, f"the handle of {handle.text!r} never ends"
        assert handle._ended.result() == ends[handle.utterance]


def every_final_has_one_outcome(played: Played) -> None:
    """Each final with words is committed to one turn, or a backchannel, or dropped: exactly one of them."""
    outcomes: dict[int, set[object]] = {
        event.transcript: set()
        for event in played.log.events
        if isinstance(event, ev.TranscriptReceived) and event.final and event.text.strip()
    }
    for event in played.log.events:
        if isinstance(event, (ev.TurnClosed, ev.TurnCommitted)):
            for number in event.transcripts:
                outcomes[number].add(event.turn)
        elif isinstance(event, (ev.BackchannelHeard, ev.TranscriptDropped)):
            outcomes[event.transcript].add(type(event).__name__)
    for number, found in outcomes.items():
        assert len(found) == 1, f"the outcomes of transcript {number} are {found or 'none'}"


def states_change_as_they_may(played: Played) -> None:
    """Each change begins where the one before ended, and is one that there is."""
    now = ev.SessionState.INITIAL
    for event in played.log.events:
        if isinstance(event, ev.StateChanged):
            assert event.old is now
            assert can_change(event.old, event.new), f"{event.old} to {event.new}"
            now = event.new
    assert now is ev.SessionState.ENDED


def history_is_what_was_said(played: Played) -> None:
    """The history holds each closed turn as it was closed last, and what was heard of what was not taken back."""
    expected: list[tuple[Role, int, str]] = []
    commits = {c.utterance: c for _, c in played.log.commands if isinstance(c, do.EndUtterance)}
    for event in played.log.events:
        if isinstance(event, (ev.TurnClosed, ev.TurnCommitted)):
            closed = isinstance(event, ev.TurnClosed) or event.text
            if closed:
                expected = [e for e in expected if e[:2] != (Role.CALLER, event.turn)]
                expected.append((Role.CALLER, event.turn, event.text))
        elif isinstance(event, ev.UtteranceEnded) and event.heard and commits[event.utterance].commit:
            expected.append((Role.AGENT, commits[event.utterance].turn, event.heard))
    found = [(m.role, m.turn, m.text) for m in played.session.history]
    assert sorted(found, key=str) == sorted(expected, key=str)


def what_is_heard_is_what_was_given(played: Played) -> None:
    """Of each utterance the line got its audio from the first sample on, none twice and none left out."""
    for number, frames in _frames(played).items():
        text = _text(played, number)
        audio = np.concatenate([played.tts.audio_of(text), np.zeros(1, np.int16)])
        at, before = 0, DUCKED if frames[0][0] else 1.0
        for ducked, samples in frames:
            level = DUCKED if ducked else 1.0
            ramp = np.linspace(before, level, len(samples) + 1)[1:]  # within a frame: a step would click
            expected, before = np.rint(audio[at : at + len(samples)] * ramp).astype(np.int16), level
            assert np.array_equal(samples, expected), (
                f"utterance {number} sounds otherwise from sample {at} on"
            )
            at += len(samples)


def words_heard_are_those_played(played: Played) -> None:
    """What counts as heard is what was played, within one word with word times, and two without."""
    slack = 1 if played.tts.word_timestamps else 2
    frames = _frames(played)
    for event in played.log.events:
        if isinstance(event, ev.UtteranceEnded):
            samples = sum(len(s) for _, s in frames.get(event.utterance, ()))
            words = samples / VOICE_RATE / played.tts.word_duration
            heard = len(event.heard.split())
            assert abs(heard - words) <= slack, f"{event}, and {words:.2f} words were played"
            text, said = _text(played, event.utterance), " ".join(event.heard.split())
            assert text.startswith(said), f"{said!r} of {text!r}"


def nothing_is_left(played: Played) -> None:
    """After the end no task runs, no stream is open, and nothing is told or sent."""
    assert not played.left, f"still running: {played.left}"
    assert len(played.log.events) == played.events_at_end, "something was told after the end"
    assert isinstance(played.log.events[-1], ev.SessionEnded)
    assert all(stream.closed for stream in (*played.stt.streams, *played.tts.streams))
    assert played.line.closed
    assert not played.line.sent or played.line.sent[-1].at <= played.ended + 1e-9


def _frames(played: Played) -> dict[int, list[tuple[bool, np.ndarray]]]:
    frames: dict[int, list[tuple[bool, np.ndarray]]] = {}
    for number, ducked, samples in played.log.sent:
        frames.setdefault(number, []).append((ducked, samples))
    return frames


def _text(played: Played, number: int) -> str:
    """All that was given of an utterance, as it was spoken, on single spaces."""
    given = (e.text for e in played.log.events if isinstance(e, ev.TextGiven) and e.utterance == number)
    return " ".join(" ".join(given).split())
