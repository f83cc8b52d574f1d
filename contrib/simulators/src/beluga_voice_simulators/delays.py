"""How long vendors take: drawn from a distribution of a given median and 95th percentile."""

from __future__ import annotations

import asyncio
import math
import random
from dataclasses import dataclass

Z95 = 1.6449
"""The 95th percentile of the standard normal distribution."""


@dataclass(frozen=True, slots=True)
class Delay:
    """Seconds, log-normally distributed: delays of servers are skewed, and never below zero.

    Attributes:
        median: half take less.
        p95: 95 of 100 take less; at least the median.
    """

    median: float
    p95: float

    def draw(self, rng: random.Random) -> float:
        """Return one delay."""
        if not self.median:
            return 0.0
        sigma = math.log(self.p95 / self.median) / Z95
        return self.median * math.exp(sigma * rng.gauss(0.0, 1.0))

    async def wait(self, rng: random.Random) -> None:
        """Let one delay pass."""
        await asyncio.sleep(self.draw(rng))


NO_DELAY = Delay(0.0, 0.0)


@dataclass(frozen=True, slots=True)
class Delays:
    """What a vendor takes its time for.

    Attributes:
        final: from the end of speech, or what asks for it, to the final transcript.
        first_token: from a request to the first token of a model's answer.
        token: from one token to the next.
        first_audio: from a text to the first audio.
    """

    final: Delay = NO_DELAY
    first_token: Delay = NO_DELAY
    token: Delay = NO_DELAY
    first_audio: Delay = NO_DELAY


NO_DELAYS = Delays()
