from __future__ import annotations

from hypothesis import given
from hypothesis import strategies as st

from beluga_voice.resilience import Breaker, BreakerState


def test_opens_at_the_fifth_failure_in_a_row_and_lets_calls_through_to_try_after_its_reset() -> None:
    breaker = Breaker(5, 2, 30)
    for _ in range(4):
        breaker.failed(1.0)
    assert breaker.state(1.0) is BreakerState.CLOSED
    breaker.failed(2.0)
    assert [breaker.state(at) for at in (2.0, 31.9, 32.0)] == [
        BreakerState.OPEN,
        BreakerState.OPEN,
        BreakerState.HALF_OPEN,
    ]


def test_closes_after_two_successes_and_opens_at_once_at_a_failure_between() -> None:
    breaker = Breaker(1, 2, 30)
    breaker.failed(0.0)
    breaker.succeeded(30.0)
    assert breaker.state(30.0) is BreakerState.HALF_OPEN
    breaker.failed(31.0)
    assert breaker.state(31.0) is BreakerState.OPEN
    breaker.succeeded(61.0)
    breaker.succeeded(61.0)
    assert breaker.state(61.0) is BreakerState.CLOSED


def test_a_success_forgets_the_failures_before_it() -> None:
    breaker = Breaker(2, 1, 30)
    breaker.failed(0.0)
    breaker.succeeded(1.0)
    breaker.failed(2.0)
    assert breaker.state(2.0) is BreakerState.CLOSED


@given(st.lists(st.tuples(st.booleans(), st.floats(0, 20)), max_size=60))
def test_it_is_open_only_within_its_reset_after_a_failure(calls: list[tuple[bool, float]]) -> None:
    breaker, now, last = Breaker(3, 2, 10), 0.0, None
    for well, pause in calls:
        now += pause
        if breaker.state(now) is BreakerState.OPEN:
            assert last is not None
            assert now < last + 10
        elif well:
            breaker.succeeded(now)
        else:
            breaker.failed(now)
            last = now
