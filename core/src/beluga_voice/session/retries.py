"""How often, and after how long, what has failed is tried again."""

from __future__ import annotations

from random import Random

from beluga_voice.session.config import SessionConfig

FIRST = 0.1
"""Share of the pause before the first retry: what was cut by chance comes back."""

GROWTH = 1.5
"""By how much each further pause is longer than the one before."""

JITTER = 0.1
"""Share of a pause by which it is longer or shorter, so that many sessions do not come back in one instant."""


class Retries:
    """A budget of retries, which is full again after each success.

    Args:
        config: says how many, and the pause before the second.
        seed: of the jitter.
    """

    def __init__(self, config: SessionConfig, seed: str) -> None:
        self._config = config
        self._random = Random(seed)  # noqa: S311 - no secret
        self._spent = 0

    def succeed(self) -> None:
        """What was tried has worked."""
        self._spent = 0

    def next_pause(self) -> float | None:
        """Spend a retry; returns the seconds to wait before it, or None if there is none left."""
        if self._spent >= self._config.max_retries:
            return None
        self._spent += 1
        pause = self._config.retry_delay
        pause *= FIRST if self._spent == 1 else GROWTH ** (self._spent - 2)
        return pause * self._random.uniform(1 - JITTER, 1 + JITTER)
