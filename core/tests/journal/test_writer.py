"""Writing a journal: line by line, bounded, and without a word where none is wanted."""

from __future__ import annotations

import json
import re
import stat
from pathlib import Path

import pytest

from beluga_voice import commands as do
from beluga_voice import events as ev
from beluga_voice.clock import run_virtual
from beluga_voice.errors import ConfigurationError, ProviderError
from beluga_voice.journal.codec import COMMANDS, EVENTS
from beluga_voice.journal.format import Header
from beluga_voice.journal.masking import CONTENT, NO_CONTENT, REASON, Mask
from beluga_voice.journal.reader import Scores, Told, read_journal
from beluga_voice.journal.replay import replay
from beluga_voice.journal.writer import JournalWriter
from beluga_voice.testing import ScriptedAgent
from beluga_voice.turns import Abilities, TurnPolicy

from .conftest import ANSWER, OBJECTION, QUESTION, Recorded, have_call

HEADER = Header(session_id="s", policy=TurnPolicy(), abilities=Abilities())


def writer(path: Path, max_bytes: int = 1 << 20) -> JournalWriter:
    return JournalWriter(path, HEADER, max_bytes=max_bytes)


def test_a_call_is_written_with_its_words_scores_and_ends(call: Recorded) -> None:
    journal = read_journal(call.journal)
    assert journal.end == "complete"
    assert not journal.torn
    assert not journal.remarks
    told = [entry.event for entry in journal.entries if isinstance(entry, Told)]
    assert told == [event for event in call.events if isinstance(event, (ev.Reported, ev.UtteranceEnded))]
    observed = [decision.event for decision in journal.decisions]
    assert observed == [event for event in call.events if isinstance(event, ev.Observed)]
    scores = [entry for entry in journal.entries if isinstance(entry, Scores)]
    assert sum(len(each.probabilities) for each in scores) == round(11.2 * 16000) // 512
    assert [each.start for each in scores] == [32 * 512 * place for place in range(len(scores))]


def test_each_line_is_there_when_the_call_returns(tmp_path: Path) -> None:
    path = tmp_path / "call.jsonl"
    journal = writer(path)
    journal.decided(ev.SessionStarted(1.5), [])
    read = read_journal(path)
    assert [decision.event for decision in read.decisions] == [ev.SessionStarted(1.5)]
    assert read.remarks == ("the journal has no end: the session was killed, or goes on",)
    journal.close()
    journal.close()
    assert read_journal(path).end == "complete"


def test_only_its_owner_may_read_it(tmp_path: Path) -> None:
    path = tmp_path / "call.jsonl"
    writer(path).close()
    assert stat.S_IMODE(path.stat().st_mode) == 0o600


def test_at_its_bound_it_says_so_and_stops(tmp_path: Path) -> None:
    path = tmp_path / "call.jsonl"
    journal = writer(path, 2000)
    for at in range(100):
        journal.decided(ev.TextReceived(float(at), "hello"), [do.Pause(1)])
    journal.close()
    read = read_journal(path)
    assert path.stat().st_size <= 2000
    assert read.end == "full"
    assert 5 < len(read.decisions) < 30
    assert "reached its bound" in read.remarks[0]


def test_scores_are_kept_apart_where_windows_do_not_follow(tmp_path: Path) -> None:
    path = tmp_path / "call.jsonl"
    journal = writer(path)
    for start, end, probability in [(0, 10, 0.1), (10, 20, 1.0), (30, 40, 0.25), (40, 45, float("nan"))]:
        journal.scored(start, end, probability, 16000)
    journal.close()
    read = [(e.start, e.window, e.probabilities) for e in read_journal(path).entries if isinstance(e, Scores)]
    assert read == [(0, 10, (0.1, 1.0)), (30, 10, (0.25,)), (40, 5, (-0.001,))]


@pytest.mark.parametrize("error", ["the rhinoceros is not amused", None])
def test_without_content_no_word_is_in_the_file_and_it_replays(tmp_path: Path, error: str | None) -> None:
    agent = ScriptedAgent([["Hippos. ", ProviderError(error)]], otherwise=ANSWER) if error else None
    call = run_virtual(have_call(tmp_path, journal_content=False, greeting="Ostrich waddling", agent=agent))
    written = call.journal.read_text().lower()
    for said in (QUESTION, OBJECTION, ANSWER, "Ostrich waddling", error or ""):
        for word in re.findall(r"[a-z]{5,}", said.lower()):
            assert word not in written
    journal = read_journal(call.journal)
    assert not journal.header.content
    assert not replay(journal)
    closed = [e.text for e in call.events if isinstance(e, ev.TurnClosed)]
    masked = [
        c.event.text
        for d in journal.decisions
        for c in d.commands
        if isinstance(c, do.Announce) and isinstance(c.event, ev.TurnClosed)
    ]
    assert [len(text.split()) for text in masked] == [len(text.split()) for text in closed]


def test_a_mask_keeps_equality_and_space_and_no_other_mask_gives_the_same() -> None:
    mask = Mask()
    masked = mask.text("  the cat\tand the dog ")
    assert re.fullmatch(r"  w\w{12} w\w{12}\tw\w{12} w\w{12} w\w{12} ", masked)
    one, two, three, four, five = masked.split()
    assert one == four
    assert len({one, two, three, five}) == 4
    assert Mask().text("the") != mask.text("the")


def test_words_that_differ_in_case_and_marks_alone_do_so_under_a_mask_too() -> None:
    lower, upper, asked, alone = Mask().text("time Time time? ...").split()
    assert len({lower, upper, asked, alone}) == 4
    assert lower == upper.strip(".,;:!?") == asked.strip(".,;:!?")
    assert alone.strip(".,;:!?") == ""


def test_every_text_of_events_and_commands_is_known_to_be_content_or_not() -> None:
    texts = {
        spec.name
        for kind in (*EVENTS.values(), *COMMANDS.values())
        for spec in kind.__dataclass_fields__.values()
        if str(spec.type).startswith("str")
    }
    seen = {"before"}  # only among what a decision saw
    assert texts | seen == (CONTENT | NO_CONTENT | {REASON})


def test_a_line_is_ascii_whatever_was_said(tmp_path: Path) -> None:
    path = tmp_path / "call.jsonl"
    journal = writer(path)
    text = "Grüße\n\ud800 \x00 \u2028 日本"
    journal.decided(ev.TextReceived(0.0, text), [])
    journal.close()
    lines = path.read_bytes().split(b"\n")
    assert len(lines) == 4
    assert path.read_bytes().isascii()
    assert json.loads(lines[1])["event"]["text"] == text
    assert read_journal(path).decisions[0].event == ev.TextReceived(0.0, text)


def test_a_folder_that_is_not_there_is_named(tmp_path: Path) -> None:
    with pytest.raises(
        ConfigurationError, match=r"cannot write .*call.jsonl: No such file or directory; name"
    ):
        writer(tmp_path / "nowhere" / "call.jsonl")


def test_after_its_end_everything_is_ignored(tmp_path: Path) -> None:
    path = tmp_path / "call.jsonl"
    journal = writer(path)
    journal.close()
    before = path.read_bytes()
    journal.decided(ev.SessionStarted(0.0), [])
    journal.told(ev.TextGiven(0.0, 1, "hello"))
    journal.close()
    assert path.read_bytes() == before


@pytest.mark.skipif(not Path("/dev/full").exists(), reason="no device that is always full")
def test_a_full_disk_is_told_from_a_path_that_is_wrong() -> None:
    with pytest.raises(OSError, match="No space left"):
        writer(Path("/dev/full"))
