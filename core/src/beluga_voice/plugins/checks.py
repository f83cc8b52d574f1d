"""How a plugin's providers are checked, as it says itself."""

from __future__ import annotations

from collections.abc import Awaitable, Callable
from dataclasses import dataclass
from importlib import import_module
from typing import cast

from beluga_voice.errors import PluginError
from beluga_voice.plugins.origin import Origin

CheckFunction = Callable[[], Awaitable[None]]


@dataclass(frozen=True, slots=True)
class ProviderCheck:
    """What one plugin said of how one provider is checked.

    Attributes:
        kind: the contract, as in ``stt``.
        name: the provider's.
        check: an async function, or ``"module:attribute"``.
        plugin: who registered it.
    """

    kind: str
    name: str
    check: str | CheckFunction
    plugin: Origin

    def load(self) -> CheckFunction:
        """Import the function.

        Raises:
            PluginError: it cannot be imported.
        """
        if not isinstance(self.check, str):
            return self.check
        module, _, attribute = self.check.partition(":")
        try:
            return cast("CheckFunction", getattr(import_module(module), attribute))
        except (ImportError, AttributeError) as error:
            raise PluginError(
                f"the check of {self.kind} {self.name!r} of plugin {self.plugin} cannot be imported: {error}"
            ) from error


def check_collector(
    origin: Origin, kinds: tuple[str, ...], checks: dict[tuple[str, str], ProviderCheck]
) -> Callable[[str, str, str | CheckFunction], None]:
    """Return the callback of ``register_checks`` that fills `checks`."""

    def register(kind: str, name: str, check: str | CheckFunction) -> None:
        if kind not in kinds:
            raise PluginError(f"no kind of provider named {kind!r}; there are: {', '.join(kinds)}")
        if (kind, name) in checks:
            raise PluginError(f"a check of {kind} provider {name!r} is registered twice")
        checks[kind, name] = ProviderCheck(kind, name, check, origin)

    return register
