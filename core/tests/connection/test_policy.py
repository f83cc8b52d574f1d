from __future__ import annotations

import pytest

from beluga_voice.connection import ConnectionPolicy, Service, Supervisor, retry_after, status_error
from beluga_voice.errors import ConfigurationError, ProviderError

POLICY = ConnectionPolicy(tries=4, delay=0.1, max_delay=1, jitter=0, stable=10)
LOST = ProviderError("gone", retryable=True)


def supervisor(policy: ConnectionPolicy = POLICY, draw: float = 0.5) -> Supervisor:
    return Supervisor(policy, lambda: draw)


def test_a_lost_connection_is_opened_again_at_once_then_ever_later_and_at_last_no_more() -> None:
    judge = supervisor()
    assert [judge.lost(LOST, 0.0) for _ in range(4)] == [0.0, 0.1, 0.2, None]


def test_a_connection_that_drops_right_after_opening_counts_as_a_failure() -> None:
    judge = supervisor()
    delays = []
    for now in (0.0, 1.0, 2.0, 3.0):
        judge.opened(now)
        delays.append(judge.lost(LOST, now + 0.5))
    assert delays[-1] is None


def test_a_connection_that_had_worked_begins_its_tries_anew() -> None:
    judge = supervisor()
    for now in (0.0, 100.0, 200.0, 300.0, 400.0):
        judge.opened(now)
        assert judge.lost(LOST, now + 10) == 0.0


def test_what_cannot_succeed_is_not_tried_again() -> None:
    assert supervisor().lost(ProviderError("wrong key"), 0.0) is None


def test_the_vendor_s_retry_after_is_waited_for_and_refused_beyond_the_longest_delay() -> None:
    assert supervisor().lost(ProviderError("busy", retryable=True, retry_after=0.7), 0.0) == 0.7
    assert supervisor().lost(ProviderError("busy", retryable=True, retry_after=30), 0.0) is None


@pytest.mark.parametrize(("draw", "delay"), [(0.0, 0.05), (1.0, 0.15)])
def test_delays_are_spread_by_the_jitter(draw: float, delay: float) -> None:
    judge = supervisor(ConnectionPolicy(delay=0.1, jitter=0.5), draw)
    judge.lost(LOST, 0.0)
    assert judge.lost(LOST, 0.0) == pytest.approx(delay)


def test_a_keep_alive_is_due_after_the_last_message_of_ours() -> None:
    judge = supervisor(ConnectionPolicy(keep_alive=5))
    assert judge.keep_alive_at is None
    judge.opened(10.0)
    judge.sent(12.0)
    assert judge.keep_alive_at == 17.0


def test_an_answer_is_due_while_one_is_owed_and_each_message_moves_it() -> None:
    judge = supervisor(ConnectionPolicy(answer_deadline=3))
    judge.opened(0.0)
    assert judge.answer_by is None
    judge.owed(True, 1.0)
    judge.owed(True, 2.0)
    assert judge.answer_by == 4.0
    judge.received(3.0)
    assert judge.answer_by == 6.0
    judge.owed(False, 4.0)
    assert judge.answer_by is None


@pytest.mark.parametrize(
    "wrong",
    [{"open_deadline": 0}, {"delay": -1}, {"tries": 0}, {"jitter": 1.0}, {"replay": 0}, {"max_message": 0}],
)
def test_a_policy_that_makes_no_sense_is_refused(wrong: dict[str, float]) -> None:
    with pytest.raises(ConfigurationError, match=next(iter(wrong))):
        ConnectionPolicy(**wrong)  # type: ignore[arg-type]


@pytest.mark.parametrize(
    ("status", "retryable"),
    [
        (400, False),
        (401, False),
        (402, False),
        (403, False),
        (404, False),
        (408, True),
        (409, True),
        (422, False),
        (429, True),
        (500, True),
        (501, False),
        (503, True),
        (529, True),
    ],
)
def test_each_status_tells_whether_to_try_again(status: int, retryable: bool) -> None:
    assert status_error(status, Service("Acme")).retryable is retryable


def test_a_refused_key_names_where_the_key_is_set_and_never_what_the_vendor_says_of_it() -> None:
    error = status_error(401, Service("Acme", "ACME_API_KEY"), text="the key sk-12345 is wrong")
    assert str(error) == "Acme refused the key (HTTP 401). Try: another key in ACME_API_KEY"


def test_a_vendor_s_words_are_quoted_on_one_line_and_cut() -> None:
    error = status_error(404, Service("Acme"), text="no model\n 'x'" + "!" * 300)
    assert str(error).startswith("Acme knows no such model, voice or address (HTTP 404): no model 'x'!!!")
    assert len(str(error)) < 280


@pytest.mark.parametrize(
    ("headers", "seconds"),
    [
        ({"Retry-After": "7"}, 7.0),
        ({"retry-after": " 0.5 "}, 0.5),
        ({"Retry-After": "-1"}, 0.0),
        (
            {"Retry-After": "Wed, 21 Oct 2026 07:28:30 GMT", "Date": "Wed, 21 Oct 2026 07:28:00 GMT"},
            30.0,
        ),
        ({"Retry-After": "Wed, 21 Oct 2026 07:28:30 GMT"}, None),
        ({"Retry-After": "soon"}, None),
        ({}, None),
    ],
)
def test_retry_after_is_read_as_seconds_or_as_a_date(headers: dict[str, str], seconds: float | None) -> None:
    assert retry_after(headers) == seconds


def test_a_vendor_that_takes_everything_and_never_answers_is_given_up() -> None:
    policy = ConnectionPolicy(answer_deadline=10.0, stable=10.0, tries=3, jitter=0)
    supervisor = Supervisor(policy, lambda: 0.5)
    now, delays = 0.0, []
    while len(delays) < 10 and None not in delays:
        supervisor.opened(now)
        supervisor.owed(True, now)
        now += policy.answer_deadline
        delays.append(supervisor.lost(ProviderError("no answer", retryable=True), now))
    assert delays[-1] is None
    assert len(delays) == 3
