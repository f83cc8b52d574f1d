"""Offers and candidates that are wrong: clear refusals, and the other calls take no notice."""

from __future__ import annotations

import asyncio
import random
from collections.abc import Callable
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from beluga_voice.errors import ConfigurationError, RefusedError
from beluga_voice.testing import ScriptedAgent
from beluga_voice_server.testing import fetch, scripted_voice
from beluga_voice_webrtc.routes import check_sdp, read_candidate, read_object

HEAD = "v=0\r\no=- 1 1 IN IP4 127.0.0.1\r\ns=-\r\nt=0 0\r\n"
AUDIO = "m=audio 9 UDP/TLS/RTP/SAVPF 111\r\nc=IN IP4 0.0.0.0\r\na=rtpmap:111 opus/48000/2\r\n"
PCMU = "m=audio 9 UDP/TLS/RTP/SAVPF 0\r\nc=IN IP4 0.0.0.0\r\na=rtpmap:0 PCMU/8000\r\na=mid:0\r\n"
VIDEO = "m=video 9 UDP/TLS/RTP/SAVPF 96\r\nc=IN IP4 0.0.0.0\r\na=rtpmap:96 VP8/90000\r\n"

OFFERS = {
    "no JSON": (b"{", "bad_request"),
    "no object": (b"[]", "bad_request"),
    "deep": (b"[" * 5000, "bad_request"),
    "nothing": (b"{}", "bad_request"),
    "an empty sdp": ({"sdp": "", "type": "offer"}, "bad_request"),
    "an answer": ({"sdp": HEAD + AUDIO, "type": "answer"}, "bad_request"),
    "an sdp that is no text": ({"sdp": 7}, "bad_request"),
    "no media": ({"sdp": HEAD}, "bad_sdp"),
    "nonsense": ({"sdp": "nonsense"}, "bad_sdp"),
    "video": ({"sdp": HEAD + AUDIO + VIDEO}, "bad_sdp"),
    "two audios": ({"sdp": HEAD + AUDIO + AUDIO}, "bad_sdp"),
    "no ICE and no DTLS": ({"sdp": HEAD + AUDIO}, "bad_sdp"),
    "no Opus": ({"sdp": HEAD + PCMU}, "bad_sdp"),
    "many candidates": ({"sdp": HEAD + AUDIO + "a=candidate:x\r\n" * 51}, "bad_sdp"),
    "a token that is none": ({"sdp": HEAD + AUDIO, "token": "nonsense"}, "token_invalid"),
    "a token that is no text": ({"sdp": HEAD + AUDIO, "token": 7}, "bad_request"),
}


@pytest.mark.real_time
async def test_a_wrong_offer_is_refused_and_leaves_nothing() -> None:
    voice = scripted_voice(server={"max_lag": 10, "max_sessions": 1})
    app = voice.asgi(ScriptedAgent())
    async with voice.lifespan():
        for name, (body, code) in OFFERS.items():
            fetched = await fetch(app, "POST", "/api/offer", body=body)  # type: ignore[arg-type]
            error: Any = fetched.json["error"]
            assert (name, error["code"]) == (name, code)
            assert fetched.status == (401 if code == "token_invalid" else 400)
            async with asyncio.timeout(2):
                await app._server.drain()  # type: ignore[attr-defined]
            app._server.admission.draining = False  # type: ignore[attr-defined]


@pytest.mark.real_time
async def test_offers_with_damage_are_answered_or_refused_and_a_call_goes_on(
    serving: Any, calling: Any
) -> None:
    draw = random.Random(7)
    async with serving(server={"setup": 0.5, "max_sessions_per_client": 100}) as app, calling(app) as caller:
        await caller.receive_until("welcome")
        lines = caller.peer.localDescription.sdp.splitlines()
        for _ in range(40):
            damaged = list(lines)
            for _ in range(draw.randint(1, 3)):
                at = draw.randrange(len(damaged))
                match draw.randint(0, 3):
                    case 0 if len(damaged) > 1:
                        del damaged[at]
                    case 1:
                        damaged[at] = damaged[at][: draw.randrange(len(damaged[at]) + 1)]
                    case 2:
                        damaged.insert(at, draw.choice(lines))
                    case _:
                        damaged[at] = damaged[at].replace("1", "-99999999999").replace(":", " ")
            sdp = "\r\n".join(damaged) + "\r\n"
            fetched = await fetch(app, "POST", "/api/offer", body={"type": "offer", "sdp": sdp})
            assert fetched.status in (201, 400), fetched.body
        caller.channel.send('{"type": "text", "text": "hello"}')
        assert (await caller.receive_until("utterance_ended"))["heard"] == "hello"


@pytest.mark.real_time
async def test_wrong_candidates_and_messages_are_refused_and_the_call_goes_on(
    serving: Any, calling: Any
) -> None:
    async with serving() as app, calling(app) as caller:
        await caller.receive_until("welcome")
        connection = caller.answer["connection"]
        for body, status in (
            (b"{", 400),
            ({"connection": "nobody", "candidates": []}, 404),
            ({"connection": connection}, 400),
            ({"connection": connection, "candidates": [None] * 51}, 400),
            ({"connection": connection, "candidates": [7]}, 400),
            ({"connection": connection, "candidates": [{"candidate": "candidate:x", "sdpMid": "0"}]}, 400),
        ):
            assert (await fetch(app, "PATCH", "/api/offer", body=body)).status == status  # type: ignore[arg-type]
        assert (await fetch(app, "GET", "/api/offer")).status == 405
        for message in ("nonsense", b"\0\0", '{"type": "shout"}', '{"type": "played", "samples": 1}'):
            caller.channel.send(message)
            assert (await caller.receive_until("error"))["code"] == "bad_message"
        caller.channel.send('{"type": "text", "text": "hello"}')
        assert (await caller.receive_until("utterance_ended"))["heard"] == "hello"


json_values = (
    st.none() | st.booleans() | st.integers() | st.text(max_size=80) | st.lists(st.integers(), max_size=2)
)


like_candidates = st.fixed_dictionaries(
    {}, optional=dict.fromkeys(("candidate", "sdpMid", "sdpMLineIndex"), json_values)
)


def refusal(parse: Callable[..., object], given_: object) -> str:
    """The code of the refusal; empty if there is none."""
    try:
        parse(given_)
    except RefusedError as error:
        return error.code
    return ""


@given(like_candidates | json_values)
def test_anything_is_a_candidate_or_refused(given_: object) -> None:
    assert refusal(read_candidate, given_) in ("", "bad_candidates")


@given(st.binary(max_size=60))
def test_any_body_is_an_object_or_refused(body: bytes) -> None:
    assert refusal(read_object, body) in ("", "bad_request")


@given(st.text(max_size=100))
def test_a_text_that_is_no_offer_is_refused(text: str) -> None:
    with pytest.raises(RefusedError):
        check_sdp(text)


@pytest.mark.parametrize(
    ("settings", "text"),
    [
        ({"ports": "40000"}, "server.webrtc.ports is '40000'"),
        ({"ports": "5-2"}, "server.webrtc.ports is '5-2'"),
        ({"advertise": "example"}, "server.webrtc.advertise is 'example'"),
        ({"stun": ["turn:x"]}, "server.webrtc.stun"),
        ({"prot": 1}, "no setting named 'server.webrtc.prot'"),
    ],
)
def test_settings_that_are_wrong_are_told(settings: dict[str, object], text: str) -> None:
    with pytest.raises(ConfigurationError, match=text):
        scripted_voice(server={"webrtc": settings}).asgi(ScriptedAgent())
