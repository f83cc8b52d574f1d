"""Which of several providers is asked: the first that is well. Pure: times are arguments."""

from __future__ import annotations

from dataclasses import dataclass

from beluga_voice.errors import ConfigurationError
from beluga_voice.resilience.breaker import Breaker, BreakerState


@dataclass(frozen=True, slots=True, kw_only=True)
class FallbackPolicy:
    """When a provider counts as failed, and when it is asked again. Durations are seconds.

    Attributes:
        answer_deadline: for a recognizer's answer to `finalize`, a voice's first audio and each further part that
            is not there when it is to be heard, from the first try; a provider's `p99_delay` twice over, if more.
        first_chunk_deadline: for a language model's first chunk.
        open_deadline: for a stream to open, while another provider could be asked.
        cooldown: after a failure, before a provider is tried again.
        probe_deadline: for a health check.
        breaker_failures: in a row after which a provider is left alone.
        breaker_successes: in a row after which it is trusted again.
        breaker_reset: for which it is left alone.
        replay: of the caller's audio that is kept to be heard again by the next recognizer.

    Raises:
        ConfigurationError: a number is not above 0.
    """

    answer_deadline: float = 0.7
    first_chunk_deadline: float = 8.0
    open_deadline: float = 2.0
    cooldown: float = 5.0
    probe_deadline: float = 5.0
    breaker_failures: int = 5
    breaker_successes: int = 2
    breaker_reset: float = 30.0
    replay: float = 120.0

    def __post_init__(self) -> None:
        """Hold the bounds."""
        for name in self.__slots__:
            if getattr(self, name) <= 0:
                raise ConfigurationError(f"{name} is {getattr(self, name):g}; it must be above 0")


class _Standing:
    """How one provider has done of late."""

    __slots__ = ("breaker", "down", "until")

    def __init__(self, policy: FallbackPolicy) -> None:
        self.breaker = Breaker(policy.breaker_failures, policy.breaker_successes, policy.breaker_reset)
        self.down = False
        self.until = 0.0


class Order:
    """Providers in the order of preference, each with how it has done of late.

    One that fails is down for the cooldown, and then until it was seen well again by a probe, if there are any;
    its breaker may leave it alone for longer.

    Args:
        count: of the providers.
        policy: the numbers.
        probes: whether someone probes what is down; else the next call after the cooldown is the probe.
    """

    def __init__(self, count: int, policy: FallbackPolicy, *, probes: bool) -> None:
        self._policy = policy
        self._probes = probes
        self._standings = [_Standing(policy) for _ in range(count)]

    def candidates(self, now: float) -> list[int]:
        """Return whom to ask, one after the other: who is well first, and who is left alone not at all."""
        let_through = [i for i, each in enumerate(self._standings) if self._let_through(each, now)]
        return sorted(let_through, key=lambda i: (not self._well(self._standings[i], now), i))

    def best(self, now: float) -> int | None:
        """Return the first that is well; None if none is."""
        return next((i for i, each in enumerate(self._standings) if self._well(each, now)), None)

    def has_other(self, index: int, now: float) -> bool:
        """Return whether another provider than this one is well."""
        return any(self._well(each, now) for i, each in enumerate(self._standings) if i != index)

    def succeeded(self, index: int, now: float) -> None:
        """A call, or a probe, went well."""
        standing = self._standings[index]
        standing.breaker.succeeded(now)
        if standing.breaker.state(now) is BreakerState.CLOSED:
            standing.down = False
        else:
            standing.until = now  # to be probed once more

    def failed(self, index: int, now: float) -> None:
        """A call, or a probe, failed."""
        standing = self._standings[index]
        standing.breaker.failed(now)
        standing.down = True
        standing.until = max(now + self._policy.cooldown, standing.breaker.opens_again)

    def next_probe(self) -> tuple[float, int] | None:
        """Return when which provider is to be probed; None if all are well."""
        due = [(each.until, i) for i, each in enumerate(self._standings) if each.down]
        return min(due, default=None)

    def _let_through(self, standing: _Standing, now: float) -> bool:
        return standing.breaker.state(now) is not BreakerState.OPEN

    def _well(self, standing: _Standing, now: float) -> bool:
        if not self._let_through(standing, now):
            return False
        return not standing.down or (not self._probes and now >= standing.until)
