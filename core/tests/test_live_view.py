"""What is printed of a conversation while it goes on."""

from __future__ import annotations

import pytest

from beluga_voice import events as ev
from beluga_voice.cli.view import LiveView
from beluga_voice.events import Outcome, Source


def printed(capsys: pytest.CaptureFixture[str], *events: ev.Event) -> str:
    view = LiveView()
    for event in events:
        view.see(event)
    return capsys.readouterr().out


def cut(at: float, heard: str) -> ev.UtteranceEnded:
    return ev.UtteranceEnded(at, 1, Source.SAY, Outcome.CUT, heard=heard, reason="barge-in: words")


def test_what_is_cut_tells_where_even_before_its_first_word(capsys: pytest.CaptureFixture[str]) -> None:
    begins = (ev.TextGiven(0.0, 1, "Hello there."), ev.PlayoutStarted(0.0, 1))
    assert 'cut at "Hello"; barge-in: words' in printed(capsys, *begins, cut(0.8, "Hello"))
    assert "cut before a word was heard; barge-in: words" in printed(capsys, *begins, cut(0.1, ""))


def test_what_is_cut_before_it_sounds_is_not_told(capsys: pytest.CaptureFixture[str]) -> None:
    assert "cut" not in printed(capsys, ev.TextGiven(0.0, 1, "Hello there."), cut(0.1, ""))
