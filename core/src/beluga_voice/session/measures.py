"""What a session counts of itself: the latency of its turns, and what it uses."""

from __future__ import annotations

from collections.abc import Callable

from beluga_voice import events as ev
from beluga_voice.commands import Seen
from beluga_voice.latency import LatencyLedger
from beluga_voice.usage import Prices, SessionUsage, UsageLedger, measured


class Measures:
    """Keeps the ledgers of one run of a session.

    Args:
        prices: what its providers cost.
    """

    def __init__(self, prices: Prices) -> None:
        self._prices = prices
        self._latency = LatencyLedger()
        self._usage = UsageLedger()
        self._seconds: Callable[[], float] = float

    def counts_audio(self, seconds: Callable[[], float]) -> None:
        """Take from `seconds` how much audio the STT was given: it is counted where it is sent."""
        self._seconds = seconds

    def see(self, event: ev.Event, saw: Seen = ()) -> ev.TurnMeasured | None:
        """Take an event, and what it was decided by; returns what is known of a turn by it."""
        self._usage.see(event)
        if isinstance(event, ev.TurnClosed):
            delay = dict(saw).get("delay")
            return self._latency.see(event, delay if isinstance(delay, (int, float)) else None)
        return self._latency.see(event)

    @property
    def usage(self) -> SessionUsage:
        """All that was used so far."""
        return self._usage.total(self._seconds())

    def usage_at(self, at: float) -> ev.UsageMeasured:
        """What was used, and its cost, as an event."""
        return measured(at, self.usage, self._prices)
