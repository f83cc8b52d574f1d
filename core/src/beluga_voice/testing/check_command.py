"""``beluga-voice check``: which promises the installed providers keep."""

from __future__ import annotations

import asyncio
import json
from collections.abc import Coroutine
from dataclasses import asdict
from pathlib import Path
from typing import TypeVar

import click

from beluga_voice.audio import AudioFrame
from beluga_voice.audio.wav import read_wav
from beluga_voice.cli.app import App, takes_settings
from beluga_voice.clock import run_virtual
from beluga_voice.container.graph import create
from beluga_voice.contracts import TTS
from beluga_voice.errors import BelugaVoiceError, ConfigurationError
from beluga_voice.testing.conformance.report import Level, summary
from beluga_voice.testing.conformance.survey import (
    Checked,
    Make,
    Material,
    check_plugin,
    check_provider_of,
    speech_of,
    titles,
)

WORDS = "eight of spades"
"""Said to recognizers and detectors when no recording is named; any words may be heard of it."""

T = TypeVar("T")


@click.command()
@click.argument("plugins", nargs=-1, metavar="[PLUGIN...]")
@click.option(
    "--level",
    type=click.Choice([level.value for level in Level]),
    default=Level.SILVER.value,
    show_default=True,
    help="Up to which promises are held: bronze, the contract; silver, faults too; gold, latency and soak too.",
)
@click.option("--json", "as_json", is_flag=True, help="Print one object for each provider.")
@click.option("--promises", is_flag=True, help="Print a table of each provider's promises.")
@click.option(
    "--speech",
    type=click.Path(path_type=Path, exists=True, dir_okay=False),
    help="A WAV file of clear speech.",
)
@click.option("--words", help="What is said in it; any words if left out.")
@click.option("--real-time", is_flag=True, help="For providers that reach out: time is the machine's.")
@takes_settings
@click.pass_context
def check(
    context: click.Context,
    plugins: tuple[str, ...],
    level: str,
    as_json: bool,
    promises: bool,
    speech: Path | None,
    words: str | None,
    real_time: bool,
) -> None:
    """Check that the providers of the installed plugins, or of those named, keep the promises of their contracts.

    Prints a row for each provider, and a sentence for each promise that is broken; exits with 1 if there is one.
    Providers have the settings that are set for them. Without `--speech` it is the chosen TTS that speaks to
    recognizers and detectors.

    \b
    Examples:
      beluga-voice check
      beluga-voice check energy --promises
      beluga-voice check --plugin morse morse --json
    """
    app = context.ensure_object(App)
    survey = _Survey(app, Level(level), real_time=real_time)
    known = [each.origin for each in app.plugins.loaded]
    for name in plugins:
        if not any(origin.answers_to(name) for origin in known):
            there = ", ".join(origin.name for origin in known) or "none"
            raise ConfigurationError(f"no plugin named {name!r} is loaded; there are: {there}")
    found = survey.run(plugins, speech, words)
    if as_json:
        click.echo(json.dumps([_as_object(each) for each in found], indent=2))
    else:
        _print(found, promises=promises)
    context.exit(1 if any(each.report.broken for each in found) else 0)


class _Survey:
    """Checks one provider after the other."""

    def __init__(self, app: App, level: Level, *, real_time: bool) -> None:
        self._app = app
        self._level = level
        self._real_time = real_time or level is Level.GOLD

    def run(self, chosen: tuple[str, ...], speech: Path | None, words: str | None) -> list[Checked]:
        material: Material | None = None
        found = []
        for plugin, kind, name, module in titles(self._app.plugins, chosen):
            if not kind:
                if module:
                    found.append(check_plugin(plugin, module))
                continue
            if material is None:
                material = self._material(speech, words)
            found.append(self._check(plugin, kind, name, material))
        return found

    def _check(self, plugin: str, kind: str, name: str, material: Material) -> Checked:
        make = self._maker(kind, name)
        plugins = self._app.plugins
        return self._run(check_provider_of(plugins, plugin, kind, name, make, material, self._level))

    def _maker(self, kind: str, name: str) -> Make:
        """Return what makes a provider with the settings that choose it, else with its own defaults."""
        plugins = self._app.plugins
        for selection in self._app.settings.selections():
            for each in selection.members:
                if (each.kind, each.provider) == (kind, name):
                    return lambda: create(each, plugins)
        return lambda: plugins.create(kind, name)

    def _material(self, speech: Path | None, words: str | None) -> Material:
        if speech is not None:
            wav = read_wav(speech)
            return Material(speech=AudioFrame(wav.samples, wav.sample_rate), words=words)
        try:
            voice = create(self._app.settings.tts, self._app.plugins)
            spoken = self._run(speech_of(voice, WORDS)) if isinstance(voice, TTS) else None
        except BelugaVoiceError:
            spoken = None  # what needs speech says so
        return Material(speech=spoken)

    def _run(self, main: Coroutine[object, object, T]) -> T:
        return asyncio.run(main) if self._real_time else run_virtual(main)


def _print(found: list[Checked], *, promises: bool) -> None:
    checked = [each for each in found if not each.left_out]
    if promises:
        for each in checked:
            click.echo(f"{each.title}: {each.report.badge()}\n\n{each.report.table()}\n")
    else:
        click.echo(summary([(each.title, each.report) for each in checked]))
    for each in checked:
        for measure in each.report.measures:
            click.echo(f"measured: {each.title}: {measure}")
    for each in found:
        if each.left_out:
            click.echo(f"not checked: {each.title}: {each.left_out}")
        for finding in each.report.broken:
            click.echo(f"broken: {each.title}: {finding}")


def _as_object(each: Checked) -> dict[str, object]:
    level = each.report.level
    return {
        "plugin": each.plugin,
        "kind": each.kind,
        "provider": each.name,
        "level": None if level is None else str(level),
        "left_out": each.left_out,
        "promises": [asdict(finding) for finding in each.report.findings],
        "measures": [asdict(measure) for measure in each.report.measures],
    }
