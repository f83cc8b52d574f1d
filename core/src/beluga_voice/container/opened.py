"""Providers that are open: each is opened once, at the latest when a session needs it, and closed in the end."""

from __future__ import annotations

import asyncio
from contextlib import AsyncExitStack

from beluga_voice.contracts import Provider


class Opened:
    """What one lifespan has opened, to be closed in reverse order when `stack` is closed."""

    def __init__(self, stack: AsyncExitStack) -> None:
        self._stack = stack
        self._opening = asyncio.Lock()
        self._providers: dict[int, Provider] = {}

    async def ensure(self, provider: Provider) -> None:
        """Open `provider` unless that is done; whoever asks meanwhile waits.

        One that fails to open is closed at once and may be tried again.

        Raises:
            ProviderError, ConfigurationError: as `Provider.open`.
        """
        if id(provider) in self._providers:
            return
        async with self._opening:
            if id(provider) not in self._providers:
                await self._open(provider)

    async def _open(self, provider: Provider) -> None:
        async with AsyncExitStack() as attempt:
            attempt.push_async_callback(provider.aclose)
            await provider.open()
            attempt.pop_all()
        self._stack.push_async_callback(provider.aclose)
        self._providers[id(provider)] = provider
