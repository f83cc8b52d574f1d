"""The curve: what each setting of endpointing costs in false cut-offs and in delay, and how sure that is.

As eot-bench does, all settings of a method are swept together, and its curve is the best of them: for each mean
delay that one is ready to wait, the least rate of false cut-offs. Intervals are percentiles of a bootstrap that
draws sources (sentences, recordings), not turns, and chooses the best settings anew in each draw.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass, replace

import numpy as np
from numpy.typing import NDArray
from politeness_calls import Answer, Heard, Judge, Progress, calls_of, decide

from beluga_voice import TurnPolicy

Floats = NDArray[np.float64]

DELAYS = (0.6, 0.8, 1.0)
RATES = (0.2, 0.1, 0.05)
"""The mean delays, in seconds, at which cut-offs are compared, and the other way round."""

DRAWS = 2000
LOW, HIGH = 2.5, 97.5

_LEAST, _MOST = 0.25, 1.75
"""Seconds of the short delays that are tried: the VAD needs as long to find the end of speech as the first, and
after the last few pauses are left."""


@dataclass(frozen=True, slots=True)
class Method:
    """A way to find the end of a turn, whose delays are swept.

    Attributes:
        name: for the reader.
        judge: the turn detector; None for none.
        adaptive: whether the short delay follows the caller's pauses.
        thresholds: of the detector's probability.
    """

    name: str
    judge: Judge | None = None
    adaptive: bool = False
    thresholds: tuple[float, ...] = (0.5,)

    def policies(self, step: float) -> list[TurnPolicy]:
        """Return what is tried, the delays `step` seconds apart, the defaults first."""
        base = TurnPolicy(endpointing="adaptive" if self.adaptive else "fixed")
        if self.judge is None and not self.adaptive:
            found = [(low, max(low, base.endpoint_max)) for low in _range(_LEAST, _MOST, step / 2)]
        else:
            lows, highs = _range(_LEAST, _MOST, step), _range(2 * _LEAST, 2.5, 5 * step)
            found = [(low, high) for low in lows for high in highs if high >= low]
        swept = [
            replace(base, endpoint_min=low, endpoint_max=high, detector_threshold=threshold)
            for threshold in (self.thresholds if self.judge is not None else (base.detector_threshold,))
            for low, high in found
        ]
        return [base, *(policy for policy in swept if policy != base)]


def _range(first: float, last: float, step: float) -> list[float]:
    return [round(first + place * step, 4) for place in range(round((last - first) / step) + 1)]


@dataclass(frozen=True, slots=True, eq=False)
class Measured:
    """A method, and what each of its settings made of each turn.

    Attributes:
        policies: the settings; the first is the default.
        cut: pauses in which a turn was closed, shape ``(policies, turns)``.
        delay: seconds from the end of a turn to its close, shape ``(policies, turns)``; not a number if never.
        elsewhere: closes that belong to no pause that counts, over all turns, shape ``(policies,)``.
    """

    name: str
    policies: tuple[TurnPolicy, ...]
    cut: Floats
    delay: Floats
    elsewhere: Floats


async def measure(
    methods: Iterable[Method], heard: Sequence[Heard], step: float, stt_delay: float, progress: Progress
) -> list[Measured]:
    """Go through all turns with each setting of each method; turns are in the order of `in_order`."""
    calls = calls_of(heard)
    found = []
    for method in methods:
        policies = method.policies(step)
        answers: list[list[Answer]] = []
        for policy in policies:
            answers.append(await decide(calls, policy, method.judge, stt_delay))
            if len(answers) % 20 == 0 or len(answers) == len(policies):
                progress(f"{method.name}: {len(answers)} of {len(policies)} settings")
        found.append(
            Measured(
                method.name,
                tuple(policies),
                np.array([[float(sum(each.cut)) for each in row] for row in answers]),
                np.array([[each.delay for each in row] for row in answers]),
                np.array([float(sum(each.elsewhere for each in row)) for row in answers]),
            )
        )
    return found


def in_order(heard: Sequence[Heard]) -> list[Heard]:
    """Return the turns as the calls have them."""
    return [each for call in calls_of(heard) for each in call]


@dataclass(frozen=True, slots=True)
class Estimate:
    """A figure with its interval of 95 %; None where no setting reaches it."""

    value: float | None
    low: float | None
    high: float | None

    def as_json(self) -> list[float | None]:
        """Give it as JSON's types."""
        return [None if each is None else round(each, 4) for each in (self.value, self.low, self.high)]


class Curves:
    """The curves of all methods over the same draws, so that they can be compared.

    Args:
        measured: the methods; others are compared with the first.
        heard: the turns, as `in_order` gives them.
        seed: of the draws.
        draws: how many.
    """

    def __init__(self, measured: Sequence[Measured], heard: Sequence[Heard], seed: int, draws: int = DRAWS):
        self.measured = list(measured)
        sources = sorted({each.turn.source for each in heard})
        of_turn = np.array([sources.index(each.turn.source) for each in heard])
        draw = np.random.default_rng([seed, 4])
        counts = draw.multinomial(len(sources), np.full(len(sources), 1 / len(sources)), draws)
        weights = np.vstack([np.ones(len(heard)), counts[:, of_turn]])  # the first draw is what there is
        pauses = np.array([float(len(each.turn.pauses)) for each in heard])
        self.rate = [each.cut @ weights.T / np.maximum(pauses @ weights.T, 1) for each in self.measured]
        self.delay = [_mean(each.delay, weights) for each in self.measured]

    def defaults(self, method: int) -> tuple[Estimate, Estimate]:
        """Return the rate of cut-offs and the mean delay with the settings as they come."""
        return _estimate(self.rate[method][0]), _estimate(self.delay[method][0])

    def rate_at(self, method: int, delay: float) -> Estimate:
        """Return the least rate of cut-offs at a mean delay of no more than this."""
        return _estimate(self._rates(method, delay))

    def delay_at(self, method: int, rate: float) -> Estimate:
        """Return the least mean delay at a rate of cut-offs of no more than this."""
        return _estimate(self._delays(method, rate))

    def rate_beyond_first(self, method: int, delay: float) -> Estimate:
        """Return how much the rate differs from the first method's, over the same draws."""
        return _estimate(self._rates(method, delay) - self._rates(0, delay))

    def delay_beyond_first(self, method: int, rate: float) -> Estimate:
        """Return how much the delay differs from the first method's, over the same draws."""
        return _estimate(self._delays(method, rate) - self._delays(0, rate))

    def _rates(self, method: int, delay: float) -> Floats:
        return _best(self.rate[method], self.delay[method], delay)

    def _delays(self, method: int, rate: float) -> Floats:
        return _best(self.delay[method], self.rate[method], rate)

    def frontier(self, method: int) -> list[tuple[float, float, TurnPolicy]]:
        """Return the settings that no other one betters, by delay: mean delay, rate of cut-offs, policy."""
        rate, delay = self.rate[method][:, 0], self.delay[method][:, 0]
        found: list[tuple[float, float, TurnPolicy]] = []
        for place in np.lexsort((rate, delay)):
            if not found or rate[place] < found[-1][1]:
                found.append((float(delay[place]), float(rate[place]), self.measured[method].policies[place]))
        return found

    def band(self, method: int, delays: Iterable[float]) -> list[tuple[float, Estimate]]:
        """Return the rate with its interval at each of some delays that can be reached."""
        estimates = [(delay, self.rate_at(method, delay)) for delay in delays]
        return [(delay, each) for delay, each in estimates if each.value is not None and each.low is not None]


def _mean(delay: Floats, weights: Floats) -> Floats:
    """Average what is known, for each setting and draw."""
    known = ~np.isnan(delay)
    total: Floats = np.where(known, delay, 0.0) @ weights.T
    mean: Floats = total / np.maximum(known.astype(float) @ weights.T, 1e-9)
    return mean


def _best(wanted: Floats, limited: Floats, limit: float) -> Floats:
    """Return for each draw the least of `wanted` among settings within the limit, else not a number."""
    least: Floats = np.where(limited <= limit + 1e-9, wanted, np.inf).min(axis=0)
    return np.where(np.isinf(least), np.nan, least)


def _estimate(draws: Floats) -> Estimate:
    """Take the first draw for the value; the interval is of those others that reach it, if most do."""
    value, others = float(draws[0]), draws[1:][~np.isnan(draws[1:])]
    if np.isnan(value):
        return Estimate(None, None, None)
    if 2 * len(others) < len(draws) - 1:
        return Estimate(value, None, None)
    low, high = np.percentile(others, (LOW, HIGH)) if len(others) else (value, value)
    return Estimate(value, float(low), float(high))
