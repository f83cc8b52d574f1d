"""The registry: loads plugins one by one, asks each what it has, and keeps what is wrong with any."""

from __future__ import annotations

import difflib
import inspect
import logging
import time
from dataclasses import dataclass
from typing import TYPE_CHECKING, cast

import pluggy

from beluga_voice import hookspecs
from beluga_voice.errors import PluginError
from beluga_voice.plugins.checks import ProviderCheck, check_collector
from beluga_voice.plugins.discovery import (
    DISABLED_VARIABLE,
    MODULES_VARIABLE,
    Candidate,
    find,
    from_environment,
)
from beluga_voice.plugins.model import Model
from beluga_voice.plugins.origin import Origin
from beluga_voice.plugins.problems import Problem, ProblemKind
from beluga_voice.plugins.providers import Providers, Registration, import_problem
from beluga_voice.plugins.tracing import HookCall, Trace

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator, Mapping, Sequence

    import click
    from pydantic import BaseModel

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

logger = logging.getLogger("beluga_voice")

OBSERVING = ("session_started", "session_event", "turn_completed", "session_ended")
"""The hooks that are told what happens."""


@dataclass(frozen=True, slots=True)
class Plugin:
    """A plugin that was loaded.

    Attributes:
        origin: where it comes from.
        hooks: the names of the hooks it implements, sorted.
        providers: the names of its providers by kind, both sorted; those that collide included.
        module: the module that holds its hooks; empty if an object does.
    """

    origin: Origin
    hooks: tuple[str, ...]
    providers: Mapping[str, tuple[str, ...]]
    module: str = ""


class Plugins:
    """The plugins of one container, test or command. Two objects share nothing.

    The constructor makes an empty registry, `discover` one of all that is installed. No plugin's fault raises
    here: it is kept in `problems` and raised when what the plugin should offer is asked for.
    """

    def __init__(self, trace: Trace | None = None) -> None:
        """Make an empty registry.

        Args:
            trace: is told of each call of a hook.
        """
        self._trace = trace
        self._made = time.perf_counter()  # how long a hook takes is the machine's time, not the session's
        self._blamed: set[tuple[str, str]] = set()
        self._checks: dict[tuple[str, str], ProviderCheck] = {}
        self._manager = pluggy.PluginManager(hookspecs.hookspec.project_name)
        self._manager.add_hookspecs(hookspecs)
        self._problems: list[Problem] = []
        self._disabled: list[Origin] = []
        self._loaded: dict[str, tuple[object, Plugin]] = {}
        self.stt: Providers[STT] = Providers("stt", self._problems, self._disabled)
        self.tts: Providers[TTS] = Providers("tts", self._problems, self._disabled)
        self.vad: Providers[VAD] = Providers("vad", self._problems, self._disabled)
        self.turn_detector: Providers[TurnDetector] = Providers(
            "turn_detector", self._problems, self._disabled
        )
        self.noise_suppressor: Providers[NoiseSuppressor] = Providers(
            "noise_suppressor", self._problems, self._disabled
        )
        self.transport: Providers[Transport] = Providers("transport", self._problems, self._disabled)
        self.llm: Providers[LLM] = Providers("llm", self._problems, self._disabled)
        self.s2s: Providers[S2S] = Providers("s2s", self._problems, self._disabled)
        self.tool_source: Providers[ToolSource] = Providers("tool_source", self._problems, self._disabled)
        self.agent: Providers[Agent] = Providers("agent", self._problems, self._disabled)
        self.interruption_classifier: Providers[InterruptionClassifier] = Providers(
            "interruption_classifier", self._problems, self._disabled
        )
        self._models: dict[str, list[tuple[Origin, Model]]] = {}
        self.session_store: Providers[SessionStore] = Providers(
            "session_store", self._problems, self._disabled
        )
        self.routes: Providers[Routes] = Providers("routes", self._problems, self._disabled)
        self.text_filter: Providers[TextFilter] = Providers("text_filter", self._problems, self._disabled)
        self._kinds = {each.kind: each for each in vars(self).values() if isinstance(each, Providers)}

    @classmethod
    def discover(
        cls,
        *,
        modules: Sequence[str] | None = None,
        disabled: Sequence[str] | None = None,
        trace: Trace | None = None,
    ) -> Plugins:
        """Load every plugin that is installed, and those that are named.

        Args:
            modules: modules to load that are not packaged; None for what ``BELUGA_VOICE_PLUGINS`` lists.
            disabled: plugins not to load; None for what ``BELUGA_VOICE_DISABLED_PLUGINS`` lists.
            trace: is told of each call of a hook.
        """
        plugins = cls(trace)
        found = find(
            from_environment(MODULES_VARIABLE) if modules is None else modules,
            from_environment(DISABLED_VARIABLE) if disabled is None else disabled,
        )
        plugins._problems += found.problems
        plugins._disabled += found.disabled
        for candidate in found.candidates:
            plugins._load(candidate)
        return plugins

    def register(self, plugin: object, name: str) -> None:
        """Take an object or module that implements hooks as the plugin `name`.

        Raises:
            PluginError: it is refused; the text names its fault. What was there before is unchanged.
        """
        problem = self._register(plugin, Origin(name))
        if problem is not None:
            raise PluginError(str(problem))

    @property
    def kinds(self) -> tuple[str, ...]:
        """The contracts that plugins provide for, as in ``stt``, sorted."""
        return tuple(sorted(self._kinds))

    @property
    def loaded(self) -> tuple[Plugin, ...]:
        """The plugins that were loaded, sorted by name."""
        return tuple(self._loaded[name][1] for name in sorted(self._loaded))

    @property
    def problems(self) -> tuple[Problem, ...]:
        """All that is wrong, each blamed on one plugin."""
        collisions = (problem for each in self._kinds.values() for problem in each.collisions())
        return (*self._problems, *collisions, *self._model_collisions())

    @property
    def models(self) -> Mapping[str, Model]:
        """The models that can be fetched, by name; a name that two plugins have registered is not among them."""
        return {name: found[0][1] for name, found in sorted(self._models.items()) if len(found) == 1}

    def check_of(self, kind: str, name: str) -> ProviderCheck | None:
        """Return how the plugin of a provider says that it is checked; None if it says nothing."""
        return self._checks.get((kind, name))

    @property
    def observes(self) -> bool:
        """Whether a plugin wants to be told of sessions."""
        return any(hook in plugin.hooks for _, plugin in self._loaded.values() for hook in OBSERVING)

    def tell(self, hook: str, **facts: object) -> None:
        """Tell each plugin that implements the observation hook `hook`, in the order of their names.

        What one raises is logged, blamed on it in `problems` the first time, and keeps nothing from the others.
        """
        for module, plugin in [self._loaded[name] for name in sorted(self._loaded)]:
            if hook in plugin.hooks:
                try:
                    self._call(module, hook, **facts)
                except Exception as error:  # noqa: BLE001 - a plugin's fault is not the session's
                    self._blame(plugin.origin, hook, error)

    def _blame(self, origin: Origin, hook: str, error: Exception) -> None:
        if (origin.name, hook) not in self._blamed:
            self._blamed.add((origin.name, hook))
            problem = _hook_raised(origin, hook, error)
            self._problems.append(problem)
            logger.error("%s", problem, exc_info=error)

    def of(self, kind: str) -> Providers[object]:
        """Return the providers of a contract that is known by its name only.

        Raises:
            PluginError: there is no such contract.
        """
        if kind not in self._kinds:
            raise PluginError(f"no kind of provider named {kind!r}; there are: {', '.join(self.kinds)}")
        return cast("Providers[object]", self._kinds[kind])

    def _model_collisions(self) -> Iterator[Problem]:
        for name, found in sorted(self._models.items()):
            for origin, _ in found if len(found) > 1 else ():
                owners = " and ".join(sorted(str(each) for each, _ in found))
                text = f"model {name!r} of plugin {origin} is registered by several plugins: {owners}"
                yield Problem(origin, ProblemKind.COLLISION, text, origin.remedy_for_defect())

    def create(self, kind: str, name: str, settings: BaseModel | None = None) -> object:
        """Make a new provider of a contract that is known by its name only; as `Providers.create`."""
        return self.of(kind).create(name, settings)

    def add_commands(self, group: click.Group) -> None:
        """Let each plugin, in the order of their names, add its commands to `group`.

        A plugin that raises adds none, one that takes another command's name does not get it; both are added to
        `problems`.
        """
        for module, plugin in [self._loaded[name] for name in sorted(self._loaded)]:
            if "register_commands" in plugin.hooks:
                before = dict(group.commands)
                try:
                    self._call(module, "register_commands", group=group)
                except (Exception, SystemExit) as error:  # noqa: BLE001 - a plugin's fault is not the command line's
                    group.commands = before
                    self._problems.append(_hook_raised(plugin.origin, "register_commands", error))
                self._restore_commands(group, before, plugin.origin)

    def _restore_commands(
        self, group: click.Group, before: Mapping[str, click.Command], origin: Origin
    ) -> None:
        for name, command in before.items():
            if group.commands.get(name) is not command:
                group.commands[name] = command
                text = f"plugin {origin} adds a command {name!r}, which exists already"
                problem = Problem(origin, ProblemKind.COLLISION, text, origin.remedy_for_defect())
                self._problems.append(problem)

    def _load(self, candidate: Candidate) -> None:
        try:
            module = candidate.load()
        except (Exception, SystemExit) as error:  # noqa: BLE001 - whatever a plugin does when it is imported
            self._problems.append(import_problem(candidate.origin, error))
            return
        problem = self._register(module, candidate.origin)
        if problem is not None:
            self._problems.append(problem)

    def _register(self, module: object, origin: Origin) -> Problem | None:
        """Register one plugin wholly, or not at all and return why."""
        problem = self._enlist(module, origin)
        registrations: list[Registration] = []
        models: dict[str, Model] = {}
        checks: dict[tuple[str, str], ProviderCheck] = {}
        if problem is None:
            problem = self._ask(module, origin, registrations, models, checks)
            if problem is not None:
                self._manager.unregister(module)
        if problem is not None:
            return problem
        for registration in registrations:
            self._kinds[registration.kind].add(registration)
        for name, model in models.items():
            self._models.setdefault(name, []).append((origin, model))
        own = {(each.kind, each.name) for each in registrations}
        self._checks |= {key: check for key, check in checks.items() if key in own}
        hooks = tuple(sorted(self._hooks(module)))
        name = module.__name__ if inspect.ismodule(module) else ""
        self._loaded[origin.name] = (module, Plugin(origin, hooks, _names_by_kind(registrations), name))
        return None

    def _enlist(self, module: object, origin: Origin) -> Problem | None:
        """Hand the plugin to pluggy and judge its hooks, leaving nothing behind if they are wrong."""
        try:
            self._manager.register(module, origin.name)
        except (pluggy.PluginValidationError, ValueError) as error:
            fault = (
                str(error).splitlines()[-1] if isinstance(error, pluggy.PluginValidationError) else str(error)
            )
            text = f"plugin {origin} has a hook that does not fit its specification: {fault}"
            return Problem(origin, ProblemKind.INVALID_HOOK, text, origin.remedy_for_defect())
        problem = self._judge(module, origin)
        if problem is not None:
            self._manager.unregister(module)
        return problem

    def _judge(self, module: object, origin: Origin) -> Problem | None:
        try:
            self._manager.check_pending()
        except pluggy.PluginValidationError:
            return self._misspelt(module, origin)
        for name, function in self._implementations(module):
            fault = _hook_fault(function)
            if fault is not None:
                text = f"plugin {origin} has an invalid hook: {name} {fault}"
                return Problem(origin, ProblemKind.INVALID_HOOK, text, origin.remedy_for_defect())
        return None

    def _misspelt(self, module: object, origin: Origin) -> Problem:
        known = [name for name, caller in vars(self._manager.hook).items() if caller.has_spec()]
        wrong = sorted(set(self._hooks(module)) - set(known))
        close = difflib.get_close_matches(wrong[0], known, 1)
        meant = f"; did you mean {close[0]!r}?" if close else f"; there are: {', '.join(sorted(known))}"
        text = f"plugin {origin} implements a hook {wrong[0]!r} that does not exist{meant}"
        return Problem(origin, ProblemKind.MISSPELT_HOOK, text.rstrip("?"), origin.remedy_for_defect())

    def _ask(
        self,
        module: object,
        origin: Origin,
        registrations: list[Registration],
        models: dict[str, Model],
        checks: dict[tuple[str, str], ProviderCheck],
    ) -> Problem | None:
        """Call the plugin's registration hooks, each by itself."""
        collectors: dict[str, Callable[..., None]] = {
            f"register_{kind}": _collector(kind, origin, registrations) for kind in self._kinds
        }
        collectors["register_models"] = _model_collector(origin, models)
        collectors["register_checks"] = check_collector(origin, self.kinds, checks)
        implemented = self._hooks(module)
        for hook, register in collectors.items():
            if hook not in implemented:
                continue
            try:
                self._call(module, hook, register=register)
            except (Exception, SystemExit) as error:  # noqa: BLE001 - a plugin's fault is kept as its problem
                return _hook_raised(origin, hook, error)
        return None

    def _call(self, module: object, hook: str, **arguments: object) -> None:
        others = [other for other in self._manager.get_plugins() if other is not module]
        call = self._manager.subset_hook_caller(hook, others)
        if self._trace is None:
            call(**arguments)
            return
        began, failed = time.perf_counter(), None
        try:
            call(**arguments)
        except BaseException as error:
            failed = error
            raise
        finally:
            took = time.perf_counter() - began
            origin = Origin(self._manager.get_name(module) or "?")
            known = self._loaded.get(origin.name)
            shown = origin if known is None else known[1].origin
            self._trace(HookCall(shown, hook, began - self._made, took, failed))

    def _hooks(self, module: object) -> list[str]:
        return [name for name, _ in self._implementations(module)]

    def _implementations(self, module: object) -> Iterator[tuple[str, Callable[..., object]]]:
        for caller in self._manager.get_hookcallers(module) or ():
            for implementation in caller.get_hookimpls():
                if implementation.plugin is module:
                    yield caller.name, implementation.function


def _collector(kind: str, origin: Origin, registrations: list[Registration]) -> Callable[..., None]:
    def register(
        name: str,
        factory: str | Callable[..., object],
        *,
        settings: str | type[BaseModel] | None = None,
    ) -> None:
        registration = Registration(kind, name, factory, settings, origin)
        if any((each.kind, each.name) == (kind, name) for each in registrations):
            raise PluginError(f"the name {name!r} is registered twice")
        registrations.append(registration)

    return register


def _model_collector(origin: Origin, models: dict[str, Model]) -> Callable[..., None]:
    def register(
        name: str,
        urls: str | Sequence[str],
        *,
        sha256: str | Sequence[str] = (),
        licence: str,
        purpose: str,
        size: int = 0,
    ) -> None:
        if name in models:
            raise PluginError(f"the model {name!r} is registered twice")
        addresses, hashes = ((each,) if isinstance(each, str) else tuple(each) for each in (urls, sha256))
        models[name] = Model(name, addresses, hashes, licence, purpose, origin.name, size)

    return register


def _names_by_kind(registrations: Sequence[Registration]) -> dict[str, tuple[str, ...]]:
    kinds = sorted({each.kind for each in registrations})
    return {kind: tuple(sorted(each.name for each in registrations if each.kind == kind)) for kind in kinds}


def _hook_fault(function: Callable[..., object]) -> str | None:
    """Return why a hook is not to be called: async ones return a coroutine that nothing awaits, and pluggy's
    versions treat parameters with defaults differently."""
    if inspect.iscoroutinefunction(function) or inspect.isasyncgenfunction(function):
        return "is async, and hooks are sync"
    for parameter in inspect.signature(function).parameters.values():
        if parameter.default is not parameter.empty:
            return f"has a default for its parameter {parameter.name!r}, and hooks have none"
    return None


def _hook_raised(origin: Origin, hook: str, error: BaseException) -> Problem:
    reason = str(error) if isinstance(error, PluginError) else f"{type(error).__name__}: {error}"
    text = f"hook {hook} of plugin {origin} raised: {reason}"
    return Problem(origin, ProblemKind.HOOK_RAISED, text, origin.remedy_for_defect())
