from __future__ import annotations

import pytest

from beluga_voice.errors import ConfigurationError
from beluga_voice.resilience import FallbackPolicy, Order

POLICY = FallbackPolicy(cooldown=5, breaker_failures=3, breaker_successes=2, breaker_reset=30)


def test_the_first_that_is_well_is_asked_and_who_failed_comes_last() -> None:
    order = Order(3, POLICY, probes=True)
    order.failed(0, 1.0)
    assert order.candidates(1.0) == [1, 2, 0]
    assert order.best(1.0) == 1
    assert order.has_other(1, 1.0)
    order.failed(2, 1.0)
    assert not order.has_other(1, 1.0)


def test_who_failed_is_asked_again_when_a_probe_has_seen_it_well() -> None:
    order = Order(2, POLICY, probes=True)
    order.failed(0, 1.0)
    assert order.best(100.0) == 1
    assert order.next_probe() == (6.0, 0)
    order.succeeded(0, 6.0)
    assert order.best(6.0) == 0
    assert order.next_probe() is None


def test_without_probes_the_call_after_the_cooldown_is_one() -> None:
    order = Order(2, POLICY, probes=False)
    order.failed(0, 1.0)
    assert [order.best(at) for at in (5.9, 6.0)] == [1, 0]


def test_who_fails_again_and_again_is_left_alone_and_trusted_after_two_successes() -> None:
    order = Order(2, POLICY, probes=True)
    for now in (1.0, 2.0, 3.0):
        order.failed(0, now)
    assert order.candidates(10.0) == [1]
    assert order.next_probe() == (33.0, 0)
    order.succeeded(0, 33.0)
    assert order.best(33.0) == 1
    order.succeeded(0, 33.1)
    assert order.best(33.1) == 0


def test_numbers_that_make_no_sense_are_refused() -> None:
    with pytest.raises(ConfigurationError, match="cooldown is 0; it must be above 0"):
        FallbackPolicy(cooldown=0)
