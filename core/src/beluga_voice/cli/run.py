"""``beluga-voice run``: recordings call the agent."""

from __future__ import annotations

import json
from collections import Counter
from pathlib import Path
from typing import TYPE_CHECKING, cast

import click

from beluga_voice.agents import AgentLike
from beluga_voice.audio.wav import read_wav
from beluga_voice.cli.agent_option import choose_agent
from beluga_voice.cli.app import App, takes_settings
from beluga_voice.cli.running import run_command
from beluga_voice.cli.turnlog import TurnLog
from beluga_voice.cli.view import LiveView
from beluga_voice.errors import ConfigurationError
from beluga_voice.events import EndReason
from beluga_voice.session.showing import shown

if TYPE_CHECKING:
    from beluga_voice.container import VoiceContainer
    from beluga_voice.contracts import Transport
    from beluga_voice.session import SessionConfig


@click.command()
@click.argument("files", nargs=-1, required=True, type=click.Path(path_type=Path, dir_okay=False))
@click.option("--agent", metavar="MODULE:NAME", help="The agent; else the program's own, or an echo.")
@click.option(
    "--record",
    type=click.Path(path_type=Path),
    help="Write the call to this WAV file, caller left, agent right; for several files, into this folder.",
)
@click.option("--profile", help="Use the settings of this profile, [sessions.NAME].")
@click.option("--fast", is_flag=True, help="As fast as the engines go; time is the audio's position.")
@click.option("--json", "as_json", is_flag=True, help="Print one object: per file its turns.")
@takes_settings
@click.pass_obj
def run(
    app: App,
    files: tuple[Path, ...],
    agent: str | None,
    record: Path | None,
    profile: str | None,
    fast: bool,
    as_json: bool,
) -> None:
    """Let each of FILES, a WAV file with a caller's voice, call the agent.

    Ends with status 1 when a call was ended by an error.

    \b
    Examples:
      beluga-voice run question.wav
      beluga-voice run question.wav --agent shop:agent --record call.wav
      beluga-voice run cards.wav --set stt.grammar=cards.gram --json
    """
    targets = _targets(files, record)
    chosen = choose_agent(app, agent)
    results = run_command(_run_all(app, chosen, targets, profile, quiet=as_json), fast=fast)
    if as_json:
        click.echo(json.dumps({"files": results}, indent=2))
    if any(result["ended"] == EndReason.ERROR for result in results):
        click.get_current_context().exit(1)


def _targets(files: tuple[Path, ...], record: Path | None) -> list[tuple[Path, Path | None]]:
    """Each file with where its call is recorded."""
    for file in files:
        if not file.is_file():
            raise ConfigurationError(f"no file {str(file)!r}; give the path of a WAV file")
        read_wav(file)  # what is no audio is told before the first call, not after an hour of them
    if record is None:
        return [(file, None) for file in files]
    if len(files) == 1 and not record.is_dir():
        return [(files[0], record)]
    name, count = Counter(f"{file.stem}.wav" for file in files).most_common(1)[0]
    if count > 1:
        raise ConfigurationError(
            f"{count} of the files would be recorded to {str(record / name)!r}; call them in runs of their own"
        )
    try:
        record.mkdir(parents=True, exist_ok=True)
    except OSError as error:
        raise ConfigurationError(
            f"--record {str(record)!r} is no folder and cannot be made one: {error.strerror}; for {len(files)} "
            "files name a folder"
        ) from error
    return [(file, record / f"{file.stem}.wav") for file in files]


async def _run_all(
    app: App,
    agent: AgentLike,
    targets: list[tuple[Path, Path | None]],
    profile: str | None,
    *,
    quiet: bool,
) -> list[dict[str, object]]:
    from beluga_voice.container import VoiceContainer

    voice = VoiceContainer(app.settings_for(agent), app.plugins)
    _check_kept(app.settings.profile(profile).session, len(targets))
    async with voice.lifespan():
        return [await _run_one(voice, agent, file, target, profile, quiet=quiet) for file, target in targets]


def _check_kept(config: SessionConfig, calls: int) -> None:
    """See that no call is written over the one before."""
    for name, path in (("record", config.record), ("journal", config.journal)):
        if calls > 1 and path and "{session_id}" not in path:
            raise ConfigurationError(
                f"session.{name} is {path!r} for {calls} calls, of which each would be written over the one "
                "before; put {session_id} in it"
            )


async def _run_one(
    voice: VoiceContainer,
    agent: AgentLike,
    file: Path,
    record: Path | None,
    profile: str | None,
    *,
    quiet: bool,
) -> dict[str, object]:
    log = TurnLog()
    session = await voice.get_sessions().open(
        agent, profile=profile, transport=open_file(voice, file, record)
    )
    views = [log.see]
    if not quiet:
        click.echo(f"{file}")
        views.append(LiveView().see)
    async with shown(session, *views):
        reason = await session.wait_ended()
    if not quiet:
        _print_latencies(log)
    return {
        "file": str(file),
        "turns": [turn.as_json() for turn in log.turns],
        "failures": log.failures,
        "ended": str(reason),
        "recording": None if record is None else str(record),
    }


def open_file(voice: VoiceContainer, file: Path, record: Path | None) -> Transport:
    """Make the line on which `file` calls."""
    transports = voice.plugins.of("transport")
    model = transports.settings_model("file")
    if model is None:
        raise ConfigurationError(
            "the transport 'file' takes no settings; it should be that of beluga-voice-file"
        )
    return cast("Transport", transports.create("file", model(path=file, record=record)))


def _print_latencies(log: TurnLog) -> None:
    if not log.turns:
        click.echo("         (no turn was heard)")
    for turn in log.turns:
        if turn.latency is not None:
            parts = turn.latency
            segments = " + ".join(f"{name} {parts[name]:.3f}" for name in list(parts)[:-1])
            click.echo(f"         turn {turn.turn}: first audio after {parts['total']:.3f} s = {segments}")
