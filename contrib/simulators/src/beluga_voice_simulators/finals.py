"""Final transcripts, with what the faults do to them."""

from __future__ import annotations

from collections.abc import Awaitable, Callable
from typing import Generic, TypeVar

from beluga_voice_simulators.faults import Fault, Faults

T = TypeVar("T")


class Finals(Generic[T]):
    """Gives the finals of one connection: in order, or as a fault has it.

    Args:
        faults: what is to be played.
        give: sends a final.
        empty: makes of a final one without words.
    """

    def __init__(self, faults: Faults, give: Callable[[T], Awaitable[None]], empty: Callable[[T], T]) -> None:
        self._faults = faults
        self._give = give
        self._empty = empty
        self._behind: T | None = None
        self._late: T | None = None

    async def give(self, final: T) -> None:
        """Send a final now, twice, empty, or later."""
        if self._faults.take(Fault.EMPTY_FINAL):
            final = self._empty(final)
        if self._faults.take(Fault.LATE_FINAL):
            self._late = final
        elif self._behind is None and self._faults.take(Fault.REORDERED_FINALS):
            self._behind = final
        else:
            await self._give(final)
            if self._faults.take(Fault.DUPLICATE_FINAL):
                await self._give(final)
            await self._flush_behind()

    async def speech_started(self) -> None:
        """The caller speaks again: what is late comes now."""
        late, self._late = self._late, None
        if late is not None:
            await self._give(late)

    async def flush(self) -> None:
        """The connection ends: give what is held back."""
        await self.speech_started()
        await self._flush_behind()

    async def _flush_behind(self) -> None:
        behind, self._behind = self._behind, None
        if behind is not None:
            await self._give(behind)
