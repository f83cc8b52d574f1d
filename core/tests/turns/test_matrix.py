"""Every event in every phase: `matrix.txt` says what follows, to be read against the rules.

Under the heading of a phase stands each outcome, and indented below it the events that have it. An outcome is what
is decided; in brackets the timers that it sets and clears; after the arrow the phase that follows, if another one.
`python core/tests/turns/test_matrix.py` prints the table as the engine would have it.
"""

from __future__ import annotations

import sys
from collections.abc import Callable
from copy import copy
from pathlib import Path

import pytest

from beluga_voice import commands as do
from beluga_voice import events as ev
from beluga_voice.events import TimerName, WhileCallerSpeaks
from beluga_voice.testing.script import Script, outline
from beluga_voice.turns import OBSERVED, Abilities, State, TurnPolicy, step
from beluga_voice.turns.state import CallerTurn, Life
from beluga_voice.words import Interruption

TABLE = Path(__file__).with_name("matrix.txt")


# -- phases: each is reached by events --


def _initial() -> Script:
    script = Script()
    script.state = State()
    return script


def _speaks() -> Script:
    script = Script()
    script.starts(1.0)
    return script


def _waits() -> Script:
    script = _speaks()
    script.stops(2.0)
    return script


def _settled(abilities: Abilities | None = None) -> Script:
    script = Script(abilities=abilities)
    script.speech(1.0, 2.0)
    script.final("what time is it", 2.27, start=1.0, end=2.0, answers=1)
    return script


def _incomplete() -> Script:
    script = _settled(Abilities(detects_turns=True))
    script.predicts(0.1, 2.3)
    return script


def _unseen() -> Script:
    script = Script()
    script.interim("hello there", 1.5, start=1.0, end=1.4)
    return script


def _preparing() -> Script:
    script = Script()
    script.asks("what time is it", 1.0, 2.0)
    return script


def _held() -> Script:
    script = _preparing()
    script.starts(2.5)
    return script


def _taken_up() -> Script:
    script = _held()
    script.interim("in", 2.8)
    return script


def _interim_answered() -> Script:
    script = _waits()
    script.interim("what dime is it", 2.3)
    script.until(4.0)
    return script


def _unanswered() -> Script:
    script = _waits()
    script.until(4.0)
    return script


def _answering() -> Script:
    script = _preparing()
    script.plays(1, 3.0, finished=False)
    return script


def _starved() -> Script:
    script = _answering()
    script.starves(1, 4.0)
    return script


def _starved_paused() -> Script:
    script = _starved()
    script.starts(4.5)
    return script


def _tool_runs() -> Script:
    script = _starved()
    script.feed(ev.ToolStarted(4.1, 1, 7, "look_up", 30.0))
    return script


def _tool_says() -> Script:
    script = _tool_runs()
    script.say(4.2, inside=1)
    script.plays(-1, 4.3)
    return script


def _tool_runs_unheard() -> Script:
    script = _preparing()
    script.feed(ev.ToolStarted(2.5, 1, 7, "look_up", 30.0))
    return script


def _detecting() -> Script:
    script = _answering()
    script.starts(4.0)
    return script


def _joining() -> Script:
    script = _answering()
    script.starts(3.3)
    script.until(3.4)
    return script


def _paused() -> Script:
    script = _detecting()
    script.until(4.1)
    return script


def _paused_words() -> Script:
    script = _paused()
    script.interim("what about", 4.3)
    return script


def _paused_done() -> Script:
    script = _paused()
    script.stops(4.3)
    return script


def _ducked() -> Script:
    script = Script(TurnPolicy(barge_in_action="duck"))
    script.asks("what time is it", 1.0, 2.0)
    script.plays(1, 3.0, finished=False)
    script.starts(4.0)
    script.until(4.1)
    return script


def _foreseen() -> Script:
    script = Script(TurnPolicy(preemptive="discard"))
    script.starts(1.0)
    script.interim("what time is it", 1.8)
    script.until(1.95)
    return script


def _foreseen_settled() -> Script:
    script = _foreseen()
    script.stops(2.0)
    script.final("what time was it", 2.3, start=1.0, end=2.0, answers=1)
    return script


def _pressing() -> Script:
    script = Script(TurnPolicy(dtmf="turns"))
    script.asks("what time is it", 1.0, 2.0)
    script.plays(1, 3.0, finished=False)
    script.presses("1", 4.0)
    return script


def _pressing_protected() -> Script:
    script = Script(TurnPolicy(dtmf="turns"))
    script.say(1.0, interruptible=False)
    script.plays(-1, 1.2)
    script.presses("1", 2.0)
    return script


def _echoing() -> Script:
    script = Script(TurnPolicy(echo_by_transcript="on"))
    script.asks("what time is it", 1.0, 2.0)
    script.plays(1, 3.0, finished=False)
    script.starts(4.0)
    script.interim("it is noon", 4.5, echo=True)
    return script


def _given_up() -> Script:
    script = _detecting()
    script.until(7.0)
    return script


def _limited() -> Script:
    script = Script(TurnPolicy(turn_limit=5))
    script.starts(1.0)
    script.interim("and then", 5.0)
    script.until(6.0)
    script.plays(1, 6.5)
    return script


def _announcing(*, interruptible: bool = True) -> Script:
    script = Script()
    script.say(1.0, interruptible=interruptible)
    script.plays(-1, 1.2)
    return script


def _protected() -> Script:
    script = _announcing(interruptible=False)
    script.starts(2.0)
    return script


def _protected_done() -> Script:
    script = _protected()
    script.stops(3.0)
    script.final("stop that now", 3.3, start=2.0, end=3.0, answers=1)
    return script


def _say_asked() -> Script:
    script = Script()
    script.say(1.0)
    return script


def _say_held() -> Script:
    script = _say_asked()
    script.starts(1.1)
    return script


def _say_queued() -> Script:
    script = _speaks()
    script.say(1.5)
    return script


def _say_before_reply() -> Script:
    script = _say_queued()
    script.stops(2.0)
    script.final("what time is it", 2.27, start=1.0, end=2.0, answers=1)
    script.until(2.35)
    script.plays(-1, 2.5)
    return script


def _away() -> Script:
    script = Script()
    script.until(30.0)
    return script


def _draining() -> Script:
    script = _answering()
    script.stop(4.0, drain=True)
    return script


def _ended() -> Script:
    script = Script()
    script.stop(1.0)
    return script


PHASES: dict[str, Callable[[], Script]] = {
    "before the start": _initial,
    "nobody speaks": Script,
    "the caller speaks": _speaks,
    "the caller paused, no words yet": _waits,
    "the caller paused, the words are settled": _settled,
    "the caller paused, the turn detector is asked": lambda: _settled(Abilities(detects_turns=True)),
    "the caller paused, the turn seems incomplete": _incomplete,
    "words that the VAD did not see": _unseen,
    "the turn was dropped, without words": _unanswered,
    "a reply is prepared": _preparing,
    "a reply is prepared, to interim words": _interim_answered,
    "a reply is held before its first sample": _held,
    "the caller went on with the turn": _taken_up,
    "a reply is heard": _answering,
    "a reply is silent between its parts": _starved,
    "a silent reply is paused": _starved_paused,
    "a tool runs for a silent reply": _tool_runs,
    "a tool says something within a silent reply": _tool_says,
    "a tool runs for a reply that is not yet heard": _tool_runs_unheard,
    "speech over a reply, too short to pause it": _detecting,
    "a reply is paused within the join window": _joining,
    "a reply is paused, no words yet": _paused,
    "a reply is paused, few words": _paused_words,
    "a reply is paused, the caller is done, no words yet": _paused_done,
    "a reply is ducked, no words yet": _ducked,
    "an echo was heard over a reply": _echoing,
    "a reply goes on over speech that was given up": _given_up,
    "a reply is heard over a turn that was too long": _limited,
    "a say is heard": _announcing,
    "the caller speaks over a protected say": _protected,
    "the caller has spoken over a protected say": _protected_done,
    "a reply was begun before the close": _foreseen,
    "a reply was begun before the close, and the words have changed": _foreseen_settled,
    "keys that make a turn cut a reply": _pressing,
    "keys that make a turn are pressed over a protected say": _pressing_protected,
    "a say is asked for, not yet heard": _say_asked,
    "a say is held before its first sample": _say_held,
    "a say waits for the caller": _say_queued,
    "a say is heard before a reply": _say_before_reply,
    "the caller is away": _away,
    "draining": _draining,
    "ended": _ended,
}


# -- events: each in its variants --

STALE = 99
MAKING = (ev.TextAwaited, ev.AudioAwaited, ev.AudioReceived, ev.SynthesisFinished)
PLAYOUT = (ev.PlayoutStarted, ev.PlayoutStarved, ev.PlayoutContinued, ev.PlayoutFinished)


def events(script: Script) -> dict[str, ev.Observed]:
    """Every event as it may come next, by its variant's name."""
    state, at = script.state, script.now + 0.02
    found: dict[str, ev.Observed] = {
        "SessionStarted": ev.SessionStarted(at),
        "StopRequested": ev.StopRequested(at),
        "StopRequested, drain": ev.StopRequested(at, drain=True),
        "TextReceived": ev.TextReceived(at, "hello"),
        "TextReceived, blank": ev.TextReceived(at, " "),
        "SpeechStarted": ev.SpeechStarted(at, at - 0.01, 0),
        "SpeechStarted, found late": ev.SpeechStarted(at, at - 0.15, 0),
        "SpeechStarted, after a question": ev.SpeechStarted(at, at - 0.01, 0, after_question=True),
        "SpeechStopped": ev.SpeechStopped(at, at - 0.01),
        "DtmfReceived": ev.DtmfReceived(at, state.keys + "2"),
        "DtmfReceived, ends": ev.DtmfReceived(at, state.keys or "3", ends=True),
        "DtmfReceived, nothing": ev.DtmfReceived(at, ""),
    }
    found |= _transcripts(state, at) | _predictions(state, at) | _says(state, at) | _utterances(state, at)
    for name in TimerName:
        due = state.timers.get(name)
        if due is not None:
            found[f"TimerFired, {name}"] = ev.TimerFired(max(due, at), name, due)
    return found


def _transcripts(state: State, at: float) -> dict[str, ev.Observed]:
    def heard(
        text: str,
        kind: Interruption,
        final: bool,
        start: float | None = None,
        answers: int | None = None,
        ended: bool | None = None,
        echo: bool = False,
    ) -> ev.TranscriptReceived:
        end = None if start is None else at
        return ev.TranscriptReceived(
            at, STALE, text, final, kind, start, end, answers, end_of_turn=ended, echo=echo
        )

    words, stop, mhm = Interruption.WORDS, Interruption.STOP, Interruption.BACKCHANNEL
    last = max(state.requests, 1)
    past = at - 1.5 if state.past is None else state.past.end - 0.5
    found: dict[str, ev.Observed] = {
        "interim, words": heard("one two three four", words, False),
        "interim, stop": heard("stop", stop, False),
        "interim, backchannel": heard("mhm", mhm, False),
        "interim, nothing": heard("", Interruption.NONE, False),
        "final, words": heard("one", words, True),
        "final, words with times": heard("one", words, True, at - 0.01),
        "final, words of long ago": heard("one", words, True, past),
        "final, words, answers": heard("one", words, True, answers=last),
        "final, words, answers what was asked before": heard("one", words, True, answers=0),
        "final, stop": heard("stop", stop, True, at - 0.01),
        "final, backchannel, answers": heard("mhm", mhm, True, answers=last),
        "final, nothing, answers": heard("", Interruption.NONE, True, answers=last),
        "final, no words": heard("...", Interruption.NONE, True),
        "interim, words that were heard": heard("one two", words, False, echo=True),
        "final, words that were heard": heard("one two", words, True, at - 0.01, echo=True),
        "interim, a word that was heard": heard("one", words, False, echo=True),
        "interim, words, the turn ends": heard("one", words, False, ended=True),
        "interim, words, the turn goes on": heard("one", words, False, ended=False),
        "final, words, the turn ends": heard("one", words, True, at - 0.01, ended=True),
        "final, backchannel, the turn ends": heard("mhm", mhm, True, at - 0.01, ended=True),
        "final, nothing, the turn ends": heard("", Interruption.NONE, True, ended=True),
    }
    if state.recent:
        piece = state.recent[-1]
        found["final, duplicate"] = ev.TranscriptReceived(
            at, STALE, piece.text, True, piece.kind, piece.start, piece.end
        )
    return found


def _predictions(state: State, at: float) -> dict[str, ev.Observed]:
    asked = STALE if state.turn is None else state.turn.prediction or STALE
    return {
        "TurnPredicted, complete": ev.TurnPredicted(at, asked, 0.5),
        "TurnPredicted, incomplete": ev.TurnPredicted(at, asked, 0.49),
        "TurnPredicted, failed": ev.TurnPredicted(at, asked, None),
        "TurnPredicted, stale": ev.TurnPredicted(at, asked - 1, 0.9),
    }


def _says(state: State, at: float) -> dict[str, ev.Observed]:
    number = state.says - 1
    found: dict[str, ev.Observed] = {
        f"SayRequested, {manner}": ev.SayRequested(at, number, while_caller_speaks=manner)
        for manner in WhileCallerSpeaks
    }
    found["SayRequested, protected, urgent"] = ev.SayRequested(at, number, interruptible=False, priority=1)
    if state.reply is not None:
        found["SayRequested, inside"] = ev.SayRequested(at, number, inside=state.reply.number)
    found["SayRequested, stale"] = ev.SayRequested(at, state.says)
    return found


def _utterances(state: State, at: float) -> dict[str, ev.Observed]:
    live = state.on_air or (state.utterances[0].number if state.utterances else STALE)
    found: dict[str, ev.Observed] = {}
    for kind in (*MAKING, *PLAYOUT, ev.CutRequested):
        if live != STALE:
            found[kind.__name__] = kind(at, live)
        found[f"{kind.__name__}, stale"] = kind(at, STALE)
    if live != STALE:
        found["SynthesisFinished, empty"] = ev.SynthesisFinished(at, live, empty=True)
        found["UtteranceFailed"] = ev.UtteranceFailed(at, live, "no")
        found["ToolStarted"] = ev.ToolStarted(at, live, 8, "book", 20.0)
        found["ToolFinished"] = ev.ToolFinished(at, live, 7, "look_up", ev.ToolOutcome.DONE)
    found["ToolStarted, stale"] = ev.ToolStarted(at, STALE, 8, "book", 20.0)
    found["ToolFinished, stale"] = ev.ToolFinished(at, STALE, 7, "look_up", ev.ToolOutcome.DONE)
    if len(state.utterances) > 1:
        found["CutRequested, the next"] = ev.CutRequested(at, state.utterances[1].number)
    found["UtteranceFailed, stale"] = ev.UtteranceFailed(at, STALE, "no")
    return found


# -- outcomes --


def outcome(state: State, event: ev.Observed) -> str:
    """What follows from an event, in a line."""
    new, commands = step(state, event)
    lines = ["; ".join(outline(commands)), _timers(commands)]
    if phase(new) != phase(state):
        lines.append(f"=> {phase(new)}")
    return " ".join(line for line in lines if line) or ("nothing" if new == _at_rest(state, new) else "noted")


def _at_rest(state: State, new: State) -> State:
    """The same state, if only what was said last changed."""
    rest = copy(state)
    rest.requests = new.requests
    return rest


def _timers(commands: list[do.Command]) -> str:
    told = [f"+{c.timer}" for c in commands if isinstance(c, do.SetTimer)]
    told += [f"-{c.timer}" for c in commands if isinstance(c, do.ClearTimer)]
    return f"[{' '.join(told)}]" if told else ""


def phase(state: State) -> str:
    """Where the session is: what is shown, the caller's turn, the agent's utterances."""
    parts = [str(state.visible) if state.life is Life.ACTIVE else state.life.value]
    if state.turn is not None:
        parts.append(_turn(state.turn))
    parts += [f"{utterance.number} {_air(state, utterance.number)}" for utterance in state.utterances]
    return ", ".join(parts)


def _turn(turn: CallerTurn) -> str:
    told = "talks" if turn.end is None else "settled" if turn.settled else "waits"
    if turn.before:
        told += " on"
    if turn.overlap is not None:
        told += f" ({turn.overlap.relation.value} {turn.overlap.phase.value})"
    return f"turn {turn.number} {told}"


def _air(state: State, number: int) -> str:
    utterance = state.utterance(number)
    assert utterance is not None
    if number == state.paused:
        return "paused"
    if utterance.preemptive:
        return "begun"
    if number == state.ducked and utterance.playing_from is not None:
        return "ducked"
    if number != state.on_air:
        return "queued"
    if not utterance.started:
        return "unheard"
    return "silent" if utterance.playing_from is None else "heard"


# -- the table --


def read(text: str) -> dict[str, dict[str, str]]:
    """Phase -> event -> outcome."""
    table: dict[str, dict[str, str]] = {}
    row: dict[str, str] = {}
    told = ""
    for line in text.splitlines():
        if line.startswith("== "):
            row = table.setdefault(line[3:].partition("  [")[0], {})
        elif line.startswith("    "):
            for event in line.strip().split(" | "):
                assert event not in row, f"{event!r} stands twice under one phase"
                row[event] = told
        elif line:
            told = line
    return table


def written() -> str:
    """The table as the engine would have it."""
    lines: list[str] = []
    for name, build in PHASES.items():
        script = build()
        lines.append(f"== {name}  [{phase(script.state)}]")
        groups: dict[str, list[str]] = {}
        for event, told in events(script).items():
            groups.setdefault(outcome(script.state, told), []).append(event)
        for told_, names in groups.items():
            lines.append(told_)
            lines += _wrapped(names)
        lines.append("")
    return "\n".join(lines)


def _wrapped(names: list[str]) -> list[str]:
    lines = [""]
    for name in names:
        if lines[-1] and len(lines[-1]) + len(name) > 100:
            lines.append("")
        lines[-1] += f" | {name}" if lines[-1] else name
    return [f"    {line}" for line in lines]


if __name__ == "__main__":
    sys.stdout.write(written())
    sys.exit()


EXPECTED = read(TABLE.read_text(encoding="utf-8"))


def test_the_table_has_every_phase_and_no_other() -> None:
    assert list(EXPECTED) == list(PHASES)


def test_every_event_is_in_the_table() -> None:
    kinds = {type(event) for name in PHASES for event in events(PHASES[name]()).values()}
    assert kinds == set(OBSERVED)


@pytest.mark.parametrize("name", PHASES)
def test_every_event_has_its_outcome(name: str) -> None:
    script = PHASES[name]()
    found = {event: outcome(script.state, told) for event, told in events(script).items()}
    expected = EXPECTED[name]
    assert sorted(found) == sorted(expected), "the table has other events"
    wrong = [
        f"{event}: {told}, not {expected[event]}" for event, told in found.items() if told != expected[event]
    ]
    assert not wrong, "\n".join(wrong)


@pytest.mark.parametrize("name", PHASES)
def test_a_step_changes_nothing_it_was_given_and_decides_the_same_again(name: str) -> None:
    script = PHASES[name]()
    before, parts = copy(script.state), dict(script.state.timers)
    for event in events(script).values():
        alike = step(script.state, event) == step(script.state, event)
        kept = script.state == before and script.state.timers == parts
        assert alike, f"{event} is decided in two ways"
        assert kept, f"{event} changes the state that is given"


@pytest.mark.parametrize("name", PHASES)
def test_a_timer_that_does_not_run_changes_nothing(name: str) -> None:
    script = PHASES[name]()
    settled, _ = step(script.state, ev.CutRequested(script.now, STALE))
    for timer in TimerName:
        for due in (-1.0, script.now + 0.001):
            stale = step(settled, ev.TimerFired(script.now, timer, due)) == (settled, [])
            assert stale, f"{timer} of {due} changes something"
