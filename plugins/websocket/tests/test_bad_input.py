"""What no caller should send: each gets a clear refusal, and the other calls take no notice."""

from __future__ import annotations

import asyncio
import json
from collections.abc import Callable

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from beluga_voice.errors import RefusedError
from beluga_voice.testing import ScriptedAgent
from beluga_voice_server.messages import read, read_json
from beluga_voice_server.testing import connect, scripted_voice
from beluga_voice_websocket.protocol import check_audio, read_hello, read_played

HELLO = {"type": "hello", "version": 1}
SETTINGS = {"max_lag": 10, "access_log": False, "setup": 2, "max_message": 1024, "max_frame": 2000}

FIRST = {
    "no JSON": ("{", "bad_message", 4400),
    "NaN": ('{"type":"hello","version":NaN}', "bad_message", 4400),
    "a list": ([], "bad_message", 4400),
    "binary": (b"\0\0", "bad_message", 4400),
    "text before hello": ({"type": "text", "text": "x"}, "bad_message", 4400),
    "another version": (HELLO | {"version": 2}, "version", 4426),
    "no version": ({"type": "hello"}, "version", 4426),
    "a strange rate": (HELLO | {"input": {"sample_rate": 44100}}, "bad_message", 4400),
    "a rate that is no number": (HELLO | {"output": {"sample_rate": "fast"}}, "bad_message", 4400),
    "a token that is no text": (HELLO | {"token": 7}, "bad_message", 4400),
    "a token that is none": (HELLO | {"token": "v1.e30.AAAA"}, "token_invalid", 4401),
    "no such profile": (HELLO | {"profile": "nobody"}, "unavailable", 4503),
    "too long": (json.dumps(HELLO | {"token": "x" * 2000}), "message_too_large", 4413),
    "too deep": ("[" * 900, "bad_message", 4400),
}


async def start(first: object) -> tuple[dict[str, object], tuple[int, str] | None]:
    voice = scripted_voice(server=SETTINGS)
    app = voice.asgi(ScriptedAgent())
    async with voice.lifespan(), connect(app, "/ws") as socket:
        socket.send(first)  # type: ignore[arg-type]
        message = await socket.receive()
        assert isinstance(message, dict)
        assert await socket.receive() is None
        return message, socket.closed


@pytest.mark.parametrize("name", FIRST)
async def test_a_wrong_first_message_is_refused(name: str) -> None:
    first, code, close = FIRST[name]
    message, closed = await start(first)
    assert message["type"] == "error"
    assert message["code"] == code
    assert message["message"]
    assert closed == (close, code)


async def test_a_caller_who_says_nothing_is_cut_after_the_set_up_time() -> None:
    voice = scripted_voice(server=SETTINGS)
    app = voice.asgi(ScriptedAgent())
    async with voice.lifespan(), connect(app, "/ws") as socket:
        began = asyncio.get_running_loop().time()
        assert await socket.receive() is None
        assert socket.closed == (4408, "setup_timeout")
        assert asyncio.get_running_loop().time() - began == pytest.approx(2, abs=0.01)


LATER = {
    "no JSON": "nonsense",
    "an unknown type": {"type": "shout"},
    "an empty text": {"type": "text", "text": "  "},
    "a text that is none": {"type": "text", "text": 7},
    "a long text": {"type": "text", "text": "x" * 900},
    "keys there are not": {"type": "dtmf", "keys": "x"},
    "more played than sent": {"type": "played", "samples": 1},
    "played that is no number": {"type": "played", "samples": "all"},
    "a second hello": HELLO,
    "odd bytes": b"\0\0\0",
    "no bytes": b"",
}


@pytest.mark.parametrize("name", [each for each in LATER if each != "a long text"])
async def test_a_wrong_message_is_refused_and_the_call_goes_on(name: str) -> None:
    voice = scripted_voice(server=SETTINGS)
    app = voice.asgi(ScriptedAgent())
    async with voice.lifespan(), connect(app, "/ws") as socket:
        socket.send(HELLO)
        await socket.receive_until("welcome")
        socket.send(LATER[name])  # type: ignore[arg-type]
        assert (await socket.receive_until("error"))["code"] == "bad_message"
        socket.send({"type": "text", "text": "hello"})
        assert (await socket.receive_until("utterance_ended"))["heard"] == "hello"


async def test_a_caller_who_sends_nothing_but_nonsense_is_closed_and_another_is_untouched() -> None:
    voice = scripted_voice(server=SETTINGS)
    app = voice.asgi(ScriptedAgent())
    async with voice.lifespan(), connect(app, "/ws") as good, connect(app, "/ws") as bad:
        for each in (good, bad):
            each.send(HELLO)
            await each.receive_until("welcome")
        for _ in range(20):
            bad.send("nonsense")
        await bad.receive_all()
        assert bad.closed == (4400, "bad_message")
        good.send({"type": "text", "text": "hello"})
        assert (await good.receive_until("utterance_ended"))["heard"] == "hello"


@pytest.mark.parametrize("message", [bytes(2002), json.dumps({"type": "text", "text": "x" * 1200})])
async def test_a_message_that_is_too_large_closes_the_connection(message: str | bytes) -> None:
    voice = scripted_voice(server=SETTINGS)
    app = voice.asgi(ScriptedAgent())
    async with voice.lifespan(), connect(app, "/ws") as socket:
        socket.send(HELLO)
        await socket.receive_until("welcome")
        socket.send(message)
        await socket.receive_all()
        assert socket.closed == (4413, "message_too_large")


json_values = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats(allow_nan=False) | st.text(max_size=20),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(max_size=8), inner, max_size=3),
    max_leaves=8,
)
like_messages = st.fixed_dictionaries(
    {"type": st.sampled_from(["hello", "text", "dtmf", "ping", "bye", "played"]) | json_values},
    optional=dict.fromkeys(("version", "token", "profile", "text", "keys", "id", "samples"), json_values)
    | {
        side: json_values | st.dictionaries(st.just("sample_rate"), json_values)
        for side in ("input", "output")
    },
)


def refusal(parse: Callable[..., object], *given: object) -> int:
    """The status of the refusal; 0 if there is none."""
    try:
        parse(*given)
    except RefusedError as error:
        return error.status
    return 0


@settings(max_examples=150)
@given(message=json_values | like_messages)
def test_any_json_is_a_message_or_refused(message: object) -> None:
    assert refusal(read, message) in (0, 400)
    assert refusal(read_hello, message) in (0, 400, 426)
    assert refusal(read_played, message, 100) in (0, 400)


@settings(max_examples=150)
@given(text=st.text() | st.text('{}[]",:0123456789eE.-+ntf\\u', max_size=60))
def test_any_text_is_json_or_refused(text: str) -> None:
    assert refusal(read_json, text, 100) in (0, 400, 413)


@given(data=st.binary(max_size=20))
def test_any_bytes_are_audio_or_refused(data: bytes) -> None:
    expected = 400 if not data or len(data) % 2 else 413 if len(data) > 10 else 0
    assert refusal(check_audio, data, 10) == expected
