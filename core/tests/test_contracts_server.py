"""What the server's contracts do by themselves."""

from __future__ import annotations

from collections.abc import Callable, Mapping

import pytest

from beluga_voice.audio import AudioFrame
from beluga_voice.contracts import ASGI, Calls, Connection, Limits, Offer, Routes
from beluga_voice.errors import ConfigurationError, RefusedError


class Wire(Connection):
    def send_nowait(self, frame: AudioFrame) -> None: ...

    def tell(self, message: Mapping[str, object]) -> None: ...

    async def aclose(self, code: str = "", reason: str = "") -> None: ...


class NoRoutes(Routes):
    def apps(self, calls: Callable[[Mapping[str, object]], Calls]) -> Mapping[str, ASGI]:
        return {}


class NoCalls:
    limits = Limits()

    def vouched(self) -> Calls:
        return self

    async def join(self, connection: Connection, *, token: str = "", profile: str | None = None) -> object:
        raise RefusedError(503, "full", "no room", retry_after=5)


@pytest.mark.parametrize(
    ("arguments", "text"), [({"sdp": ""}, "sdp is empty"), ({"sdp": "v=0", "type": "answer"}, "'answer'")]
)
def test_an_offer_that_is_none_is_refused(arguments: dict[str, str], text: str) -> None:
    with pytest.raises(ConfigurationError, match=text):
        Offer(**arguments)  # type: ignore[arg-type]


def test_an_offer_needs_no_more_than_its_description() -> None:
    offer = Offer("v=0")
    assert (offer.type, offer.token, offer.profile) == ("offer", "", None)


def test_a_connection_without_a_buffer_has_played_all() -> None:
    wire = Wire()
    wire.flush()
    assert wire.unplayed == 0


async def test_routes_describe_and_answer_nothing_unless_they_can() -> None:
    routes = NoRoutes()
    assert await routes.describe("call-1") == {}
    with pytest.raises(NotImplementedError):
        await routes.answer(Offer("v=0"), NoCalls())  # type: ignore[arg-type]
    await routes.aclose()


async def test_a_refusal_says_when_it_may_be_tried_again() -> None:
    with pytest.raises(RefusedError, match="no room") as caught:
        await NoCalls().vouched().join(Wire())
    assert (caught.value.status, caught.value.code, caught.value.retry_after) == (503, "full", 5)
