"""The policy's bounds: a value that cannot work is refused with what is allowed."""

from __future__ import annotations

from dataclasses import fields

import pytest

from beluga_voice.errors import ConfigurationError
from beluga_voice.turns import TurnPolicy

BOUNDED = [spec for spec in fields(TurnPolicy) if "low" in spec.metadata]


@pytest.mark.parametrize("spec", BOUNDED, ids=lambda spec: spec.name)
def test_a_value_outside_its_bounds_is_refused_by_name(spec: object) -> None:
    name, low, high = spec.name, spec.metadata["low"], spec.metadata["high"]  # type: ignore[attr-defined]
    for value in (low - 0.001, high + 0.001, float("nan")):
        with pytest.raises(ConfigurationError, match=rf"^{name} is .*must be from {low} to {high}$"):
            TurnPolicy(**{name: value})


@pytest.mark.parametrize("value", ["1", None, True])
def test_what_is_no_number_is_refused(value: object) -> None:
    with pytest.raises(ConfigurationError, match=r"^stall is .*must be a number from"):
        TurnPolicy(stall=value)  # type: ignore[arg-type]


def test_the_shorter_delay_may_not_be_the_longer() -> None:
    with pytest.raises(
        ConfigurationError, match=r"endpoint_min is 2; it must be at most endpoint_max, which is 1"
    ):
        TurnPolicy(endpoint_min=2, endpoint_max=1)
    assert TurnPolicy(endpoint_min=1, endpoint_max=1).endpoint_max == 1


def test_a_choice_names_what_may_be_chosen() -> None:
    with pytest.raises(
        ConfigurationError, match=r"^barge_in_action is 'shout'; allowed are 'pause' and 'duck'$"
    ):
        TurnPolicy(barge_in_action="shout")  # type: ignore[arg-type]
