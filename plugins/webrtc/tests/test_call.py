"""Calls by WebRTC: aiortc calls the server on loopback, in real time."""

from __future__ import annotations

import asyncio
from typing import Any

import numpy as np
import pytest

from beluga_voice.testing import ScriptedAgent
from beluga_voice_server.testing import fetch

pytestmark = pytest.mark.real_time


async def test_the_agent_hears_and_answers(serving: Any, calling: Any) -> None:
    async with serving("one two three") as app, calling(app) as caller:
        welcome = await caller.receive_until("welcome")
        assert welcome["session_id"] == caller.answer["session_id"]
        caller.speaker.speak(0.4)
        assert (await caller.receive_until("turn_closed"))["text"] == "one two three"
        assert (await caller.receive_until("utterance_ended"))["heard"] == "one two three"
        await asyncio.sleep(0.1)
        sound = np.concatenate(caller.heard)
        loud = np.flatnonzero(np.abs(sound) > 500)
        assert (loud[-1] - loud[0]) / 48000 == pytest.approx(0.3, abs=0.03)
        caller.channel.send('{"type": "bye"}')
        assert (await caller.receive_until("bye"))["code"] == "ended"


async def test_candidates_may_follow_the_offer(serving: Any, calling: Any) -> None:
    async with serving() as app, calling(app, trickle=True) as caller:
        await caller.receive_until("welcome")
        caller.channel.send('{"type": "text", "text": "hello"}')
        assert (await caller.receive_until("utterance_ended"))["heard"] == "hello"


async def test_a_barge_in_stops_the_voice_at_once(serving: Any, calling: Any) -> None:
    agent = ScriptedAgent(["word " * 60, ""])
    async with serving("stop", agent=agent) as app, calling(app) as caller:
        await caller.receive_until("welcome")
        caller.channel.send('{"type": "text", "text": "tell me"}')
        await caller.receive_until("playout_started")
        await asyncio.sleep(0.4)
        caller.channel.send('{"type": "text", "text": "stop"}')
        ended = await caller.receive_until("utterance_ended")
        cut_at = asyncio.get_running_loop().time()
        assert ended["outcome"] == "cut"
        heard = len(str(ended["heard"]).split())
        assert heard in (3, 4, 5, 6)
        await asyncio.sleep(0.5)
        loud = [
            at for at, part in zip(caller.heard_at, caller.heard, strict=True) if np.abs(part).max() > 1500
        ]
        assert max(loud) - cut_at < 0.25  # aiortc's own receive prefetch of 80 ms, on the caller's side
        assert (max(loud) - min(loud)) == pytest.approx(heard * 0.1, abs=0.2)


async def test_another_peer_connection_takes_over_the_session(serving: Any, calling: Any) -> None:
    async with serving() as app, calling(app) as old:
        await old.receive_until("welcome")
        old.channel.send('{"type": "text", "text": "good morning"}')
        await old.receive_until("utterance_ended")
        async with calling(app, token=old.answer["token"]) as new:
            welcome = await new.receive_until("welcome")
            assert welcome["resumed"] is True
            assert welcome["session_id"] == old.answer["session_id"]
            assert [each["text"] for each in welcome["history"]] == ["good morning", "good morning"]
            assert (await old.receive_until("bye"))["code"] == "taken_over"
            new.channel.send('{"type": "text", "text": "hello"}')
            assert (await new.receive_until("utterance_ended"))["heard"] == "hello"


async def test_a_caller_who_vanishes_is_noticed_and_may_come_back(serving: Any, calling: Any) -> None:
    async with serving(webrtc={"vanish": 1}) as app:
        async with calling(app) as caller:
            await caller.receive_until("welcome")
            # As if it were killed: its sockets fall silent, and nothing is said.
            connection = caller.peer.getTransceivers()[0].sender.transport.transport._connection
            for protocol in connection._protocols:
                protocol.transport.abort()
            began = asyncio.get_running_loop().time()
            while "beluga_voice_server_sessions 1" not in await figures(app) or len(peers(app)) > 0:
                assert asyncio.get_running_loop().time() - began < 4
                await asyncio.sleep(0.1)
        async with calling(app, token=caller.answer["token"]) as again:
            assert (await again.receive_until("welcome"))["resumed"] is True


async def test_an_offer_of_which_nothing_comes_is_given_up(serving: Any, calling: Any) -> None:
    async with serving(server={"setup": 0.5}) as app:
        caller_sdp = await _offer_of_nobody(app)
        assert caller_sdp.status == 201
        assert len(peers(app)) == 1
        await asyncio.sleep(1.5)
        assert not peers(app)
        assert "beluga_voice_server_sessions 0" in await figures(app)


async def figures(app: Any) -> str:
    return (await fetch(app, "GET", "/metrics")).body.decode()


def peers(app: Any) -> dict[str, Any]:
    found: dict[str, Any] = app._server.routes["webrtc"]._peers
    return found


async def _offer_of_nobody(app: Any) -> Any:
    import aiortc

    peer = aiortc.RTCPeerConnection(aiortc.RTCConfiguration(iceServers=[]))
    peer.addTransceiver("audio")
    await peer.setLocalDescription(await peer.createOffer())
    sdp = "\r\n".join(line for line in peer.localDescription.sdp.splitlines() if "candidate" not in line)
    try:
        return await fetch(app, "POST", "/api/offer", body={"type": "offer", "sdp": sdp + "\r\n"})
    finally:
        await peer.close()


async def test_words_are_heard_through_loss_disorder_and_doubles(serving: Any, calling: Any) -> None:
    async with serving("one two three") as app, calling(app) as caller:
        await caller.receive_until("welcome")
        transport = caller.peer.getTransceivers()[0].sender.transport
        send, count, late = transport._send_rtp, 0, []

        async def damaged(data: bytes) -> None:
            nonlocal count
            count += 1
            match count % 10:
                case 3:  # lost
                    return
                case 6:  # after the next one
                    late.append(data)
                    return
                case 8:  # twice
                    await send(data)
            await send(data)
            if late:
                await send(late.pop())

        transport._send_rtp = damaged
        seat = next(iter(app._server._calls.values())).seat
        hear, heard = seat.hear, []
        seat.hear = lambda frame: (heard.append(len(frame.samples)), hear(frame))
        began = asyncio.get_running_loop().time()
        caller.speaker.speak(0.6)
        assert (await caller.receive_until("turn_closed"))["text"] == "one two three"
        # Each sample that was spoken has been heard, or silence in its place, and none is late.
        passed = asyncio.get_running_loop().time() - began
        assert sum(heard) / 16000 == pytest.approx(passed, abs=0.2)
