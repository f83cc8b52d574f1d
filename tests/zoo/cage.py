"""What an animal is: a provider with one fault, and the promise that is to catch it."""

from __future__ import annotations

from collections.abc import Awaitable, Callable
from dataclasses import dataclass
from typing import TypeVar

T = TypeVar("T", bound=type)


@dataclass(frozen=True)
class Animal:
    """A broken provider.

    Attributes:
        name: the class's.
        promises: how the promises begin that it breaks: one, unless one fault cannot but break two.
        check: runs the contract's check on it.
    """

    name: str
    promises: frozenset[str]
    check: Callable[[], Awaitable[None]]


ZOO: list[Animal] = []


def breaks(check: Callable[[type], Awaitable[None]], *promises: str) -> Callable[[T], T]:
    """Put the decorated class into the zoo: `check` is to find that it breaks `promises`, and nothing else."""

    def add(kind: T) -> T:
        ZOO.append(Animal(kind.__name__, frozenset(promises), lambda: check(kind)))
        return kind

    return add
