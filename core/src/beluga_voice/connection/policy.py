"""How a connection is looked after: deadlines, and what is done when it is lost. Pure: times are arguments."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

from beluga_voice.errors import ConfigurationError, ProviderError


@dataclass(frozen=True, slots=True, kw_only=True)
class ConnectionPolicy:
    """How long what may take, in seconds, and how often a lost connection is opened again.

    Attributes:
        open_deadline: for the handshake, and for the vendor's word that it is ready, where it gives one.
        send_deadline: for one message to be taken: who accepts and never reads is cut by this.
        answer_deadline: without a message while one is owed.
        close_deadline: for a polite end; then the socket is cut.
        keep_alive: without a message of ours after which one is sent that keeps the connection; 0 for never.
        ping: between WebSocket pings; a pong must come within half of it. 0 for never.
        tries: how often in a row a connection may fail to open, or be lost before it was `stable`.
        stable: after which a connection that is lost counts as one that had worked; waiting for an answer that
            never came is no work.
        first_delay: before the second try in a row; 0 by default, for the line may just have dropped.
        delay: before the third, doubled for each further one.
        max_delay: between two tries; a vendor that asks for more (Retry-After) is given up.
        jitter: share by which each delay is varied at random.
        replay: of audio that is kept to be sent again; the oldest is dropped beyond.
        max_message: bytes of one message, 4 MiB by default: audio and its times come in far smaller ones.

    Raises:
        ConfigurationError: a value makes no sense.
    """

    open_deadline: float = 5.0
    send_deadline: float = 2.0
    answer_deadline: float = 10.0
    close_deadline: float = 0.5
    keep_alive: float = 5.0
    ping: float = 20.0
    tries: int = 4
    stable: float = 10.0
    first_delay: float = 0.0
    delay: float = 0.1
    max_delay: float = 5.0
    jitter: float = 0.2
    replay: float = 30.0
    max_message: int = 4 << 20

    def __post_init__(self) -> None:
        """Hold the bounds."""
        for name in ("open_deadline", "send_deadline", "answer_deadline", "close_deadline", "replay"):
            if getattr(self, name) <= 0:
                raise ConfigurationError(f"{name} is {getattr(self, name):g} s; it must be above 0")
        for name in ("keep_alive", "ping", "stable", "first_delay", "delay", "max_delay"):
            if getattr(self, name) < 0:
                raise ConfigurationError(f"{name} is {getattr(self, name):g} s; it must be 0 or more")
        if self.tries < 1 or self.max_message < 1:
            raise ConfigurationError("tries and max_message must be 1 or more")
        if not 0 <= self.jitter < 1:
            raise ConfigurationError(f"jitter is {self.jitter:g}; it must be from 0 to below 1")


class Supervisor:
    """Judges a connection that opens, works and fails: what is due when, and whether to try again.

    Args:
        policy: the numbers.
        draw: gives a random number from 0 to 1, for the jitter.
    """

    __slots__ = ("_answer_from", "_draw", "_failures", "_opened", "_policy", "_sent")

    def __init__(self, policy: ConnectionPolicy, draw: Callable[[], float]) -> None:
        self._policy = policy
        self._draw = draw
        self._failures = 0
        self._opened: float | None = None
        self._sent = 0.0
        self._answer_from: float | None = None

    @property
    def failures(self) -> int:
        """How often in a row it failed without having been stable."""
        return self._failures

    # -- what happens --

    def opened(self, now: float) -> None:
        """The connection is open."""
        self._opened = self._sent = now
        self._answer_from = None

    def sent(self, now: float) -> None:
        """A message was taken."""
        self._sent = now

    def received(self, now: float) -> None:
        """A message has come."""
        if self._answer_from is not None:
            self._answer_from = now

    def owed(self, owes: bool, now: float) -> None:
        """The vendor owes something, or no more."""
        if not owes:
            self._answer_from = None
        elif self._answer_from is None:
            self._answer_from = now

    def lost(self, error: ProviderError, now: float) -> float | None:
        """Return the seconds to wait before the next try; None if there is to be none."""
        policy = self._policy
        worked_until = now if self._answer_from is None else self._answer_from
        if self._opened is not None and worked_until - self._opened >= policy.stable:
            self._failures = 0
        self._opened = self._answer_from = None
        self._failures += 1
        asked = error.retry_after or 0.0
        if not error.retryable or self._failures >= policy.tries or asked > policy.max_delay:
            return None
        later = self._failures - 2
        delay = policy.first_delay if later < 0 else min(policy.max_delay, policy.delay * 2.0**later)
        return max(asked, delay * (1 + policy.jitter * (2 * self._draw() - 1)))

    # -- what is due --

    @property
    def keep_alive_at(self) -> float | None:
        """When a message that keeps the connection is due; None for never."""
        if self._opened is None or not self._policy.keep_alive:
            return None
        return self._sent + self._policy.keep_alive

    @property
    def answer_by(self) -> float | None:
        """When what is owed must have come; None if nothing is."""
        return None if self._answer_from is None else self._answer_from + self._policy.answer_deadline
