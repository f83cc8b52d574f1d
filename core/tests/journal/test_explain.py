"""Every decision has a sentence, with its rule and what it saw."""

from __future__ import annotations

import re
from dataclasses import replace
from pathlib import Path

import beluga_voice.turns
from beluga_voice import commands as do
from beluga_voice import events as ev
from beluga_voice.journal import codec
from beluga_voice.journal.explain import (
    ANNOUNCEMENTS,
    COMMANDS,
    DETAILS,
    RULES,
    Sentence,
    explain,
    sentence,
    situation,
)
from beluga_voice.journal.reader import read_journal

from .conftest import OBJECTION, QUESTION, Recorded


def test_every_command_and_announcement_has_its_sentence() -> None:
    assert set(COMMANDS) == set(codec.COMMANDS.values()) - {do.Announce}
    assert set(ANNOUNCEMENTS) == {each for each in codec.EVENTS.values() if issubclass(each, ev.Decided)}
    assert set(COMMANDS) | set(ANNOUNCEMENTS) > DETAILS


def test_every_rule_that_the_engine_names_has_its_sentence() -> None:
    named = {
        rule
        for module in Path(beluga_voice.turns.__file__).parent.glob("*.py")
        for rule in re.findall(r'"(\d+)"', module.read_text())
    }
    assert len(named) > 10
    assert named <= RULES.keys()


def test_says_why_the_agent_was_paused(call: Recorded) -> None:
    told = [str(each) for each in explain(read_journal(call.journal)) if isinstance(each.command, do.Pause)]
    assert told == [
        "4.100 s: the agent was paused, in reply 1 (rule 12: speech over the agent pauses it at once): "
        "0.10 s of speech."
    ]


def test_says_why_a_turn_was_closed(call: Recorded) -> None:
    told = [str(each) for each in explain(read_journal(call.journal)) if "was closed" in each.what]
    assert told[0] == (
        f'2.380 s: the caller\'s turn 1 was closed: "{QUESTION}" (rule 3: {RULES["3"]}): '
        "the delay was 0.35 s, 0.36 s had passed since the end of speech."
    )
    assert OBJECTION in told[1]


def test_every_decision_of_a_call_is_told_once(call: Recorded) -> None:
    journal = read_journal(call.journal)
    told = explain(journal)
    assert [each.command for each in told] == [c for d in journal.decisions for c in d.commands]
    assert all(isinstance(each.as_json()["sentence"], str) for each in told)


def test_times_count_from_the_start(call: Recorded) -> None:
    journal = read_journal(call.journal)
    first = journal.decisions[0]
    later = replace(journal, entries=(replace(first, event=ev.SessionStarted(-100.0)), *journal.entries[1:]))
    assert explain(later)[-1].at == explain(journal)[-1].at + 100


def test_tells_how_things_stood(call: Recorded) -> None:
    journal = read_journal(call.journal)
    assert situation(journal, 4.3) == (
        "at 4.300 s the session was speaking; the caller's turn 2 was open with no words yet; reply 1 was on the "
        "air, paused; the next deadline was undecided at 7.000 s."
    )
    assert situation(journal, 99.0) == "at 99.000 s the session was ended."


def test_a_text_cannot_command_the_terminal() -> None:
    told = sentence(
        do.Announce(ev.TurnClosed(1.0, 1, '\x1b[2J"quoted"\nnext \x7f\ud800\\' + "x" * 1000, (), 1.0))
    )
    assert told.isprintable()
    assert r'"\x1b[2J\"quoted\"\nnext \x7f\ud800\\xxx' in told
    assert len(told) < 600


def test_a_rule_cannot_command_the_terminal_either() -> None:
    told = Sentence(1, 0.0, "it was so", "1\x1b[2J\ud800", "", False, "TimerFired", do.StopHearing())
    assert str(told) == r"0.000 s: it was so (rule 1\x1b[2J\ud800: of another version)."
