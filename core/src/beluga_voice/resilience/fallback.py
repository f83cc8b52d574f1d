"""Several providers of one kind as one: opened together, probed while one is down, closed together."""

from __future__ import annotations

import asyncio
import logging
from collections.abc import Sequence
from contextlib import suppress
from typing import ClassVar, Generic, TypeVar

from beluga_voice.contracts import Provider
from beluga_voice.errors import ClosedError, ConfigurationError, ProviderError
from beluga_voice.resilience.notices import Switched, tell
from beluga_voice.resilience.order import FallbackPolicy, Order

logger = logging.getLogger("beluga_voice")

P = TypeVar("P", bound=Provider)


class Fallback(Provider, Generic[P]):
    """Asks the first of its providers that is well, and the next when it fails.

    One that fails is left alone for a while and then probed, in a task of its own; when it is well it is asked
    again, from the next turn or text on. A provider whose failure no repetition can heal (a wrong key) is
    treated alike: keys are changed while processes run.

    Args:
        providers: in the order of preference; at least one. They are opened and closed with this.
        policy: when a provider counts as failed.
        names: of the providers, for events; their classes' if None.

    Raises:
        ConfigurationError: there is no provider.
    """

    kind: ClassVar[str]
    probes: ClassVar[bool] = True
    """Whether `Provider.check_health` says anything of such providers."""

    def __init__(
        self,
        providers: Sequence[P],
        policy: FallbackPolicy | None = None,
        *,
        names: Sequence[str] | None = None,
    ) -> None:
        if not providers:
            raise ConfigurationError(f"a fallback of no {self.kind} providers; give at least one")
        self.providers = tuple(providers)
        self.policy = FallbackPolicy() if policy is None else policy
        self.names = tuple(names or (type(each).__name__ for each in providers))
        self.order = Order(len(self.providers), self.policy, probes=self.probes)
        self._opened: set[int] = set()
        self._prober: asyncio.Task[None] | None = None
        self._down = asyncio.Event()
        self._closed = False

    async def open(self) -> None:
        """Open all providers; one that fails is down, and probed later.

        Raises:
            ProviderError: none could be opened; the first one's error.
            ConfigurationError: as the providers.
        """
        errors = [error for i in range(len(self.providers)) if (error := await self._open(i)) is not None]
        if len(errors) == len(self.providers):
            raise errors[0]
        if self.probes:
            self._prober = asyncio.create_task(self._probe(), name=f"beluga-voice {self.kind} probes")

    async def aclose(self) -> None:
        """Close all providers. Idempotent."""
        self._closed = True
        prober, self._prober = self._prober, None
        if prober is not None:
            prober.cancel()
            await asyncio.wait([prober])
        results = await asyncio.gather(*(each.aclose() for each in self.providers), return_exceptions=True)
        errors = [each for each in results if isinstance(each, Exception)]
        if errors:
            raise errors[0]

    async def check_health(self) -> None:
        """Check that one provider at least is well.

        Raises:
            ProviderError: none is; the first one's error.
        """
        first: ProviderError | None = None
        for index in range(len(self.providers)):
            try:
                return await self._check(index)
            except ProviderError as error:
                first = first or error
        assert first is not None
        raise first

    # -- for streams --

    def candidates(self) -> list[int]:
        """Return whom to ask, in order.

        Raises:
            ClosedError: after `aclose`.
            ProviderError: all are left alone for now.
        """
        if self._closed:
            raise ClosedError(f"this {type(self).__name__} was closed; make a new one")
        candidates = self.order.candidates(self._now())
        if not candidates:
            names = ", ".join(self.names)
            raise ProviderError(
                f"no {self.kind} is well: {names}; the circuit breaker is open", retryable=True
            )
        return candidates

    def succeeded(self, index: int) -> None:
        """A provider did its work."""
        self.order.succeeded(index, self._now())

    def failed(self, index: int, error: Exception) -> None:
        """A provider failed."""
        logger.warning("%s %s failed: %s", self.kind, self.names[index], error)
        self.order.failed(index, self._now())
        self._down.set()

    def has_other(self, index: int) -> bool:
        """Return whether another provider than this one is well: only then this one is held to deadlines."""
        return self.order.has_other(index, self._now())

    def switched(self, old: int, new: int, reason: str) -> None:
        """Tell the session that another provider works for it."""
        if old != new:
            tell(Switched(self.kind, self.names[old], self.names[new], reason))

    # -- probing --

    async def _open(self, index: int) -> ProviderError | None:
        try:
            await self.providers[index].open()
        except ProviderError as error:
            self.failed(index, error)
            return error
        self._opened.add(index)
        return None

    async def _check(self, index: int) -> None:
        try:
            async with asyncio.timeout(self.policy.probe_deadline):
                if index not in self._opened:
                    await self.providers[index].open()
                    self._opened.add(index)
                await self.providers[index].check_health()
        except TimeoutError:
            within = f"within {self.policy.probe_deadline:g} s"
            raise ProviderError(
                f"{self.names[index]} gave no sign of health {within}", retryable=True
            ) from None

    async def _probe(self) -> None:
        loop = asyncio.get_running_loop()
        while True:
            due = self.order.next_probe()
            if due is None:
                self._down.clear()
                await self._down.wait()
                continue
            at, index = due
            await asyncio.sleep(max(0.0, at - loop.time()))
            try:
                await self._check(index)
            except Exception as error:  # noqa: BLE001 - the boundary to a provider
                self.failed(index, error)
            else:
                self.succeeded(index)

    def _now(self) -> float:
        return asyncio.get_running_loop().time()


async def leave(closing: Sequence[asyncio.Task[None]]) -> None:
    """Wait for streams that are being closed; what they raise is the provider's affair."""
    for task in closing:
        with suppress(Exception):
            await task
