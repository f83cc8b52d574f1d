"""``beluga-voice journal``: what a session decided, replayed, explained, and tried otherwise."""

from __future__ import annotations

import json
from pathlib import Path
from typing import get_type_hints

import click

from beluga_voice.errors import ConfigurationError
from beluga_voice.journal.explain import Sentence, explain, situation
from beluga_voice.journal.reader import Journal, read_journal
from beluga_voice.journal.regression import write_test
from beluga_voice.journal.replay import other_version, replay
from beluga_voice.journal.whatif import what_if
from beluga_voice.turns import TurnPolicy

NEAR = 1.0
"""Seconds around ``--at`` of which decisions are told."""

SHOWN = 20
"""Differences that are printed; the rest is counted."""

FILE = click.argument("file", type=click.Path(path_type=Path, dir_okay=False))
AS_JSON = click.option("--json", "as_json", is_flag=True, help="Print one object.")


@click.group()
def journal() -> None:
    """Replay, explain and vary what a session decided. A session writes its journal to session.journal.

    \b
    Examples:
      beluga-voice run question.wav --set session.journal=call.jsonl
      beluga-voice journal explain call.jsonl
    """


@journal.command("replay", short_help="Decide again, and compare.")
@FILE
@AS_JSON
def replay_command(file: Path, as_json: bool) -> None:
    """Decide by the events of FILE again, and compare the commands byte for byte.

    Ends with status 1 where they differ.

    \b
    Examples:
      beluga-voice journal replay call.jsonl
    """
    read = read_journal(file)
    differences = replay(read)
    remarks = _remarks(read, *([other_version(read)] if differences else []))
    commands = sum(len(decision.commands) for decision in read.decisions)
    if as_json:
        told = [
            {"line": d.line, "at": d.at, "recorded": d.recorded, "recomputed": d.recomputed}
            for d in differences
        ]
        _print_json(
            {
                "same": not differences,
                "events": len(read.decisions),
                "commands": commands,
                "differences": told,
                "remarks": remarks,
            }
        )
    else:
        for difference in differences[:SHOWN]:
            click.echo(str(difference))
        if len(differences) > SHOWN:
            click.echo(f"and {len(differences) - SHOWN} more")
        how = f"{len(differences)} differ" if differences else "all are the same, byte for byte"
        click.echo(f"{len(read.decisions)} events, {commands} commands: {how}")
        _print_remarks(remarks)
    if differences:
        click.get_current_context().exit(1)


@journal.command("explain", short_help="Tell what was decided, and why.")
@FILE
@click.option("--at", type=float, help="Tell only what was decided around this second of the session.")
@click.option("--all", "details", is_flag=True, help="Tell timers too, and how decisions were carried out.")
@AS_JSON
def explain_command(file: Path, at: float | None, details: bool, as_json: bool) -> None:
    """Tell what was decided and why: the rule, and the values it was decided by.

    Seconds count from the session's start, as in its recording.

    \b
    Examples:
      beluga-voice journal explain call.jsonl
      beluga-voice journal explain call.jsonl --at 12.3
    """
    read = read_journal(file)
    told = [each for each in explain(read) if details or not each.detail]
    stood = None
    if at is not None:
        stood, told = situation(read, at), _near(told, at)
    if as_json:
        table = {"sentences": [each.as_json() for each in told], "remarks": _remarks(read)}
        _print_json(table if stood is None else {"situation": stood, **table})
        return
    if stood is not None:
        click.echo(stood)
    for each in told:
        click.echo(str(each))
    _print_remarks(_remarks(read))


def _near(told: list[Sentence], at: float) -> list[Sentence]:
    """What was decided around `at`; else what was decided last before."""
    near = [each for each in told if abs(each.at - at) <= NEAR]
    before = [each for each in told if each.at < at]
    return near or [each for each in before if each.line == before[-1].line]


@journal.command("what-if", short_help="Tell what other settings would have decided.")
@FILE
@click.option(
    "--set",
    "settings",
    multiple=True,
    required=True,
    metavar="turns.NAME=VALUE",
    help="A setting of turn-taking to try; may be repeated.",
)
@AS_JSON
def what_if_command(file: Path, settings: tuple[str, ...], as_json: bool) -> None:
    """Tell what would have been decided under other settings, had the caller done the same.

    \b
    Examples:
      beluga-voice journal what-if call.jsonl --set turns.endpoint_min=0.6
    """
    result = what_if(read_journal(file), **dict(map(_setting, settings)))
    if as_json:
        changes = [each.as_json() for each in result.changes]
        _print_json({"changes": changes, "notes": list(result.notes)})
        return
    for each in result.changes:
        click.echo(str(each))
    if not result.changes:
        click.echo("nothing would have been decided otherwise")
    _print_remarks(result.notes)


def _setting(text: str) -> tuple[str, object]:
    key, equals, value = text.partition("=")
    name = key.removeprefix("turns.")
    if not equals or name == key:
        raise ConfigurationError(f"--set {text} is no setting to try; write turns.NAME=VALUE")
    hint = get_type_hints(TurnPolicy).get(name)
    try:
        return name, int(value) if hint is int else float(value) if hint is float else value
    except ValueError:
        kind = "a whole number" if hint is int else "a number"
        raise ConfigurationError(f"turns.{name} is {value!r}; it must be {kind}") from None


@journal.command("test", short_help="Write a pytest module that replays it.")
@FILE
@click.option(
    "-o",
    "--output",
    type=click.Path(path_type=Path, dir_okay=False),
    help="Where to; by default test_FILE.py beside FILE.",
)
def test_command(file: Path, output: Path | None) -> None:
    """Write a pytest module that replays FILE, and a copy of FILE beside it.

    \b
    Examples:
      beluga-voice journal test call.jsonl -o tests/test_call.py
    """
    read_journal(file)
    chosen = output or file.with_name(f"test_{file.stem}.py")
    beside = write_test(file, chosen)
    click.echo(f"{chosen} replays {beside}; run it with: pytest {chosen}")


def _remarks(read: Journal, *more: str) -> list[str]:
    masked = () if read.header.content else ("words are masked: the journal was written without content",)
    return [each for each in (*read.remarks, *masked, *more) if each]


def _print_remarks(remarks: list[str] | tuple[str, ...]) -> None:
    for remark in remarks:
        click.echo(f"note: {remark}")


def _print_json(table: dict[str, object]) -> None:
    click.echo(json.dumps(table, indent=2))
