"""Ports, addresses, and logins of TURN servers."""

from __future__ import annotations

import base64
import hashlib
import hmac
import re
from typing import Any

import pytest

from beluga_voice.testing import ScriptedAgent
from beluga_voice_server.testing import fetch, scripted_voice


@pytest.mark.real_time
async def test_calls_use_the_ports_and_tell_the_address_of_the_settings(serving: Any, calling: Any) -> None:
    ports = {"ports": "42000-42009", "advertise": "198.51.100.7"}
    async with serving(webrtc=ports) as app:
        from aiortc import RTCConfiguration, RTCPeerConnection

        peer = RTCPeerConnection(RTCConfiguration(iceServers=[]))
        peer.addTransceiver("audio")
        await peer.setLocalDescription(await peer.createOffer())
        offer = {"type": "offer", "sdp": peer.localDescription.sdp}
        answer = (await fetch(app, "POST", "/api/offer", body=offer)).json
        await peer.close()
    found = re.findall(r"a=candidate:\S+ 1 udp \d+ (\S+) (\d+) typ host", str(answer["sdp"]))
    assert [address for address, _ in found] == ["198.51.100.7"]
    assert all(42000 <= int(port) <= 42009 for _, port in found)


async def test_no_server_is_told_unless_the_settings_name_one() -> None:
    voice = scripted_voice(server={"max_lag": 10})
    app = voice.asgi(ScriptedAgent())
    async with voice.lifespan():
        transports: Any = (await fetch(app, "POST", "/start")).json["transports"]
    assert transports["webrtc"] == {"path": "api/offer", "iceServers": []}


async def test_each_caller_gets_a_login_of_their_own_to_the_turn_servers() -> None:
    webrtc = {
        "stun": ["stun:stun.example"],
        "turn": ["turn:turn.example?transport=udp"],
        "turn_secret": "shared",
    }
    voice = scripted_voice(server={"max_lag": 10, "webrtc": webrtc})
    app = voice.asgi(ScriptedAgent())
    async with voice.lifespan():
        started: Any = (await fetch(app, "POST", "/start")).json
    stun, turn = started["transports"]["webrtc"]["iceServers"]
    assert stun == {"urls": ["stun:stun.example"]}
    expiry, _, name = turn["username"].partition(":")
    assert name == started["session_id"]
    assert int(expiry) > 1_700_000_000
    digest = hmac.new(b"shared", turn["username"].encode(), hashlib.sha1).digest()
    assert turn["credential"] == base64.b64encode(digest).decode()
    assert "shared" not in str(started)
