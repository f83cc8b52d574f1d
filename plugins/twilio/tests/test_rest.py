"""Calls out and hang-up, against a simulated REST API on this machine."""

from __future__ import annotations

import asyncio
from base64 import b64decode
from collections.abc import AsyncGenerator
from contextlib import asynccontextmanager
from urllib.parse import parse_qs

import pytest
from aiohttp import web
from pydantic import ValidationError

from beluga_voice.errors import ConfigurationError, ProviderError
from beluga_voice.testing import ScriptedAgent
from beluga_voice_server.testing import scripted_voice
from beluga_voice_twilio.rest import TwilioClient
from beluga_voice_twilio.settings import TwilioSettings
from beluga_voice_twilio.testing import dial, read_twiml

pytestmark = pytest.mark.real_time

SID = "AC" + "7" * 32
TOKEN = "the account's secret"


class Api:
    """The part of the REST API that there is: calls are made, and end."""

    def __init__(self) -> None:
        self.url = ""
        self.calls: dict[str, dict[str, str]] = {}
        self.failures: list[int] = []
        self.asked = 0
        self.ended = asyncio.Event()

    async def serve(self, request: web.Request) -> web.Response:
        self.asked += 1
        scheme, _, pair = request.headers.get("Authorization", "").partition(" ")
        if scheme != "Basic" or b64decode(pair).decode() != f"{SID}:{TOKEN}":
            return self._error(401, 20003, "Authenticate")
        if self.failures:
            return self._error(self.failures.pop(0), 20500, "Internal error")
        form = {name: values[0] for name, values in parse_qs(await request.text()).items()}
        if (sid := request.match_info.get("sid")) is not None:
            if sid not in self.calls:
                return self._error(404, 20404, "The requested resource was not found")
            self.calls[sid] |= form
            self.ended.set()
            return web.json_response({"sid": sid, "status": form["Status"]})
        if not form.get("To", "").startswith("+"):
            return self._error(400, 21211, f"The 'To' number {form.get('To')} is not a valid phone number")
        sid = f"CA{len(self.calls):032x}"
        self.calls[sid] = form
        return web.json_response({"sid": sid, "status": "queued"}, status=201)

    @staticmethod
    def _error(status: int, code: int, message: str) -> web.Response:
        return web.json_response({"code": code, "message": message, "status": status}, status=status)


@asynccontextmanager
async def serving() -> AsyncGenerator[Api, None]:
    api, app = Api(), web.Application()
    folder = f"/2010-04-01/Accounts/{SID}"
    app.router.add_post(f"{folder}/Calls.json", api.serve)
    app.router.add_post(f"{folder}/Calls/{{sid}}.json", api.serve)
    runner = web.AppRunner(app, shutdown_timeout=0.1)
    await runner.setup()
    await web.TCPSite(runner, "127.0.0.1", 0).start()
    api.url = f"http://127.0.0.1:{runner.addresses[0][1]}"
    try:
        yield api
    finally:
        await runner.cleanup()


def settings_of(api: Api | None = None, **changes: object) -> TwilioSettings:
    table = {
        "account_sid": SID,
        "auth_token": TOKEN,
        "url": "https://voice.example/twilio",
        "number": "+15550100",
        "base_url": "http://127.0.0.1:9" if api is None else api.url,
    }
    return TwilioSettings.model_validate(table | changes)


async def test_a_call_out_is_connected_to_the_agent_and_can_be_hung_up() -> None:
    async with serving() as api, TwilioClient(settings_of(api)) as twilio:
        sid = await twilio.call("+15550101", profile="reminder")
        asked = api.calls[sid]
        assert (asked["To"], asked["From"]) == ("+15550101", "+15550100")
        told = {"from": "+15550100", "to": "+15550101", "profile": "reminder"}
        assert read_twiml(asked["Twiml"]) == ("wss://voice.example/twilio", told)
        await twilio.hang_up(sid)
        assert api.calls[sid]["Status"] == "completed"


async def test_a_call_that_may_have_been_made_is_not_made_again_but_a_hang_up_is() -> None:
    async with serving() as api, TwilioClient(settings_of(api)) as twilio:
        sid = await twilio.call("+15550101")
        api.failures, api.asked = [503], 0
        with pytest.raises(ProviderError, match="503"):
            await twilio.call("+15550101")
        assert api.asked == 1
        api.failures = [503]
        await twilio.hang_up(sid)
        assert api.asked == 3


async def test_what_twilio_refuses_is_told_in_its_words() -> None:
    async with serving() as api, TwilioClient(settings_of(api)) as twilio:
        with pytest.raises(ProviderError, match=r"HTTP 400.*not a valid phone number"):
            await twilio.call("15550101")
        with pytest.raises(ProviderError, match="HTTP 404"):
            await twilio.hang_up("CA1/../x")
        async with TwilioClient(settings_of(api, auth_token="wrong")) as other:
            with pytest.raises(ProviderError, match="BELUGA_VOICE_SERVER__TWILIO__AUTH_TOKEN"):
                await other.call("+15550101")


async def test_a_server_that_cannot_be_reached_is_told() -> None:
    async with TwilioClient(settings_of()) as twilio:
        with pytest.raises(ProviderError, match="Twilio"):
            await twilio.call("+15550101")


async def test_the_end_of_a_session_hangs_up_where_that_is_asked_for() -> None:
    async with serving() as api:
        twilio = {"account_sid": SID, "auth_token": TOKEN, "hang_up": True, "base_url": api.url}
        voice = scripted_voice(server={"max_lag": 10, "access_log": False, "twilio": twilio})
        app = voice.asgi(ScriptedAgent())
        async with voice.lifespan(), dial(app, auth_token=TOKEN, account_sid=SID) as call:
            api.calls[call.call_sid] = {}
            await call.wait(0.1)
            (each,) = (await voice.open_server())._calls.values()
            await each.session.stop()
            async with asyncio.timeout(5):
                await api.ended.wait()
            assert api.calls[call.call_sid]["Status"] == "completed"


def test_what_is_not_set_is_named() -> None:
    with pytest.raises(ConfigurationError, match=r"account_sid and server.twilio.auth_token"):
        TwilioClient(TwilioSettings())


@pytest.mark.parametrize("missing", ["url", "number"])
async def test_a_call_out_needs_a_number_and_an_address(missing: str) -> None:
    async with TwilioClient(settings_of(**{missing: None})) as twilio:
        with pytest.raises(ConfigurationError, match=f"server.twilio.{missing}"):
            await twilio.call("+15550101")


@pytest.mark.parametrize(
    "wrong", [{"account_sid": "SK1"}, {"number": "5550100"}, {"url": "voice.example"}, {"strange": 1}]
)
def test_settings_that_cannot_be_are_refused(wrong: dict[str, object]) -> None:
    with pytest.raises(ValidationError):
        TwilioSettings.model_validate(wrong)


def test_the_secret_is_not_shown() -> None:
    assert TOKEN not in repr(settings_of())
