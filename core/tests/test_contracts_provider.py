"""What all providers have in common."""

from __future__ import annotations

import pytest

from beluga_voice.contracts import Provider
from beluga_voice.errors import ProviderError


class _Lamp(Provider):
    """Tells whether it is on, and how often it was switched."""

    def __init__(self, *, broken: bool = False) -> None:
        self.broken = broken
        self.switched: list[str] = []

    async def open(self) -> None:
        if self.broken:
            raise ProviderError("no bulb")
        self.switched.append("on")

    async def aclose(self) -> None:
        self.switched.append("off")


async def test_a_context_opens_the_provider_it_gives_and_closes_it() -> None:
    lamp = _Lamp()
    async with lamp as entered:
        assert entered is lamp
        assert lamp.switched == ["on"]
    assert lamp.switched == ["on", "off"]


async def test_an_error_within_the_context_closes_the_provider_and_is_raised() -> None:
    lamp = _Lamp()
    with pytest.raises(LookupError, match="dark"):
        async with lamp:
            raise LookupError("dark")
    assert lamp.switched == ["on", "off"]


async def test_a_provider_that_does_not_open_is_not_entered() -> None:
    lamp, entered = _Lamp(broken=True), False
    with pytest.raises(ProviderError, match="no bulb"):
        async with lamp:
            entered = True
    assert not entered
    assert lamp.switched == []


async def test_a_provider_of_nothing_to_load_needs_neither_open_nor_close() -> None:
    class Plain(Provider):
        pass

    async with Plain() as plain:
        await plain.aclose()
