"""What is printed of a conversation while it goes on."""

from __future__ import annotations

import io
import sys

import click
import pytest

from beluga_voice import events as ev
from beluga_voice.cli.view import INDENT, LiveView, mark
from beluga_voice.events import Interruption, Outcome, SessionState, Source


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


# -- the caller --


def heard(at: float, text: str, *, final: bool = True) -> ev.TranscriptReceived:
    return ev.TranscriptReceived(at, 1, text, final, Interruption.WORDS)


@pytest.mark.parametrize(
    ("event", "line"),
    [
        (ev.TurnClosed(1.5, 1, "what time is it", (1,), 1.2), "what time is it"),
        (ev.BackchannelHeard(1.5, 1, "mhm"), "(mhm)"),
        (ev.TranscriptDropped(1.5, 1, "hello", "late"), "(hello: not used, late)"),
        (ev.TurnDropped(1.5, 1, "no words"), "(a sound without words)"),
    ],
)
def test_what_became_of_the_callers_words_is_a_line_of_the_caller(
    capsys: pytest.CaptureFixture[str], event: ev.Event, line: str
) -> None:
    out = printed(capsys, ev.SessionStarted(0.5), event)
    assert out.split() == ["1.00", "initial", "caller", *line.split()]


def test_a_turn_dropped_for_another_reason_is_not_told(capsys: pytest.CaptureFixture[str]) -> None:
    assert printed(capsys, ev.TurnDropped(1.0, 1, "joined")) == ""


def test_a_state_is_written_once_with_the_line_that_follows_it(capsys: pytest.CaptureFixture[str]) -> None:
    out = printed(
        capsys,
        ev.StateChanged(0.0, SessionState.INITIAL, SessionState.LISTENING),
        ev.BackchannelHeard(1.0, 1, "mhm"),
        ev.BackchannelHeard(2.0, 2, "aha"),
    )
    assert [line.split() for line in out.splitlines()] == [
        ["1.00", "listening", "caller", "(mhm)"],
        ["2.00", "caller", "(aha)"],
    ]


# -- the agent --


def test_what_is_paused_and_goes_on_is_noted_only_of_what_is_on_the_air(
    capsys: pytest.CaptureFixture[str],
) -> None:
    begins = (ev.TextGiven(0.0, 1, "Hello there."), ev.PlayoutStarted(0.0, 1))
    out = printed(
        capsys,
        *begins,
        ev.UtterancePaused(0.5, 1),
        ev.UtteranceResumed(0.9, 1, "a backchannel"),
        ev.UtterancePaused(1.0, 2),
        ev.UtteranceResumed(1.1, 2, "an echo"),
    )
    first, paused, resumed = out.splitlines()
    assert first.endswith("agent    Hello there.")
    assert paused.endswith("silent: the caller is heard")
    assert resumed.endswith("goes on from the same sample: a backchannel")


def test_text_that_comes_while_it_is_heard_is_printed_as_it_comes(capsys: pytest.CaptureFixture[str]) -> None:
    out = printed(
        capsys,
        ev.TextGiven(0.0, 1, "One."),
        ev.PlayoutStarted(0.1, 1),
        ev.TextGiven(0.2, 2, "Another's."),
        ev.TextGiven(0.3, 1, " Two."),
    )
    assert [line.split()[-1] for line in out.splitlines()] == ["One.", "Two."]


@pytest.mark.parametrize(
    ("source", "who"), [(Source.REPLY, "the agent's reply"), (Source.SAY, "what was to be said")]
)
def test_what_fails_is_told(capsys: pytest.CaptureFixture[str], source: Source, who: str) -> None:
    ended = ev.UtteranceEnded(1.0, 1, source, Outcome.FAILED, reason="no answer")
    assert f"{who} failed: no answer" in printed(capsys, ended)


def test_a_provider_that_fails_is_told(capsys: pytest.CaptureFixture[str]) -> None:
    assert "stt failed: line cut" in printed(capsys, ev.ProviderFailed(1.0, "stt", "line cut"))


def test_a_provider_that_takes_over_is_told(capsys: pytest.CaptureFixture[str]) -> None:
    switched = ev.ProviderSwitched(1.0, "stt", "deepgram", "pocketsphinx", "line cut")
    assert "stt: pocketsphinx takes over" in printed(capsys, switched)


def test_words_that_do_not_fit_go_on_under_the_first(
    capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("COLUMNS", "60")
    out = printed(capsys, ev.TurnClosed(1.0, 1, "one two three four five six seven", (1,), 0.9))
    first, second = out.splitlines()
    assert first.endswith("one two three four five six")
    assert second == " " * INDENT + "seven"


# -- the terminal --


class Terminal(io.TextIOWrapper):
    """Standard output that can overwrite a line, in an encoding."""

    def __init__(self, encoding: str) -> None:
        self.bytes = io.BytesIO()
        super().__init__(self.bytes, encoding=encoding, newline="\n")

    def isatty(self) -> bool:
        return True

    @property
    def lines(self) -> list[str]:
        """What was written between the times at which the line was cleared, without colours."""
        self.flush()
        text = self.bytes.getvalue().decode(self.encoding)
        return [click.unstyle(part) for part in text.split("\r\x1b[K")]


def on_terminal(monkeypatch: pytest.MonkeyPatch, encoding: str, *events: ev.Event) -> list[str]:
    terminal = Terminal(encoding)
    monkeypatch.setattr(sys, "stdout", terminal)
    view = LiveView()
    for event in events:
        view.see(event)
    monkeypatch.undo()
    return terminal.lines


def test_a_terminal_shows_the_words_as_they_are_recognised(monkeypatch: pytest.MonkeyPatch) -> None:
    lines = on_terminal(
        monkeypatch,
        "utf-8",
        ev.SpeechStarted(1.0, 0.9, 0),
        heard(1.5, "what", final=False),
        heard(2.0, "what time"),
        heard(2.5, "is it", final=False),
        ev.SpeechStopped(3.0, 2.8),
        ev.TurnClosed(3.0, 1, "what time is it", (1, 2), 2.8),
    )
    shown = [line.split() for line in lines[1:]]
    assert shown == [
        ["0.00", "initial", "caller", "..."],
        ["0.50", "initial", "caller", "what", "..."],
        ["1.00", "initial", "caller", "what", "time", "..."],
        ["1.50", "initial", "caller", "what", "time", "is", "it", "..."],
        ["2.00", "initial", "caller", "what", "time", "is", "it", "..."],
        ["2.00", "initial", "caller", "what", "time", "is", "it"],
        ["2.00", "initial"],
    ]


def test_nothing_is_left_on_the_line_of_a_session_that_has_ended(monkeypatch: pytest.MonkeyPatch) -> None:
    lines = on_terminal(
        monkeypatch,
        "utf-8",
        ev.SessionStarted(0.0),
        ev.StateChanged(1.0, SessionState.LISTENING, SessionState.ENDED),
    )
    assert lines[-1] == ""


@pytest.mark.parametrize(
    ("encoding", "pause", "good", "bad"), [("utf-8", "‖", "✓", "✗"), ("latin-1", "||", "ok", "WRONG")]
)
def test_signs_that_a_terminal_cannot_write_are_words(
    monkeypatch: pytest.MonkeyPatch, encoding: str, pause: str, good: str, bad: str
) -> None:
    lines = on_terminal(monkeypatch, encoding, ev.PlayoutStarted(0.0, 1), ev.UtterancePaused(0.5, 1))
    assert any(f"{pause} silent" in line for line in lines)
    monkeypatch.setattr(sys, "stdout", Terminal(encoding))
    marks = [click.unstyle(mark(ok)) for ok in (True, False)]
    monkeypatch.undo()
    assert marks == [good, bad]
