"""What Twilio would not send: each gets a clear refusal, and the other calls take no notice."""

from __future__ import annotations

import asyncio
import json
from collections.abc import Callable, Mapping
from contextlib import suppress

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from beluga_voice.errors import RefusedError
from beluga_voice.testing import ScriptedAgent
from beluga_voice_server.testing import connect, fetch, scripted_voice
from beluga_voice_twilio.connection import TwilioConnection
from beluga_voice_twilio.protocol import ENCODING, Media, Other, read
from beluga_voice_twilio.testing import SimulatedCall, dial

SETTINGS = {"max_lag": 10, "access_log": False, "setup": 2, "max_message": 16384, "grace": 1}
SHAPE = {"encoding": ENCODING, "sampleRate": 8000, "channels": 1}
START = {"streamSid": "MZ1", "callSid": "CA1", "accountSid": "AC1", "mediaFormat": SHAPE}


def start(**changes: object) -> dict[str, object]:
    return {"event": "start", "streamSid": "MZ1", "start": START | changes}


FIRST = {
    "no JSON": ("{", 4400, "bad_message"),
    "a list": ([], 4400, "bad_message"),
    "binary": (b"\0\0", 4400, "bad_message"),
    "no event": ({}, 4400, "bad_message"),
    "audio before the start": ({"event": "media", "media": {"payload": "AAAA"}}, 4400, "bad_message"),
    "the end before the start": ({"event": "stop"}, 4400, "bad_message"),
    "a start of nothing": ({"event": "start"}, 4400, "bad_message"),
    "a start without a name": (start(callSid=None), 4400, "bad_message"),
    "a name that is too long": (start(callSid="C" * 300), 4400, "bad_message"),
    "A-law": (start(mediaFormat=SHAPE | {"encoding": "audio/x-alaw"}), 4415, "bad_media"),
    "wide-band": (start(mediaFormat=SHAPE | {"sampleRate": 16000}), 4415, "bad_media"),
    "stereo": (start(mediaFormat=SHAPE | {"channels": 2}), 4415, "bad_media"),
    "parameters that are no texts": (start(customParameters={"from": 7}), 4400, "bad_message"),
    "too many parameters": (start(customParameters={str(n): "" for n in range(65)}), 4400, "bad_message"),
    "no such profile": (start(customParameters={"profile": "nobody"}), 4503, "unavailable"),
    "a token that is none": (start(customParameters={"token": "v1.e30.AA"}), 4401, "token_invalid"),
    "too long": (json.dumps(start(tracks="x" * 20000)), 4413, "message_too_large"),
    "too deep": ("[" * 900, 4400, "bad_message"),
}


@pytest.mark.parametrize("name", FIRST)
async def test_a_wrong_beginning_is_refused(name: str) -> None:
    first, code, reason = FIRST[name]
    voice = scripted_voice(server=SETTINGS)
    app = voice.asgi(ScriptedAgent())
    async with voice.lifespan(), connect(app, "/twilio") as socket:
        socket.send(first)  # type: ignore[arg-type]
        assert await socket.receive() is None
        assert socket.closed == (code, reason)
        assert (await voice.open_server()).admission.sessions == 0


async def test_a_stream_that_does_not_start_is_cut_after_the_set_up_time() -> None:
    voice = scripted_voice(server=SETTINGS)
    app = voice.asgi(ScriptedAgent())
    async with voice.lifespan(), connect(app, "/twilio") as socket:
        began = asyncio.get_running_loop().time()
        socket.send({"event": "connected", "protocol": "Call", "version": "1.0.0"})
        assert await socket.receive() is None
        assert socket.closed == (4408, "setup_timeout")
        assert asyncio.get_running_loop().time() - began == pytest.approx(2, abs=0.01)


WRONG: dict[str, Callable[[SimulatedCall], None]] = {
    "no media": lambda call: call.send("media"),
    "no base64": lambda call: call.send("media", media={"payload": "§"}),
    "an empty payload": lambda call: call.send("media", media={"payload": ""}),
    "a payload that is no text": lambda call: call.send("media", media={"payload": 7}),
    "a key that is none": lambda call: call.send("dtmf", dtmf={"digit": "E"}),
    "many keys": lambda call: call.send("dtmf", dtmf={"digit": "12"}),
    "a second start": lambda call: call.start({}),
    "a mark without a name": lambda call: call.send("mark", mark={}),
    "an event that is no text": lambda call: call._up.carry('{"event":7}'),
}


@pytest.mark.parametrize("name", WRONG)
async def test_a_wrong_message_is_passed_over_and_ten_end_the_call(name: str) -> None:
    voice = scripted_voice(server=SETTINGS)
    app = voice.asgi(ScriptedAgent())
    async with voice.lifespan(), dial(app) as call, dial(app) as other:
        await call.wait(0.1)
        for _ in range(9):
            WRONG[name](call)
        await asyncio.gather(call.wait(0.2), other.wait(0.2))
        assert call.closed is None
        WRONG[name](call)
        await asyncio.gather(call.wait(0.2), other.wait(0.2))
        assert call.closed == (4400, "bad_message")
        assert other.closed is None
        assert (await voice.open_server()).admission.sessions == 1


async def test_more_than_a_second_of_audio_at_once_ends_the_call() -> None:
    voice = scripted_voice(server=SETTINGS)
    app = voice.asgi(ScriptedAgent())
    async with voice.lifespan(), dial(app) as call:
        call.send_media(bytes(9000))
        await call.wait(0.1)
        assert call.closed == (4413, "message_too_large")


@pytest.mark.parametrize(
    "message",
    [
        {"event": "media", "media": {"track": "outbound", "payload": "AAAA"}},
        {"event": "video"},
        {"event": "mark", "mark": {"name": "another's"}},
        {"event": "mark", "mark": {"name": "99999999"}},
        {"event": "mark", "mark": {"name": "²"}},
    ],
)
async def test_what_is_not_ours_is_passed_over(message: Mapping[str, object]) -> None:
    voice = scripted_voice(server=SETTINGS)
    app = voice.asgi(ScriptedAgent())
    async with voice.lifespan(), dial(app) as call:
        for _ in range(20):
            call._up.carry(json.dumps(message))
        await call.wait(0.2)
        assert call.closed is None


async def test_audio_that_comes_too_fast_is_read_as_it_is_spoken() -> None:
    voice = scripted_voice(server=SETTINGS)
    app = voice.asgi(ScriptedAgent())
    async with voice.lifespan(), dial(app) as call:
        await call.wait(0.1)
        began = asyncio.get_running_loop().time()
        for _ in range(10):
            call.send_media(bytes([0xFF]) * 8000)
        call.hang_up()
        (each,) = (await voice.open_server())._calls.values()
        await each.session.wait_ended()
        assert asyncio.get_running_loop().time() - began == pytest.approx(8, abs=0.5)


async def test_a_stream_that_does_not_read_is_cut() -> None:
    connection = TwilioConnection("MZ1", 1000)
    for _ in range(20):
        connection.flush()
    assert not connection.slow, "what is dropped does not wait"
    voice = scripted_voice("hello", server=SETTINGS | {"max_backlog": 4096})
    app = voice.asgi(ScriptedAgent(["word " * 40]))
    async with voice.lifespan(), connect(app, "/twilio") as socket:
        call = SimulatedCall(socket)
        call.start({})
        await call.wait(0.1)
        socket.reads.clear()
        (each,) = (await voice.open_server())._calls.values()
        each.session.send_text("hello")
        await call.wait(2)
        socket.reads.set()
        await call.listen()
        assert call.closed == (4429, "slow_reader")


@pytest.mark.parametrize("method", ["PUT", "DELETE"])
async def test_other_methods_are_refused(method: str) -> None:
    voice = scripted_voice(server=SETTINGS)
    app = voice.asgi(ScriptedAgent())
    async with voice.lifespan():
        assert (await fetch(app, method, "/twilio")).status == 405


@pytest.mark.parametrize("body", [b"\xff\xfe=1", b"a=%ff", b"&".join(b"a=1" for _ in range(300))])
async def test_a_body_that_is_no_form_is_refused(body: bytes) -> None:
    voice = scripted_voice(server=SETTINGS)
    app = voice.asgi(ScriptedAgent())
    async with voice.lifespan():
        asked = await fetch(app, "POST", "/twilio", body=body)
        assert (asked.status, asked.json["error"]["code"]) == (400, "bad_request")


JSON = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats() | st.text(),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(), inner, max_size=3),
    max_leaves=8,
)
KNOWN = st.sampled_from(["connected", "start", "media", "dtmf", "mark", "stop", "other"])
PARTS = ["payload", "digit", "name", "track", "callSid", "streamSid", "mediaFormat", "customParameters"]
TABLE = st.dictionaries(st.sampled_from(PARTS), JSON)


@settings(max_examples=60)
@given(
    JSON | st.fixed_dictionaries({"event": KNOWN}, optional=dict.fromkeys(["start", "media", "dtmf"], TABLE))
)
def test_whatever_json_there_is_is_read_or_refused(message: object) -> None:
    with suppress(RefusedError):
        read(message)


@given(st.binary(min_size=1, max_size=400))
@settings(max_examples=30)
def test_any_bytes_are_audio_of_as_many_samples(data: bytes) -> None:
    from base64 import b64encode

    found = read({"event": "media", "media": {"track": "inbound", "payload": b64encode(data).decode()}})
    assert isinstance(found, Media)
    assert len(found.samples) == len(data)
    assert not isinstance(found, Other)
