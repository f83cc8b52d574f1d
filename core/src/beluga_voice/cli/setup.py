"""``beluga-voice setup``: what a machine needs for a purpose, and fetching it."""

from __future__ import annotations

import json
from collections.abc import Iterable
from dataclasses import asdict, dataclass
from importlib.metadata import PackageNotFoundError, distribution
from pathlib import Path

import click

from beluga_voice.cli.app import App, takes_settings
from beluga_voice.cli.models import bar
from beluga_voice.errors import ConfigurationError
from beluga_voice.models import ModelStore
from beluga_voice.plugins import Model


@dataclass(frozen=True, slots=True)
class Part:
    """One part of a good voice without a network.

    Attributes:
        kind: the slot of the settings.
        provider: what is put there.
        model: what that needs to be fetched; None if it brings its own.
    """

    kind: str
    provider: str
    model: str | None = None

    @property
    def extra(self) -> str:
        """The extra that installs its plugin, which has its provider's name."""
        return self.provider


LOCAL = (
    Part("stt", "sherpa-onnx", "sherpa-zipformer-en"),
    Part("tts", "sherpa-onnx", "sherpa-kitten-en"),
    Part("vad", "silero"),
    Part("turn_detector", "smart-turn", "smart-turn"),
)
"""A conversation in English on two cores, all under permissive licences."""


@dataclass(slots=True)
class State:
    """What there is of a part.

    Attributes:
        kind: the slot of the settings.
        provider: what is put there.
        installed: whether its plugin is.
        model: what it needs to be fetched; None if nothing.
        licence: of the model; None if that is not known, as its plugin is not installed.
        size: bytes of the model, about; None if that is not known.
        path: where the model is; None if it was not fetched.
    """

    kind: str
    provider: str
    installed: bool
    model: str | None
    licence: str | None = None
    size: int | None = None
    path: str | None = None

    @property
    def ready(self) -> bool:
        """Whether it can be used."""
        return self.installed and (self.model is None or self.path is not None)


@click.group()
def setup() -> None:
    """Say what a machine needs for a purpose, and fetch it.

    \b
    Examples:
      beluga-voice setup local
      beluga-voice setup local --yes --write
    """


@setup.command()
@click.option("--yes", is_flag=True, help="Fetch the models without asking.")
@click.option("--json", "as_json", is_flag=True, help="Print one object, and fetch only with --yes.")
@click.option("--write", is_flag=True, help="Write the settings to beluga.toml, which must not be there yet.")
@takes_settings
@click.pass_context
def local(context: click.Context, yes: bool, as_json: bool, write: bool) -> None:
    """Fetch what a good voice needs that runs on this machine alone, in English.

    Names the plugins that are missing with the command that installs them, and fetches the models of those that
    are there, once that is confirmed. Nothing is used by itself: settings choose providers, and those to be chosen
    are printed. Exits with 1 if something is still missing.
    """
    target = Path("beluga.toml")
    if write and target.exists():
        raise ConfigurationError(
            f"{target} is there already; put the settings into it by hand, or move it away"
        )
    known = dict(context.ensure_object(App).discover().models)
    states = [_state(part, known) for part in LOCAL]
    if not as_json:
        _print(states)
    wanted = [known[name] for name in _to_fetch(states, known)]
    if wanted and (yes or (not as_json and _confirmed(wanted))):
        for model in wanted:
            ModelStore().fetch(model, bar())
        states = [_state(part, known) for part in LOCAL]
    ready = all(state.ready for state in states)
    if write and ready:
        target.write_text(settings(states), encoding="utf-8")
    if as_json:
        click.echo(json.dumps(_object(states, ready), indent=2))
    else:
        _print_end(states, ready, target if write else None)
    context.exit(0 if ready else 1)


def settings(states: Iterable[State]) -> str:
    """Return the lines of ``beluga.toml`` that choose the providers."""
    return "".join(f'{state.kind} = "{state.provider}"\n' for state in states)


def _state(part: Part, known: dict[str, Model]) -> State:
    state = State(part.kind, part.provider, _is_installed(part), part.model)
    if part.model is not None:
        path = ModelStore().find(part.model)
        state.path = None if path is None else str(path)
        if part.model in known:
            state.licence, state.size = known[part.model].licence, known[part.model].size
    return state


def _is_installed(part: Part) -> bool:
    try:
        distribution(f"beluga-voice-{part.extra}")
    except PackageNotFoundError:
        return False
    return True


def _to_fetch(states: Iterable[State], known: dict[str, Model]) -> list[str]:
    return [state.model for state in states if state.model in known and state.path is None and state.model]


def _missing(states: Iterable[State]) -> str | None:
    """The command that installs the plugins that are missing; None if all are there."""
    extras = sorted({state.provider for state in states if not state.installed})
    return f'pip install "beluga-voice[{",".join(extras)}]"' if extras else None


def _confirmed(models: list[Model]) -> bool:
    size = sum(model.size for model in models) / 1e6
    return click.confirm(f"fetch {', '.join(model.name for model in models)}, {size:.0f} MB?", default=False)


def _print(states: Iterable[State]) -> None:
    for state in states:
        plugin = "installed" if state.installed else "not installed"
        click.echo(f"{state.kind}: {state.provider}, {plugin}")
        if state.model is not None:
            about = "" if state.size is None else f" ({state.size / 1e6:.0f} MB, {state.licence})"
            click.echo(f"  model {state.model}{about}: {state.path or 'not fetched'}")


def _print_end(states: list[State], ready: bool, written: Path | None) -> None:
    if (command := _missing(states)) is not None:
        click.echo(f"then install what is missing, and run this again: {command}")
    elif not ready:
        click.echo("nothing was fetched; run this again, or with --yes")
    elif written is not None:
        click.echo(f"all is here; {written} chooses it. Try: beluga-voice doctor")
    else:
        click.echo(f"all is here. To choose it, put into beluga.toml:\n\n{settings(states)}")


def _object(states: list[State], ready: bool) -> dict[str, object]:
    parts = [{**asdict(state), "ready": state.ready} for state in states]
    return {"ready": ready, "install": _missing(states), "parts": parts, "settings": settings(states)}
