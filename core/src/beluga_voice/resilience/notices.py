"""How providers tell the session they work for what befell them, without knowing it."""

from __future__ import annotations

from collections.abc import Callable
from contextvars import ContextVar
from dataclasses import dataclass
from typing import TypeAlias


@dataclass(frozen=True, slots=True)
class Switched:
    """Another provider does the work from now on.

    Attributes:
        kind: the contract, as in ``stt``.
        old: who did it before.
        new: who does it now.
        reason: why; empty if `new` is preferred, and well again.
    """

    kind: str
    old: str
    new: str
    reason: str = ""


Listener: TypeAlias = Callable[[Switched], None]

_listener: ContextVar[Listener | None] = ContextVar("beluga_voice_switched", default=None)


def listen(listener: Listener) -> None:
    """Have `listener` called with what providers tell in this task, and in tasks that it starts from now on."""
    _listener.set(listener)


def tell(notice: Switched) -> None:
    """Tell whoever listens in the task that runs; nobody may."""
    listener = _listener.get()
    if listener is not None:
        listener(notice)
