"""How the parts hang together. The only module that declares with dependency-injector.

No `Resource` is used: an async one turns every factory that depends on it into a Future. Providers are plain
singletons, opened and closed by the container's lifespan.
"""

from __future__ import annotations

from typing import Any, cast

from dependency_injector import containers, providers

from beluga_voice.contracts import (
    LLM,
    S2S,
    STT,
    TTS,
    VAD,
    InterruptionClassifier,
    NoiseSuppressor,
    Provider,
    SessionStore,
    TurnDetector,
)
from beluga_voice.errors import ConfigurationError, UnknownProviderError
from beluga_voice.plugins import Plugins
from beluga_voice.resilience import FallbackLLM, FallbackSTT, FallbackTTS
from beluga_voice.settings import Selection, Settings
from beluga_voice.settings.selection import source_of
from beluga_voice.speakable import BUILT_IN, built_in

FALLBACKS: dict[str, Any] = {"stt": FallbackSTT, "tts": FallbackTTS, "llm": FallbackLLM}


def discover(settings: Settings) -> Plugins:
    """Load the plugins that are installed and those that the settings name."""
    return Plugins.discover(modules=settings.plugins, disabled=settings.disabled_plugins)


def create(selection: Selection, plugins: Plugins) -> Provider | None:
    """Make the provider that is chosen, or a fallback of several; None if it is turned off. It is not opened."""
    if selection.fallback:
        made = [create(each, plugins) for each in selection.fallback]
        names = [str(each.provider) for each in selection.fallback]
        return cast("Provider", FALLBACKS[selection.kind](made, names=names))
    settings = selection.settings(plugins)
    if selection.provider is None:
        return None
    return cast("Provider", plugins.create(selection.kind, selection.provider, settings))


def is_built_in(selection: Selection, plugins: Plugins) -> bool:
    """Whether a text filter of core's own is chosen, and no plugin has one of that name."""
    name = selection.provider
    return selection.kind == "text_filter" and name in BUILT_IN and name not in plugins.text_filter.names()


def create_listed(selection: Selection, plugins: Plugins) -> Provider:
    """Make one of several: a text filter may be core's own, unless a plugin has one of that name. It is not opened.

    Raises:
        ConfigurationError: its settings are wrong.
        PluginError: there is none of that name.
    """
    name = selection.provider or "none"
    if not is_built_in(selection, plugins):
        try:
            made = create(selection, plugins)
        except UnknownProviderError as error:
            if selection.kind != "text_filter":
                raise
            text = f"{error}. Core's own are {', '.join(BUILT_IN)}"
            raise UnknownProviderError(
                text, kind=error.kind, name=error.name, installed=error.installed
            ) from error
        assert made is not None, "a list holds names"
        return made
    table = selection.values.table()
    if unknown := set(table) - {"model"}:
        raise ConfigurationError(
            f"text filter {name!r} has no setting {min(unknown)!r}{source_of(selection.chosen_by)}"
        )
    try:
        return built_in(name, table.get("model"))
    except ConfigurationError as error:
        raise ConfigurationError(f"{error}{source_of(selection.chosen_by)}") from None


def _create_chosen(settings: Settings, plugins: Plugins, kind: str) -> Any:  # a provider of that kind
    return create(cast("Selection", getattr(settings, kind)), plugins)


class Graph(containers.DeclarativeContainer):
    """Settings, plugins, and a shared provider of each kind, each made when first asked for."""

    settings: providers.Provider[Settings] = providers.Dependency(instance_of=Settings)
    plugins: providers.Provider[Plugins] = providers.Singleton(discover, settings)
    stt: providers.Provider[STT | None] = providers.Singleton(_create_chosen, settings, plugins, "stt")
    tts: providers.Provider[TTS | None] = providers.Singleton(_create_chosen, settings, plugins, "tts")
    s2s: providers.Provider[S2S | None] = providers.Singleton(_create_chosen, settings, plugins, "s2s")
    vad: providers.Provider[VAD | None] = providers.Singleton(_create_chosen, settings, plugins, "vad")
    turn_detector: providers.Provider[TurnDetector | None] = providers.Singleton(
        _create_chosen, settings, plugins, "turn_detector"
    )
    noise_suppressor: providers.Provider[NoiseSuppressor | None] = providers.Singleton(
        _create_chosen, settings, plugins, "noise_suppressor"
    )
    interruption_classifier: providers.Provider[InterruptionClassifier | None] = providers.Singleton(
        _create_chosen, settings, plugins, "interruption_classifier"
    )
    session_store: providers.Provider[SessionStore | None] = providers.Singleton(
        _create_chosen, settings, plugins, "session_store"
    )
    llm: providers.Provider[LLM | None] = providers.Singleton(_create_chosen, settings, plugins, "llm")
