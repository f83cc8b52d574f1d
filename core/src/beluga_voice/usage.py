"""The usage ledger: what a session took of its providers, and what that costs by a table of prices. Pure."""

from __future__ import annotations

import re
from dataclasses import dataclass, field, fields

from beluga_voice import events as ev
from beluga_voice.errors import ConfigurationError
from beluga_voice.turns.policy import check_bounds

MILLION = 1e6


def _price(what: str) -> float:
    """Declare a price."""
    described: float = field(default=0.0, metadata={"low": 0, "high": 1e6, "meaning": f"price of {what}"})
    return described


@dataclass(frozen=True, slots=True, kw_only=True)
class Prices:
    """What providers cost. With no price set, usage is counted and no cost told.

    Raises:
        ConfigurationError: a value is out of bounds.
    """

    currency: str = field(default="USD", metadata={"meaning": "of all prices, ISO 4217"})
    stt_minute: float = _price("a minute of audio given to the STT")
    tts_million_characters: float = _price("a million characters given to the TTS")
    million_input: float = _price("a million tokens of text that a model reads and has not cached")
    million_cached: float = _price("a million tokens that a model reads from its cache")
    million_output: float = _price("a million tokens of text that a model writes")
    million_audio_input: float = _price("a million tokens of audio that a model reads")
    million_audio_output: float = _price("a million tokens of audio that a model writes")

    def __post_init__(self) -> None:
        """Hold the bounds."""
        for spec in fields(self):
            if "low" in spec.metadata:
                check_bounds(spec.name, getattr(self, spec.name), spec.metadata["low"], spec.metadata["high"])
        if not re.fullmatch("[A-Z]{3}", self.currency):
            raise ConfigurationError(
                f"currency is {self.currency!r}; it must be three capitals of ISO 4217, as in 'EUR'"
            )

    @property
    def known(self) -> bool:
        """Whether there is any price."""
        return any(getattr(self, spec.name) for spec in fields(self) if spec.name != "currency")


@dataclass(frozen=True, slots=True, kw_only=True)
class SessionUsage:
    """What a session has used so far.

    Attributes:
        stt_seconds: of audio that the STT was given.
        tts_characters: that the TTS was given.
        input_tokens: that models read, cached ones and those of audio included.
        output_tokens: that models wrote, those of audio included.
        cached_tokens: of those read, what vendors had kept from before.
        audio_input_tokens: of those read, those of audio.
        audio_output_tokens: of those written, those of audio.
    """

    stt_seconds: float = 0.0
    tts_characters: int = 0
    input_tokens: int = 0
    output_tokens: int = 0
    cached_tokens: int = 0
    audio_input_tokens: int = 0
    audio_output_tokens: int = 0

    def cost(self, prices: Prices) -> float | None:
        """Return what it costs, in the prices' currency; None if there is no price."""
        if not prices.known:
            return None
        fresh = max(0, self.input_tokens - self.cached_tokens - self.audio_input_tokens)
        written = max(0, self.output_tokens - self.audio_output_tokens)
        millionths = (
            self.tts_characters * prices.tts_million_characters
            + fresh * prices.million_input
            + self.cached_tokens * prices.million_cached
            + written * prices.million_output
            + self.audio_input_tokens * prices.million_audio_input
            + self.audio_output_tokens * prices.million_audio_output
        )
        return self.stt_seconds / 60 * prices.stt_minute + millionths / MILLION


class UsageLedger:
    """Counts what a session uses, from its events: give them to `see`."""

    def __init__(self) -> None:
        self._characters = 0
        self._tokens = [0, 0, 0, 0, 0]

    def see(self, event: ev.Event) -> None:
        """Take an event."""
        if type(event) is ev.TextGiven:
            self._characters += event.characters
        elif type(event) is ev.ModelAnswered:
            more = (
                event.input_tokens,
                event.output_tokens,
                event.cached_tokens,
                event.audio_input_tokens,
                event.audio_output_tokens,
            )
            self._tokens = [had + new for had, new in zip(self._tokens, more, strict=True)]

    def total(self, stt_seconds: float) -> SessionUsage:
        """Return all that was used; the seconds of audio are counted where it is sent."""
        read, written, cached, heard, spoken = self._tokens
        return SessionUsage(
            stt_seconds=stt_seconds,
            tts_characters=self._characters,
            input_tokens=read,
            output_tokens=written,
            cached_tokens=cached,
            audio_input_tokens=heard,
            audio_output_tokens=spoken,
        )


def measured(at: float, usage: SessionUsage, prices: Prices) -> ev.UsageMeasured:
    """Make the event that tells of `usage`."""
    cost = usage.cost(prices)
    totals = {spec.name: getattr(usage, spec.name) for spec in fields(usage)}
    return ev.UsageMeasured(at, **totals, cost=cost, currency="" if cost is None else prices.currency)
