"""The checks bite: each broken provider is caught by the promise that it breaks, and by no other."""

from __future__ import annotations

import asyncio

import pytest

from beluga_voice.testing import collect

from . import detectors, dialogue, recognizers, voices, wires
from .cage import ZOO, Animal

HOUSES = (detectors, dialogue, recognizers, voices, wires)


async def end_what_is_left() -> None:
    """Some animals leave tasks running: that is their fault."""
    left = asyncio.all_tasks() - {asyncio.current_task()}
    for task in left:
        task.cancel()
    if left:
        await asyncio.wait(left)


@pytest.mark.parametrize("animal", ZOO, ids=lambda animal: animal.name)
async def test_a_broken_provider_is_caught_by_its_promise_and_by_no_other(animal: Animal) -> None:
    with collect() as report:
        await animal.check()
    await end_what_is_left()
    broken = {finding.says: finding.seen for finding in report.broken}
    expected = {says for says in broken if any(says.startswith(each) for each in animal.promises)}
    assert set(broken) == expected, {says: broken[says] for says in set(broken) - expected}
    missed = [each for each in animal.promises if not any(says.startswith(each) for says in broken)]
    assert not missed, f"not caught: {missed}"


@pytest.mark.parametrize("animal", ZOO[:1], ids=lambda animal: animal.name)
async def test_a_check_that_is_not_collected_raises_one_sentence(animal: Animal) -> None:
    with pytest.raises(
        AssertionError, match=rf"^{animal.name} breaks a promise of beluga_voice\.contracts\."
    ) as caught:
        await animal.check()
    await end_what_is_left()
    assert "\n" not in str(caught.value)


def test_there_are_at_least_forty_of_them() -> None:
    assert len({animal.name for animal in ZOO}) == len(ZOO) >= 40
