"""The hooks by which plugins tell what they have, and are told what happens.

A registration hook is called once when a `Plugins` object loads a plugin; it answers "what exists?" and does no
work. An observation hook is called with frozen facts while a session goes on that a container made; it must not
block, and what it raises is logged and blamed on its plugin, and changes nothing of the call. Hooks are sync, none
is ``firstresult``, and no order among plugins is promised.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Protocol, TypeAlias, TypeVar

import pluggy

if TYPE_CHECKING:
    from collections.abc import Awaitable, Callable, Sequence

    import click
    from pydantic import BaseModel

    from beluga_voice.commands import Command
    from beluga_voice.contracts import (
        LLM,
        S2S,
        STT,
        TTS,
        VAD,
        Agent,
        InterruptionClassifier,
        NoiseSuppressor,
        Routes,
        SessionStore,
        TextFilter,
        ToolSource,
        Transport,
        TurnDetector,
    )
    from beluga_voice.events import Event
    from beluga_voice.facts import EndFacts, SessionFacts, TurnFacts

CONTRACT_VERSION = "1.0"
"""Of hooks and contracts together. The first number rises when a plugin must be changed, which the requirement
``beluga-voice>=X,<Y`` of each plugin keeps apart; the second when something is added."""

hookspec = pluggy.HookspecMarker("beluga_voice")
hookimpl = pluggy.HookimplMarker("beluga_voice")

P_contra = TypeVar("P_contra", contravariant=True)
F = TypeVar("F", bound="Callable[..., object]")


class Register(Protocol[P_contra]):
    """Makes a provider known under a name."""

    def __call__(
        self,
        name: str,
        factory: str | Callable[..., P_contra],
        *,
        settings: str | type[BaseModel] | None = None,
    ) -> None:
        """Register `factory` as `name`.

        A name that two plugins register is given to neither; who asks for it is told both owners.

        Args:
            name: lower-case letters, digits, ``-`` and ``_``, as users write it in settings; not ``none``.
            factory: a callable, or ``"module:attribute"``, imported when the provider is asked for. Called
                with an instance of `settings` as its only argument, or with none if there are no settings.
            settings: a pydantic model, or ``"module:Class"``; validated once the provider's name is known.

        Raises:
            PluginError: the name is not of that form, or this plugin has registered it before.
        """


class RegisterModel(Protocol):
    """Makes a model known that can be fetched."""

    def __call__(
        self,
        name: str,
        urls: str | Sequence[str],
        *,
        sha256: str | Sequence[str] = (),
        licence: str,
        purpose: str,
        size: int = 0,
    ) -> None:
        """Register what ``beluga-voice models fetch NAME`` brings. Nothing is fetched now.

        Args:
            name: lower-case letters, digits, ``-`` and ``_``; a name that two plugins register is given to neither.
            urls: one address or several; archives are unpacked.
            sha256: the hash of each, in hexadecimal; where there is none, or it is empty, the hash of the first
                fetch is recorded, and held.
            licence: under which the model is published.
            purpose: what it is good for, in one line.
            size: bytes that are fetched, about; 0 if that is not known.

        Raises:
            PluginError: the name is not of that form, or this plugin has registered it before.
        """


class PluginDeprecationWarning(DeprecationWarning):
    """A plugin implements a hook that the next version goes without."""


def deprecated_hookspec(instead: str, removed_in: str) -> Callable[[F], F]:
    """Mark the specification of a hook that still works: a plugin that implements it warns when it is loaded.

    Args:
        instead: what to implement.
        removed_in: the version that goes without it: one minor version after the one that began to warn.
    """
    text = f"this hook is deprecated, and beluga-voice {removed_in} goes without it; implement {instead}"
    return hookspec(warn_on_impl=PluginDeprecationWarning(text))


class RegisterCheck(Protocol):
    """Makes known how a provider is checked."""

    def __call__(self, kind: str, name: str, check: str | Callable[[], Awaitable[None]]) -> None:
        """Register `check` for the provider `name`.

        Args:
            kind: the contract, as in ``stt``.
            name: of a provider that this plugin registers.
            check: an async function without arguments that calls `beluga_voice.testing.check_stt` or the like, or
                ``"module:attribute"``, imported when ``beluga-voice check`` comes to it.

        Raises:
            PluginError: there is no such kind, or this plugin has registered a check for it before.
        """


# Quoted, so that a plugin may import them at run time and the contracts stay unloaded.
RegisterSTT: TypeAlias = "Register[STT]"
RegisterTTS: TypeAlias = "Register[TTS]"
RegisterVAD: TypeAlias = "Register[VAD]"
RegisterTurnDetector: TypeAlias = "Register[TurnDetector]"
RegisterNoiseSuppressor: TypeAlias = "Register[NoiseSuppressor]"
RegisterTransport: TypeAlias = "Register[Transport]"
RegisterLLM: TypeAlias = "Register[LLM]"
RegisterS2S: TypeAlias = "Register[S2S]"
RegisterToolSource: TypeAlias = "Register[ToolSource]"
RegisterAgent: TypeAlias = "Register[Agent]"
RegisterInterruptionClassifier: TypeAlias = "Register[InterruptionClassifier]"
RegisterSessionStore: TypeAlias = "Register[SessionStore]"
RegisterRoutes: TypeAlias = "Register[Routes]"
RegisterTextFilter: TypeAlias = "Register[TextFilter]"


@hookspec
def register_stt(register: RegisterSTT) -> None:
    """Register recognizers. Called once when the plugin is loaded."""


@hookspec
def register_tts(register: RegisterTTS) -> None:
    """Register synthesisers. Called once when the plugin is loaded."""


@hookspec
def register_vad(register: RegisterVAD) -> None:
    """Register voice activity detectors. Called once when the plugin is loaded."""


@hookspec
def register_turn_detector(register: RegisterTurnDetector) -> None:
    """Register turn detectors. Called once when the plugin is loaded."""


@hookspec
def register_noise_suppressor(register: RegisterNoiseSuppressor) -> None:
    """Register noise suppressors. Called once when the plugin is loaded."""


@hookspec
def register_transport(register: RegisterTransport) -> None:
    """Register transports. Called once when the plugin is loaded; the factory, once for each session."""


@hookspec
def register_llm(register: RegisterLLM) -> None:
    """Register language models. Called once when the plugin is loaded."""


@hookspec
def register_s2s(register: RegisterS2S) -> None:
    """Register speech-to-speech models. Called once when the plugin is loaded."""


@hookspec
def register_tool_source(register: RegisterToolSource) -> None:
    """Register sources of tools. Called once when the plugin is loaded."""


@hookspec
def register_agent(register: RegisterAgent) -> None:
    """Register agents. Called once when the plugin is loaded."""


@hookspec
def register_interruption_classifier(register: RegisterInterruptionClassifier) -> None:
    """Register interruption classifiers. Called once when the plugin is loaded."""


@hookspec
def register_models(register: RegisterModel) -> None:
    """Register models that users may fetch by command. Called once when the plugin is loaded."""


@hookspec
def register_session_store(register: RegisterSessionStore) -> None:
    """Register session stores. Called once when the plugin is loaded."""


@hookspec
def register_routes(register: RegisterRoutes) -> None:
    """Register what a transport adds to the server. Called once when the plugin is loaded; the factory, once for
    each server, with the settings ``[server.NAME]``."""


@hookspec
def register_text_filter(register: RegisterTextFilter) -> None:
    """Register text filters. Called once when the plugin is loaded."""


@hookspec
def register_commands(group: click.Group) -> None:
    """Add commands to the ``beluga-voice`` command line.

    Called once when the command line starts. Import what a command needs inside the command.
    """


@hookspec
def register_checks(register: RegisterCheck) -> None:
    """Register how providers are checked that ``beluga-voice check`` cannot check by itself.

    Such as those that need a vendor that is played, or speech of their own. Called once when the plugin is loaded.
    """


@hookspec
def session_started(session: SessionFacts) -> None:
    """Learn that a session listens. Called once for each run of a session, on its loop."""


@hookspec
def session_event(session: SessionFacts, event: Event, commands: tuple[Command, ...]) -> None:
    """Learn of an event and of the commands that the engine gave for it.

    Called for each event of each session, some fifty a second while somebody speaks: be quick. `commands` is empty
    for events that were not decided by.
    """


@hookspec
def turn_completed(session: SessionFacts, turn: TurnFacts) -> None:
    """Learn of a caller's turn whose reply is over, or to which there is none when the session ends.

    Called once for each turn that was closed.
    """


@hookspec
def session_ended(session: SessionFacts, end: EndFacts) -> None:
    """Learn that a session is over. Called once for each run that had started, after all others."""
