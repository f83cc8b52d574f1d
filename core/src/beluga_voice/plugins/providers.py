"""The providers of one contract, by name, imported when they are asked for."""

from __future__ import annotations

import difflib
import re
from collections import defaultdict
from dataclasses import dataclass
from importlib import import_module
from typing import TYPE_CHECKING, Generic, TypeVar, cast

from beluga_voice.errors import ConfigurationError, ContractError, PluginError, UnknownProviderError
from beluga_voice.plugins.origin import CORE, Origin, missing_extra
from beluga_voice.plugins.problems import Problem, ProblemKind

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Sequence

    from pydantic import BaseModel

P = TypeVar("P")

_NAME = re.compile(r"[a-z0-9][a-z0-9_-]*")
_REFERENCE = re.compile(r"[\w.]+:[\w.]+")


@dataclass(frozen=True, slots=True)
class Registration:
    """What one plugin said of one provider.

    Attributes:
        kind: the contract, as in ``turn_detector``.
        name: the provider's.
        factory: makes it; a callable or ``"module:attribute"``.
        settings: its pydantic model, ``"module:Class"``, or None if it takes none.
        plugin: who registered it.
    """

    kind: str
    name: str
    factory: str | Callable[..., object]
    settings: str | type[BaseModel] | None
    plugin: Origin

    def __post_init__(self) -> None:
        if _NAME.fullmatch(self.name) is None or self.name == "none":
            raise PluginError(
                f"{label(self.kind)} provider cannot be named {self.name!r}; "
                "allowed: lower-case letters, digits, '-' and '_', and not 'none'"
            )
        for reference in (self.factory, self.settings):
            if isinstance(reference, str) and _REFERENCE.fullmatch(reference) is None:
                raise PluginError(f"{reference!r} is no reference; allowed: 'module:attribute'")

    def load_factory(self) -> Callable[..., object]:
        """Import the factory.

        Raises:
            PluginError: it cannot be imported; the text names the plugin, what is missing and the remedy.
        """
        if isinstance(self.factory, str):
            return cast("Callable[..., object]", self._load(self.factory))
        return self.factory

    def load_settings(self) -> type[BaseModel] | None:
        """Import the model of the provider's settings; None if it takes none.

        Raises:
            PluginError: as `load_factory`.
        """
        if isinstance(self.settings, str):
            return cast("type[BaseModel]", self._load(self.settings))
        return self.settings

    def make(self, settings: BaseModel | None = None) -> object:
        """Make a new provider, with default settings if `settings` is None. It is not opened.

        Raises:
            PluginError: as `load_factory`.
            ConfigurationError: `settings` were given and it takes none, or are not of its model.
        """
        model = self.load_settings()
        factory = self.load_factory()
        if settings is not None and (model is None or not isinstance(settings, model)):
            wanted = model.__name__ if model else "none"
            raise ConfigurationError(
                f"{label(self.kind)} provider {self.name!r} takes settings of type {wanted}, "
                f"not {type(settings).__name__}"
            )
        try:
            return factory() if model is None else factory(model() if settings is None else settings)
        except ImportError as error:  # a vendor's SDK that is imported where it is needed
            raise self.import_error(error) from error

    def import_error(self, error: Exception) -> PluginError:
        """Return the sentence for something of this provider that could not be imported."""
        problem = import_problem(self.plugin, error)
        return PluginError(f"{label(self.kind)} provider {self.name!r} cannot be used: {problem}")

    def _load(self, reference: str) -> object:
        module, _, attributes = reference.partition(":")
        try:
            found: object = import_module(module)
            for attribute in attributes.split("."):
                found = getattr(found, attribute)
        except (Exception, SystemExit) as error:  # whatever a plugin's module does when it is imported
            raise self.import_error(cast("Exception", error)) from error
        return found


class Providers(Generic[P]):
    """The providers of one contract. Made and filled by `Plugins`."""

    def __init__(self, kind: str, problems: Sequence[Problem], disabled: Sequence[Origin]) -> None:
        self.kind = kind
        self._problems = problems
        self._disabled = disabled
        self._registrations: dict[str, list[Registration]] = defaultdict(list)

    def names(self) -> tuple[str, ...]:
        """Return the names that can be asked for, sorted."""
        return tuple(sorted(name for name, found in self._registrations.items() if len(found) == 1))

    def __contains__(self, name: str) -> bool:
        return len(self._registrations.get(name, ())) == 1

    def find(self, name: str) -> Registration:
        """Return what was registered as `name`; imports nothing.

        Raises:
            UnknownProviderError: there is none; the text lists what is installed and what may explain it.
            PluginError: two plugins registered that name.
        """
        found = self._registrations.get(name, [])
        if not found:
            raise self._unknown(name)
        if len(found) > 1:
            raise PluginError(str(_collisions(found)[0]))
        return found[0]

    def settings_model(self, name: str) -> type[BaseModel] | None:
        """Return the model of the settings of provider `name`; None if it takes none.

        Raises:
            PluginError: as `find` and `Registration.load_settings`.
        """
        return self.find(name).load_settings()

    def create(self, name: str, settings: BaseModel | None = None) -> P:
        """Make a new provider, with default settings if `settings` is None. It is not opened.

        Raises:
            PluginError: as `find` and `Registration.make`.
            ConfigurationError: as `Registration.make`.
            ContractError: what the plugin's factory made is not of this contract.
        """
        registration = self.find(name)
        made = registration.make(settings)
        if not isinstance(made, contract(self.kind)):
            raise ContractError(
                f"plugin {registration.plugin} registered {name!r} as {label(self.kind)}, "
                f"but its factory made a {type(made).__qualname__}"
            )
        return cast("P", made)

    def add(self, registration: Registration) -> None:
        """Make a provider known. A name that several plugins register belongs to none of them."""
        self._registrations[registration.name].append(registration)

    def collisions(self) -> tuple[Problem, ...]:
        """Return a problem for each plugin whose provider has the name of another plugin's."""
        return tuple(
            problem
            for name in sorted(self._registrations)
            if len(found := self._registrations[name]) > 1
            for problem in _collisions(found)
        )

    def _unknown(self, name: str) -> UnknownProviderError:
        installed = self.names()
        text = f"no {label(self.kind)} provider named {name!r}; installed: {', '.join(installed) or 'none'}"
        parts = [text, *self._explanations(name)]
        return UnknownProviderError(". ".join(parts), kind=self.kind, name=name, installed=installed)

    def _explanations(self, name: str) -> Iterable[str]:
        """Yield sentences on why `name` may be missing, the likeliest alone where one is likely."""
        blamed = [each for each in self._problems if each.plugin.answers_to(name)]
        if close := difflib.get_close_matches(name, self.names(), 1):
            yield f"Did you mean {close[0]!r}?"
        elif any(each.answers_to(name) for each in self._disabled):
            yield f"Plugin {name} is disabled. Try: removing it from BELUGA_VOICE_DISABLED_PLUGINS"
            return
        elif not blamed and missing_extra(name):
            yield f'Try: pip install "{CORE}[{name}]"'
            return
        for problem in blamed or self._problems:
            sentence = str(problem)
            yield sentence[0].upper() + sentence[1:]


def label(kind: str) -> str:
    """Return how a contract is called in a sentence: ``STT``, ``turn detector``."""
    return kind.upper() if len(kind) == 3 else kind.replace("_", " ")


def contract(kind: str) -> type[object]:
    """Return the contract that providers of `kind` implement."""
    contracts = import_module("beluga_voice.contracts")
    name = kind.upper() if len(kind) == 3 else "".join(part.title() for part in kind.split("_"))
    return cast("type[object]", getattr(contracts, name))


def _collisions(registrations: Sequence[Registration]) -> list[Problem]:
    first = registrations[0]
    owners = sorted((each.plugin for each in registrations), key=str)
    both = " and ".join(str(owner) for owner in owners)
    text = f"{label(first.kind)} provider {first.name!r} is registered by {both}, so that it is neither's"
    remedy = " or ".join(f"setting BELUGA_VOICE_DISABLED_PLUGINS={owner.name}" for owner in owners)
    return [Problem(owner, ProblemKind.COLLISION, text, remedy) for owner in owners]


def import_problem(plugin: Origin, error: BaseException) -> Problem:
    """Return what is wrong with a plugin of which something could not be imported."""
    failed = f"plugin {plugin} {'is installed but ' if plugin.distribution else ''}failed to import"
    if isinstance(error, ModuleNotFoundError) and error.name is not None:
        text = f"{failed}: No module named {error.name!r}"
        return Problem(plugin, ProblemKind.MISSING_DEPENDENCY, text, plugin.remedy_for_missing(error.name))
    text = f"{failed}: {type(error).__name__}: {error}"
    return Problem(plugin, ProblemKind.FAILED, text, plugin.remedy_for_defect())
