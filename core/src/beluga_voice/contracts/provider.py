"""What all providers have in common: they are opened once, shared by sessions, and closed once."""

from __future__ import annotations

from abc import ABC
from types import TracebackType
from typing import Self


class Provider(ABC):  # noqa: B024 - the life cycle has defaults; each contract adds its abstract methods
    """A vendor, model or device as the process sees it: settings, connection pool, loaded model.

    Whoever makes a provider opens and closes it; what the container makes is opened and closed by its lifespan
    and shared by all its sessions. What belongs to one session is a stream that the provider opens.
    """

    async def open(self) -> None:
        """Load what all streams share. Called once, before any stream is opened.

        Raises:
            ProviderError: the model, worker or vendor cannot be had.
            ConfigurationError: the settings ask for something that does not exist.
        """

    async def check_health(self) -> None:
        """See whether the provider, which is open, is well; whoever can tell more than nothing overrides it.

        Asked of a provider that has failed before, to learn whether it is well again, and by ``doctor --online``.

        Raises:
            ProviderError: it is not.
        """

    async def aclose(self) -> None:
        """Release what `open` took. Idempotent. When it returns nothing of the provider runs."""

    async def __aenter__(self) -> Self:
        await self.open()
        return self

    async def __aexit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        await self.aclose()
