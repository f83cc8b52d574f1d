"""What each turn of a call said, heard and cost, and how the call is judged."""

from __future__ import annotations

import re
from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING

import click

from beluga_voice.cli.turnlog import TurnRecord
from beluga_voice.cli.view import can_write, mark, wrap

if TYPE_CHECKING:
    from beluga_voice.demo.checker import Verdict

INDENT = 11


def print_summary(
    turns: Sequence[TurnRecord], failures: Sequence[str], verdict: Verdict, folder: Path | None
) -> None:
    """Print the turns, what failed, what the checker found, and where the evidence is kept."""
    _title("What each turn said, heard and cost")
    for number, turn in enumerate(turns, 1):
        _print_turn(number, turn)
    _title("What the recording, the journal and the synthesised audio prove")
    for finding in verdict.findings:
        _print_wrapped(f"  {mark(finding.ok)} ", finding.text, 4)
    for failure in failures:
        _print_wrapped(f"  {mark(False)} ", f"failed: {failure}", 4)
    if folder is not None:
        click.echo(click.style(f"\nKept in {folder}", dim=True))


def _title(text: str) -> None:
    click.echo("\n" + click.style(text, bold=True))


def _print_turn(number: int, turn: TurnRecord) -> None:
    understood = _words(turn.said or "") == _words(turn.transcript)
    click.echo()
    _row(f"{number}", "said", turn.said or "(nothing)")
    _row("", "heard", turn.transcript or "(nothing)", mark(understood))
    if turn.outcome == "cut":
        bar = "│" if can_write("│") else "|"
        _row("", "reply", f"{turn.reply} {bar} {turn.unheard}")
        _row("", "", f"(cut: heard {bar} not heard)")
    else:
        _row("", "reply", turn.reply or "(nothing)")
    if turn.error:
        _row("", "", turn.error)
    if turn.latency is not None:
        parts = turn.latency
        segments = " + ".join(f"{name} {parts[name]:.3f}" for name in list(parts)[:-1])
        _row("", "after", f"{parts['total']:.3f} s = {segments}")


def _row(number: str, name: str, text: str, after: str = "") -> None:
    head = f"{number:>3}  {click.style(f'{name:<5}', dim=True)} "
    _print_wrapped(head, text, INDENT, after)


def _print_wrapped(head: str, text: str, indent: int, after: str = "") -> None:
    first, *rest = wrap(text, indent + 2)
    click.echo(f"{head}{first}" + (f" {after}" if after and not rest else ""))
    for line in rest:
        click.echo(" " * indent + line)


def _words(text: str) -> list[str]:
    return re.findall(r"[a-z']+", text.lower())
