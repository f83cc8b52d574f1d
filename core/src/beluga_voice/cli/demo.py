"""``beluga-voice demo``: a synthesised caller and an agent talk, through every real part."""

from __future__ import annotations

import json
import re
import tempfile
from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING, cast

import click

from beluga_voice.agents import AgentLike
from beluga_voice.cli.app import App, takes_settings
from beluga_voice.cli.running import run_command
from beluga_voice.cli.turnlog import TurnLog, TurnRecord
from beluga_voice.cli.view import LiveView

if TYPE_CHECKING:
    from beluga_voice.contracts import TTS
    from beluga_voice.settings import Settings

CALLER = {"espeak": {"voice": "en-us", "rate": 150}}
"""How the caller speaks, by the TTS that is chosen: not as the agent does."""

GREETING = "Corner Bakery, hello."

AGENT = ("tts.voice=en-us+f3",)
"""How the agent speaks, where the settings leave the voice to us."""


@click.command()
@click.option("--seed", default=0, show_default=True, help="Draws what the caller says.")
@click.option("--json", "as_json", is_flag=True, help="Print one object with the turns.")
@takes_settings
@click.pass_obj
def demo(app: App, seed: int, as_json: bool) -> None:
    """Let a caller and the agent of a bakery talk for four turns, in real time, offline and without a key.

    Both voices are synthesised; what is between them is real: voice activity detection, speech recognition,
    turn-taking, the agent, speech. Ends with status 1 when a turn went wrong.

    \b
    Examples:
      beluga-voice demo
      beluga-voice demo --seed 7 --json
    """
    with tempfile.TemporaryDirectory(prefix="beluga-voice-") as folder:
        turns, failures = run_command(_call(app, seed, Path(folder), quiet=as_json))
    wrong = [turn for turn in turns if not went_well(turn)]
    if as_json:
        ok = not wrong and not failures
        table = {"seed": seed, "ok": ok, "turns": [turn.as_json() for turn in turns], "failures": failures}
        click.echo(json.dumps(table, indent=2))
    else:
        _summarise(turns, failures)
    if wrong or failures:
        click.get_current_context().exit(1)


def went_well(turn: TurnRecord) -> bool:
    """Whether every word was understood, and the answer was heard to its end."""
    return (
        _words(turn.said or "") == _words(turn.transcript) and turn.outcome == "played" and bool(turn.reply)
    )


def _words(text: str) -> list[str]:
    return re.findall(r"[a-z']+", text.lower())


async def _call(app: App, seed: int, folder: Path, *, quiet: bool) -> tuple[list[TurnRecord], list[str]]:
    from beluga_voice.container import VoiceContainer
    from beluga_voice.demo.agent import agent
    from beluga_voice.demo.caller import Caller, synthesise
    from beluga_voice.demo.script import draw_call

    lines = draw_call(seed)
    settings = _settings(app, folder)
    voice = VoiceContainer(settings, app.plugins)
    log = TurnLog()
    if not quiet:
        click.echo("a caller and an agent, both synthesised; the ears, the turns and the answers are real\n")
    async with voice.lifespan(), _callers_voice(app, settings) as tts:
        audio = [await synthesise(tts, line) for line in lines]
        line = Caller(audio, tts.sample_rate)
        config = replace(settings.session, greeting=settings.session.greeting or GREETING)
        session = await voice.get_sessions().open(cast("AgentLike", agent), transport=line, config=config)
        session.on_event(log.see)
        if not quiet:
            session.on_event(LiveView().see)
        async with session:
            await session.wait_ended()
    return _paired(lines, log.turns), log.failures


def _settings(app: App, folder: Path) -> Settings:
    """The user's settings; where they leave it to us, a grammar of what the caller says, and another voice."""
    from beluga_voice.demo.script import grammar
    from beluga_voice.settings import Settings

    file = folder / "call.gram"
    file.write_text(grammar(), encoding="utf-8")
    chosen = app.settings
    ours: list[str] = []
    if chosen.stt.provider == "pocketsphinx" and chosen.stt.chosen_by is None:
        ours.append(f"stt.grammar={file}")
    if chosen.tts.provider == "espeak" and chosen.tts.chosen_by is None:
        ours.extend(AGENT)
    return Settings(config=app.config, overrides=[*ours, *app.overrides])


def _callers_voice(app: App, settings: Settings) -> TTS:
    provider = settings.tts.provider or "none"
    registered = app.plugins.of("tts")
    model = registered.settings_model(provider)
    own = None if model is None else model.model_validate(CALLER.get(provider, {}))
    return cast("TTS", registered.create(provider, own))


def _paired(lines: list[str], turns: list[TurnRecord]) -> list[TurnRecord]:
    """Each sentence of the caller's with the turn it became; what was not heard has an empty one."""
    records = list(turns[: len(lines)])
    records += [TurnRecord(0, "") for _ in range(len(lines) - len(records))]
    for record, line in zip(records, lines, strict=True):
        record.said = line
    return records + turns[len(lines) :]


def _summarise(turns: list[TurnRecord], failures: list[str]) -> None:
    click.echo("\n  said -> heard -> answered, and the silence between in seconds")
    for turn in turns:
        mark = click.style("ok   ", fg="green") if went_well(turn) else click.style("WRONG", fg="red")
        silence = "-" if turn.latency is None else f"{turn.latency.total:.3f}"
        click.echo(f"  {mark} {turn.said}\n     -> {turn.transcript}\n     -> {turn.reply}  [{silence}]")
    for failure in failures:
        click.echo(f"  failed: {failure}")
