"""``beluga-voice talk``."""

from __future__ import annotations

import json

import click

from beluga_voice.cli.app import App, takes_settings


@click.command()
@click.option("--agent", metavar="MODULE:NAME", help="The agent; else the program's own, or an echo.")
@click.option("--devices", is_flag=True, help="List microphones and loudspeakers, and talk to nobody.")
@click.option("--json", "as_json", is_flag=True, help="With --devices: print one object.")
@click.option("--microphone", help="Number, or part of the name.")
@click.option("--loudspeaker", help="Number, or part of the name.")
@takes_settings
@click.pass_obj
def talk(
    app: App, agent: str | None, devices: bool, as_json: bool, microphone: str | None, loudspeaker: str | None
) -> None:
    """Talk to the agent, by this machine's microphone and loudspeaker.

    Wear headphones, or take the agent's voice out of what is heard: --set noise_suppressor=webrtc-audio.

    \b
    Examples:
      beluga-voice talk --agent shop:agent
      beluga-voice talk --devices --json
    """
    from beluga_voice_local_audio.backend import load

    if devices:
        _show_devices([dict(each) for each in load().query_devices()], as_json=as_json)
        return
    if as_json:
        raise click.UsageError("--json goes with --devices")

    from beluga_voice.cli.agent_option import choose_agent
    from beluga_voice.cli.running import run_command
    from beluga_voice.container import VoiceContainer
    from beluga_voice_local_audio.settings import LocalAudioSettings
    from beluga_voice_local_audio.talk import converse
    from beluga_voice_local_audio.transport import LocalAudioTransport

    chosen = choose_agent(app, agent)
    voice = VoiceContainer(app.settings_for(chosen), app.plugins)
    settings = LocalAudioSettings(microphone=_device(microphone), loudspeaker=_device(loudspeaker))
    run_command(converse(voice, chosen, LocalAudioTransport(settings, load())))


def _device(named: str | None) -> int | str | None:
    return int(named) if named is not None and named.isdecimal() else named


def _show_devices(found: list[dict[str, object]], *, as_json: bool) -> None:
    shown = [
        {
            "number": number,
            "name": str(each["name"]),
            "microphone": each["max_input_channels"] != 0,
            "loudspeaker": each["max_output_channels"] != 0,
        }
        for number, each in enumerate(found)
    ]
    if as_json:
        click.echo(json.dumps({"devices": shown}))
        return
    for device in shown:
        kinds = [kind for kind in ("microphone", "loudspeaker") if device[kind]]
        click.echo(f"{device['number']:>3}  {device['name']}  ({', '.join(kinds)})")
    if not shown:
        click.echo("no devices")
