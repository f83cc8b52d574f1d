"""What was decided is decided again, byte for byte; where it is not, the place is told."""

from __future__ import annotations

import random
from pathlib import Path

import pytest

from beluga_voice import events as ev
from beluga_voice.clock import run_virtual
from beluga_voice.errors import JournalError
from beluga_voice.journal.codec import dumps, encode_command, encode_event
from beluga_voice.journal.reader import Journal, parse_journal, read_journal
from beluga_voice.journal.replay import decide, other_version, replay
from beluga_voice.journal.whatif import what_if
from beluga_voice.testing import LoopbackTransport, ScriptedSTT, ScriptedTTS
from beluga_voice.testing.script import Script

from .conftest import Recorded, have_call

FIXTURES = Path(__file__).parent / "fixtures"


def changed(call: Recorded, *changes: tuple[str, str]) -> Journal:
    text = call.journal.read_text()
    for old, new in changes:
        assert old in text
        text = text.replace(old, new, 1)
    return parse_journal(text.encode())


def test_a_call_with_a_barge_in_replays(call: Recorded) -> None:
    assert any(isinstance(event, ev.BargeIn) for event in call.events)
    journal = read_journal(call.journal)
    assert replay(journal) == ()
    assert other_version(journal) == ""


@pytest.mark.parametrize("seed", range(12))
def test_calls_at_random_replay_and_stay_the_same_under_the_same_policy(tmp_path: Path, seed: int) -> None:
    draw = random.Random(seed)
    said = ["what about zebras", "mhm", "stop", "and the other one", "yeah", "tell me more of it please", ""]

    async def caller(line: LoopbackTransport) -> None:
        for _ in range(draw.randrange(2, 7)):
            await line.silence(draw.choice([0.1, 0.3, 0.9, 2.5]))
            await line.speak(draw.choice([0.08, 0.3, 0.7, 1.6]))
        await line.silence(draw.choice([0.2, 4.0]))

    call = run_virtual(
        have_call(
            tmp_path,
            caller,
            stt=ScriptedSTT(
                draw.choices(said, k=8), interim=draw.random() < 0.5, delay=draw.choice([0.05, 0.4])
            ),
            tts=ScriptedTTS(
                delay=draw.choice([0.0, 0.3]),
                part_delay=draw.choice([0.0, 0.15]),
                fails_after=3 if draw.random() < 0.2 else None,
            ),
            journal_content=draw.random() < 0.5,
            greeting=draw.choice(["", "Good morning, this is the zoo."]),
        ),
        seed=seed,
    )
    journal = read_journal(call.journal)
    assert replay(journal) == ()
    assert what_if(journal).changes == ()


def test_a_command_that_differs_is_told_with_its_line_and_both(call: Recorded) -> None:
    (difference,) = replay(changed(call, ('"timer":"away","due":', '"timer":"away","due":1')))
    assert difference.line == 2
    assert difference.recorded.startswith('{"type":"SetTimer","rule":"18"')
    assert difference.recomputed == difference.recorded.replace('"due":1', '"due":', 1)
    assert str(difference).startswith("line 2, 0.000 s, SessionStarted, command 2:\n  recorded    {")


def test_a_command_that_is_missing_is_told(call: Recorded) -> None:
    journal = read_journal(call.journal)
    text = call.journal.read_text()
    line = journal.decisions[-1].line
    last = text.split("\n")[line - 1]
    cut = last[: last.rindex(',{"type":"EndSession"')] + "]}"
    (difference,) = replay(parse_journal(text.replace(last, cut).encode()))
    assert difference.recorded == ""
    assert '"EndSession"' in difference.recomputed


def test_another_policy_in_the_header_makes_other_commands(call: Recorded) -> None:
    assert replay(changed(call, ('"endpoint_min":0.35', '"endpoint_min":0.36')))


def test_says_that_another_version_wrote_it(call: Recorded) -> None:
    text = call.journal.read_text()
    version = read_journal(call.journal).header.version
    older = parse_journal(text.replace(f'"version":"{version}"', '"version":"0.0.9"', 1).encode())
    assert "written by beluga-voice 0.0.9, and this is" in other_version(older)
    assert replay(older) == ()


def test_a_script_is_a_journal_too() -> None:
    script = Script()
    script.asks("what time is it", 1.0, 2.0)
    script.plays(1, 3.0)
    script.stop(4.0)
    header = '{"journal":1,"version":"0.1.0","session":"s","language":"en","content":true,"state":"initial",'
    lines = [header + '"policy":{},"abilities":{}}']
    lines += [
        dumps({"event": encode_event(event), "commands": [encode_command(each) for each in commands]})
        for event, commands in script.steps
    ]
    assert replay(parse_journal("".join(f"{line}\n" for line in lines).encode())) == ()


def test_a_journal_of_the_first_format_is_read_and_replays() -> None:
    """If the rules have changed on purpose before a release: `python -m core.tests.journal.make_fixture`."""
    journal = read_journal(FIXTURES / "format-1.jsonl")
    assert journal.end == "complete"
    assert not journal.torn
    assert {type(entry).__name__ for entry in journal.entries} == {"Decision", "Told", "Scores"}
    assert any(isinstance(decision.event, ev.TurnPredicted) for decision in journal.decisions)
    assert not replay(journal) or other_version(journal)


def test_an_event_that_the_engine_cannot_take_is_told_with_its_line(call: Recorded) -> None:
    state = read_journal(call.journal).header.begin()
    state, _ = decide(state, ev.SessionStarted(0.0), 2)
    with pytest.raises(JournalError, match="line 3: BargeIn cannot have happened there: KeyError"):
        decide(state, ev.BargeIn(1.0, 1, ""), 3)  # type: ignore[arg-type]
