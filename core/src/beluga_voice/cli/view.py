"""A conversation in the terminal, as it happens."""

from __future__ import annotations

import shutil
import sys
import textwrap

import click

from beluga_voice import events as ev
from beluga_voice.cli.printable import on_one_line
from beluga_voice.events import Outcome, SessionState, Source

INDENT = 31
"""Columns before the words: the time, the state and who speaks."""

WIDEST = 110
"""Columns that are used of a wide terminal."""

COLOURS = {"caller": "cyan", "agent": "green"}


def mark(ok: bool) -> str:
    """Give a check mark or a cross, in colour, or words where the terminal cannot write them."""
    signs = ("✓", "✗") if can_write("✓✗") else ("ok", "WRONG")
    return click.style(signs[0], fg="green") if ok else click.style(signs[1], fg="red", bold=True)


def can_write(text: str) -> bool:
    """Whether standard output can encode `text`."""
    try:
        text.encode(sys.stdout.encoding or "ascii")
    except UnicodeEncodeError:
        return False
    return True


def wrap(text: str, indent: int) -> list[str]:
    """Break text into lines that fit the terminal behind `indent` columns; at least one."""
    width = min(shutil.get_terminal_size().columns, WIDEST) - indent - 1
    return textwrap.wrap(text, max(width, 20)) or [""]


class LiveView:
    """Prints who speaks, the words, the state and what is decided: give `see` to `VoiceSession.on_event`.

    Where the terminal can overwrite a line, the last one shows the state of this moment, and the caller's words as
    they are recognised.
    """

    def __init__(self) -> None:
        self._start: float | None = None
        self._overwrites = sys.stdout.isatty()
        self._state = SessionState.INITIAL
        self._printed: SessionState | None = None
        self._given: dict[int, list[str]] = {}
        self._on_air: int | None = None
        self._begins: ev.PlayoutStarted | None = None
        self._finals = ""
        self._interim = ""
        self._speaks = False
        self._pause, self._play, self._cut = ("‖", "▸", "■") if can_write("‖▸■") else ("||", ">", "x")

    def see(self, event: ev.Event) -> None:
        """Take an event."""
        event = on_one_line(event)
        if self._start is None:
            self._start = event.at
        if isinstance(event, ev.StateChanged):
            self._state = event.new
        self._begin()
        match event:
            case ev.SpeechStarted() | ev.SpeechStopped():
                self._speaks = isinstance(event, ev.SpeechStarted)
            case ev.TranscriptReceived():
                self._hear(event)
            case ev.TurnClosed() | ev.BackchannelHeard() | ev.TranscriptDropped() | ev.TurnDropped():
                self._decide(event)
            case ev.ProviderFailed():
                self._line(event.at, "", click.style(f"{event.kind} failed: {event.error}", fg="red"))
            case ev.ProviderSwitched():
                self._line(event.at, "", click.style(f"{event.kind}: {event.new} takes over", fg="yellow"))
            case _:
                self._see_agent(event)
        self._show(event.at)

    # -- the caller --

    def _hear(self, event: ev.TranscriptReceived) -> None:
        if event.final:
            self._finals, self._interim = f"{self._finals} {event.text}".strip(), ""
        else:
            self._interim = event.text

    def _decide(
        self, event: ev.TurnClosed | ev.BackchannelHeard | ev.TranscriptDropped | ev.TurnDropped
    ) -> None:
        self._finals = self._interim = ""
        match event:
            case ev.TurnClosed():
                self._line(event.at, "caller", event.text, bold=True)
            case ev.BackchannelHeard():
                self._line(event.at, "caller", f"({event.text})")
            case ev.TranscriptDropped():
                self._line(event.at, "caller", f"({event.text}: not used, {event.reason})", dim=True)
            case ev.TurnDropped(reason="no words"):
                self._line(event.at, "caller", "(a sound without words)", dim=True)

    # -- the agent --

    def _see_agent(self, event: ev.Event) -> None:
        match event:
            case ev.TextGiven():
                self._give(event)
            case ev.PlayoutStarted():
                self._begins = event
            case ev.UtterancePaused() if event.utterance == self._on_air:
                self._note(event.at, f"{self._pause} silent: the caller is heard")
            case ev.UtteranceResumed() if event.utterance == self._on_air:
                self._note(event.at, f"{self._play} goes on from the same sample: {event.reason}")
            case ev.UtteranceEnded():
                self._end(event)

    def _begin(self) -> None:
        """Print what is now being said; one event later, when the state is known."""
        begins, self._begins = self._begins, None
        if begins is not None:
            self._on_air = begins.utterance
            self._line(begins.at, "agent", "".join(self._given.get(begins.utterance, ())))

    def _give(self, event: ev.TextGiven) -> None:
        self._given.setdefault(event.utterance, []).append(event.text)
        if event.utterance == self._on_air:
            self._line(event.at, "", event.text)

    def _end(self, event: ev.UtteranceEnded) -> None:
        self._given.pop(event.utterance, None)
        was_on_air = self._on_air == event.utterance
        if was_on_air:
            self._on_air = None
        if event.outcome is Outcome.FAILED:
            who = "the agent's reply" if event.source is Source.REPLY else "what was to be said"
            self._line(event.at, "", click.style(f"{who} failed: {event.reason}", fg="red"))
        elif event.outcome is Outcome.CUT and (event.heard or was_on_air):
            where = f'at "{_last(event.heard)}"' if event.heard else "before a word was heard"
            self._note(event.at, f"{self._cut} cut {where}; {event.reason}")

    # -- the terminal --

    def _note(self, at: float, text: str) -> None:
        self._line(at, "", text, dim=True)

    def _line(self, at: float, who: str, text: str, *, dim: bool = False, bold: bool = False) -> None:
        self._clear()
        state = self._state if self._state is not self._printed else ""
        self._printed = self._state
        name = click.style(f"{who:>6}", fg=COLOURS.get(who), dim=dim)
        time = click.style(f"{at - (self._start or 0.0):7.2f}  {state:<10}", dim=True)
        first, *rest = wrap(text.strip(), INDENT)
        click.echo(f"{time}  {name}    {click.style(first, dim=dim, bold=bold)}")
        for line in rest:
            click.echo(" " * INDENT + click.style(line, dim=dim, bold=bold))

    def _show(self, at: float) -> None:
        """Write the last line: the state of this moment, and the caller's words until now."""
        if not self._overwrites:
            return
        self._clear()
        if self._state is SessionState.ENDED:
            return
        words = f"{self._finals} {self._interim}".strip()
        who = "caller" if words or self._speaks else ""
        tail = f"{words} ..." if who else ""
        line = f"{at - (self._start or 0.0):7.2f}  {self._state:<10}  {who:>6}    {tail}"
        width = min(shutil.get_terminal_size().columns, WIDEST) - 1
        click.echo(click.style(line[:width], dim=True), nl=False)

    def _clear(self) -> None:
        if self._overwrites:
            click.echo("\r\x1b[K", nl=False)


def _last(text: str, words: int = 4) -> str:
    return " ".join(text.split()[-words:])
