"""A conversation in the terminal, as it happens."""

from __future__ import annotations

import sys

import click

from beluga_voice import events as ev
from beluga_voice.events import Outcome, Source

MARGIN = 8


class LiveView:
    """Prints who speaks, the words as they come, and the state: give `see` to `VoiceSession.on_event`.

    Interim words are shown where the terminal can overwrite a line.
    """

    def __init__(self) -> None:
        self._start: float | None = None
        self._overwrites = sys.stdout.isatty()
        self._interim = False

    def see(self, event: ev.Event) -> None:
        """Take an event."""
        if self._start is None:
            self._start = event.at
        match event:
            case ev.StateChanged():
                self._line(event.at, "", f"[{event.new}]", dim=True)
            case ev.TranscriptReceived(final=False) if self._overwrites:
                self._show_interim(event.at, event.text)
            case ev.TurnClosed():
                self._line(event.at, "caller", event.text)
            case ev.BackchannelHeard():
                self._line(event.at, "caller", f"({event.text})")
            case ev.TranscriptDropped():
                self._line(event.at, "caller", f"({event.text}: {event.reason})", dim=True)
            case ev.UtterancePaused():
                self._line(event.at, "", "agent pauses", dim=True)
            case ev.UtteranceResumed():
                self._line(event.at, "", f"agent goes on: {event.reason}", dim=True)
            case ev.UtteranceEnded():
                self._ended(event)
            case ev.ProviderFailed():
                self._line(event.at, "", f"{event.kind} failed: {event.error}")

    def _ended(self, event: ev.UtteranceEnded) -> None:
        text = event.heard
        if event.outcome is Outcome.CUT and (event.heard or event.unheard):
            text = f"{event.heard} -- {event.reason}"
        elif event.outcome is Outcome.FAILED:
            text = f"{event.heard} -- failed: {event.reason}"
        if text:
            self._line(event.at, "agent" if event.source is Source.REPLY else "says", text)

    def _show_interim(self, at: float, text: str) -> None:
        click.echo("\r\x1b[K" + click.style(self._text(at, "caller", f"{text} ..."), dim=True), nl=False)
        self._interim = True

    def _line(self, at: float, who: str, text: str, *, dim: bool = False) -> None:
        if self._interim:
            click.echo("\r\x1b[K", nl=False)
            self._interim = False
        click.echo(click.style(self._text(at, who, text), dim=dim))

    def _text(self, at: float, who: str, text: str) -> str:
        return f"{at - (self._start or 0.0):7.2f}  {who:>{MARGIN - 1}}  {text}"
