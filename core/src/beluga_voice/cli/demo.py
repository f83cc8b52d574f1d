"""``beluga-voice demo``: a synthesised caller and an agent talk, through every real part."""

from __future__ import annotations

import json
import tempfile
from contextlib import nullcontext
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, cast

import click

from beluga_voice.cli.app import App, takes_settings
from beluga_voice.cli.running import run_command
from beluga_voice.cli.summary import print_summary
from beluga_voice.cli.turnlog import TurnLog, TurnRecord
from beluga_voice.cli.view import LiveView, mark

if TYPE_CHECKING:
    from beluga_voice.contracts import TTS
    from beluga_voice.demo.checker import Verdict
    from beluga_voice.demo.script import Line
    from beluga_voice.settings import Settings

CALLER = {"espeak": {"voice": "en-us", "rate": 150}}
"""How the caller speaks, by the TTS that is chosen: not as the agent does."""

AGENT = ("tts.voice=en-us+f3",)
"""How the agent speaks, where the settings leave the voice to us."""

VERDICT = "verdict.json"


@click.command()
@click.option("--seed", default=0, show_default=True, help="Draws what the caller says, and when.")
@click.option(
    "--seeds",
    type=click.IntRange(min=1),
    default=1,
    show_default=True,
    metavar="N",
    help="Hold N calls, one for each seed from --seed on, and tell how each went.",
)
@click.option("--fast", is_flag=True, help="As fast as the engines go; time is the audio's position.")
@click.option(
    "--keep",
    metavar="FOLDER",
    type=click.Path(path_type=Path, file_okay=False),
    help="Keep recording, journal, synthesised audio and verdict here; of several calls, one folder each.",
)
@click.option("--json", "as_json", is_flag=True, help="Print one object with the turns and the verdict.")
@takes_settings
@click.pass_obj
def demo(app: App, seed: int, seeds: int, fast: bool, keep: Path | None, as_json: bool) -> None:
    """Let a caller and the agent of a bakery talk, in real time, offline and without a key.

    The caller asks one thing and two at once, pauses in mid-sentence, hums and coughs over a long answer, cuts
    another one, and says goodbye. Both voices are synthesised; what is between them is real: voice activity
    detection, speech recognition, turn-taking, the agent and its tools, speech. Only the language model is made of
    rules. A checker then reads the recording, the journal and the audio that was synthesised, and decides. Ends
    with status 1 when something went wrong.

    \b
    Examples:
      beluga-voice demo
      beluga-voice demo --seed 7 --keep call
      beluga-voice demo --seeds 20 --fast
    """
    calls = []
    for number in range(seed, seed + seeds):
        folder = keep / f"seed-{number}" if keep and seeds > 1 else keep
        call = _hold(app, number, folder, fast=fast, live=seeds == 1 and not as_json)
        calls.append(call)
        if seeds > 1 and not as_json:
            _tell(call)
    ok = all(call.verdict.ok for call in calls)
    if as_json:
        table = calls[0].as_json() if seeds == 1 else {"ok": ok, "calls": [call.as_json() for call in calls]}
        click.echo(json.dumps(table, indent=2))
    elif seeds > 1:
        good = sum(call.verdict.ok for call in calls)
        click.echo(f"\n{good} of {seeds} calls went as they must")
    if not ok:
        click.get_current_context().exit(1)


@dataclass(frozen=True, slots=True)
class Call:
    """A call that was held."""

    seed: int
    turns: list[TurnRecord]
    failures: list[str]
    verdict: Verdict
    folder: Path | None

    def as_json(self) -> dict[str, object]:
        """The call as one object."""
        return {
            "seed": self.seed,
            "ok": self.verdict.ok,
            "turns": [turn.as_json() for turn in self.turns],
            "failures": self.failures,
            "verdict": self.verdict.as_json(),
            "kept": None if self.folder is None else str(self.folder),
        }


def _hold(app: App, seed: int, keep: Path | None, *, fast: bool, live: bool) -> Call:
    from beluga_voice.demo.script import draw_call

    lines = draw_call(seed)
    if keep is not None:
        keep.mkdir(parents=True, exist_ok=True)
    log = TurnLog()
    with nullcontext(keep) if keep else tempfile.TemporaryDirectory(prefix="beluga-voice-") as name:
        folder = Path(name)
        if live:
            _introduce(seed, fast=fast)
        verdict = run_command(_talk(app, lines, folder, log, live=live), fast=fast)
        if keep is not None:
            text = json.dumps({"seed": seed, **verdict.as_json()}, indent=2)
            (keep / VERDICT).write_text(f"{text}\n", encoding="utf-8")
    turns = _paired(lines, log.turns)
    if fast:
        for turn in turns:
            turn.latency = None  # time stood still while the engines worked
    if live:
        print_summary(turns, log.failures, verdict, keep)
    return Call(seed, turns, log.failures, verdict, keep)


async def _talk(app: App, lines: tuple[Line, ...], folder: Path, log: TurnLog, *, live: bool) -> Verdict:
    from beluga_voice.container import VoiceContainer
    from beluga_voice.demo.call import hold_call

    settings = _settings(app, folder)
    observers = [log.see, LiveView().see] if live else [log.see]
    async with _callers_voice(app, settings) as tts:
        return await hold_call(VoiceContainer(settings, app.plugins), tts, lines, folder, observers)


def _settings(app: App, folder: Path) -> Settings:
    """The user's settings, and ours where they leave it to us.

    Ours are a grammar of what the caller says, a turn detector that hears that a sentence is not over, and another
    voice than the caller's.
    """
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
    if chosen.turn_detector.chosen_by is None:
        ours.append("turn_detector=heuristic")
    return Settings(config=app.config, overrides=[*ours, *app.overrides])


def _callers_voice(app: App, settings: Settings) -> TTS:
    provider = settings.tts.provider or "none"
    registered = app.plugins.of("tts")
    model = registered.settings_model(provider)
    own = None if model is None else model.model_validate(CALLER.get(provider, {}))
    return cast("TTS", registered.create(provider, own))


def _paired(lines: tuple[Line, ...], turns: list[TurnRecord]) -> list[TurnRecord]:
    """Each turn of the caller's with what was made of it; what was not heard has an empty one."""
    said = [line.text for line in lines if line.means == "turn"]
    records = list(turns[: len(said)])
    records += [TurnRecord(0, "") for _ in range(len(said) - len(records))]
    for record, text in zip(records, said, strict=True):
        record.said = text
    return records + turns[len(said) :]


def _introduce(seed: int, *, fast: bool) -> None:
    pace = "as fast as the engines go" if fast else "in real time"
    click.echo(click.style("Corner Bakery", bold=True) + click.style(f", call {seed}, {pace}", dim=True))
    click.echo(click.style("Both voices are synthesised. What is between them is real.", dim=True) + "\n")


def _tell(call: Call) -> None:
    cut = next((turn for turn in call.turns if turn.outcome == "cut"), None)
    asked = f"cut: {cut.said}" if cut is not None else "nothing was cut"
    click.echo(f"{mark(call.verdict.ok)} seed {call.seed:<4} {len(call.turns)} turns, {asked}")
    for finding in call.verdict.findings:
        if not finding.ok:
            click.echo(f"    {finding.text}")
