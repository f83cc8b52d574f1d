"""Which hook of which plugin was called, when, and how long it took."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

from beluga_voice.plugins.origin import Origin


@dataclass(frozen=True, slots=True)
class HookCall:
    """One call of one plugin's hook.

    Attributes:
        plugin: whose hook it is.
        hook: its name.
        at: seconds since the `Plugins` object was made.
        took: seconds.
        error: what it raised; None if nothing.
    """

    plugin: Origin
    hook: str
    at: float
    took: float
    error: BaseException | None = None

    def __str__(self) -> str:
        raised = "" if self.error is None else f", raised {type(self.error).__name__}: {self.error}"
        return f"{self.at:9.3f} s  {self.hook} of {self.plugin}: {self.took * 1000:.3f} ms{raised}"


Trace = Callable[[HookCall], None]
