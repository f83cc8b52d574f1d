"""Telephone calls, by a simulated Twilio against the server within the process and in virtual time."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncGenerator, Awaitable, Callable
from contextlib import asynccontextmanager

import numpy as np
import pytest

import beluga_voice.events as ev
from beluga_voice import Agent, Turn
from beluga_voice.audio import Resampler, mulaw_decode, mulaw_encode
from beluga_voice.container import VoiceContainer
from beluga_voice.contracts import ASGI
from beluga_voice.session import VoiceSession
from beluga_voice.testing import ScriptedAgent, ScriptedLLM, sounds
from beluga_voice_server.testing import RefusedSocketError, connect, fetch, scripted_voice
from beluga_voice_twilio.protocol import PhoneCall
from beluga_voice_twilio.testing import SimulatedCall, dial, read_twiml

ELSEWHERE = ("203.0.113.9", 4000)
TOKEN = "the account's secret"
URL = "https://voice.example/twilio"
SID = "AC" + "7" * 32
LONG = " ".join(f"word{number}" for number in range(40))


def voice_of(*transcripts: str, server: dict[str, object] | None = None, **twilio: object) -> VoiceContainer:
    settings = {"max_lag": 10, "access_log": False, "twilio": twilio} | (server or {})
    return scripted_voice(*transcripts, server=settings)


@asynccontextmanager
async def serving(voice: VoiceContainer, agent: object = None) -> AsyncGenerator[ASGI, None]:
    app = voice.asgi(agent or ScriptedAgent())
    async with voice.lifespan():
        yield app


async def session_of(voice: VoiceContainer) -> VoiceSession:
    (call,) = (await voice.open_server())._calls.values()
    return call.session


def long_winded() -> Callable[[Turn], Awaitable[str]]:
    """An agent that answers the first turn at length, and no other."""
    answers = iter([LONG])

    async def agent(turn: Turn) -> str:
        return next(answers, "")

    return agent


async def speak(call: SimulatedCall, duration: float = 0.6, pause: float = 1.0) -> None:
    await call.speak(sounds.speech_like(duration, 8000))
    await call.wait(pause)


async def test_a_caller_hears_the_answer_as_it_was_synthesised() -> None:
    voice = voice_of("one two three")
    async with serving(voice) as app, dial(app) as call:
        await speak(call, pause=2.5)
        expected = voice.tts().audio_of("one two three")
        wanted = Resampler(24000, 8000).process(expected)
        assert np.array_equal(call.heard, mulaw_decode(mulaw_encode(wanted)))


async def test_audio_leaves_every_20_ms() -> None:
    async with serving(voice_of("one two three")) as app, dial(app) as call:
        await speak(call, pause=2.5)
        gaps = np.diff(call.media_at)
        assert len(gaps) == 14
        assert np.allclose(gaps, 0.02, atol=0.0011)


async def test_a_barge_in_clears_what_twilio_has_within_20_ms() -> None:
    voice = voice_of("hello", "wait stop")
    async with serving(voice, long_winded()) as app, dial(app) as call:
        await speak(call, pause=2.5)
        barged: list[float] = []
        session = await session_of(voice)
        session.on_event(lambda event: barged.append(event.at) if isinstance(event, ev.BargeIn) else None)
        await speak(call, 1.0, pause=0.5)
        assert len(barged) == 1
        assert 0 <= call.clears[0] - barged[0] <= 0.02
        heard = len(call.heard)
        await call.wait(1)
        assert len(call.heard) == heard


async def test_what_twilio_has_not_played_was_not_heard() -> None:
    ended: list[list[str]] = []
    for delay in (0.0, 0.3):
        voice = voice_of("hello", "wait stop")
        async with serving(voice, long_winded()) as app, dial(app, delay=delay) as call:
            await speak(call, pause=2.5)
            heard: list[str] = []
            (await session_of(voice)).on_event(
                lambda event, heard=heard: (
                    heard.append(event.heard) if isinstance(event, ev.UtteranceEnded) else None
                )
            )
            await speak(call, 1.0, pause=1.0)
            cut = heard[0].split()
            assert abs(len(cut) - len(call.heard) / 800) <= 1 + 10 * delay
            assert len(cut) - len(call.heard) / 800 <= 1, "words count as heard that were not"
            ended.append(cut)
    assert all(ended)


async def test_keys_reach_the_session() -> None:
    voice = voice_of()
    async with serving(voice) as app, dial(app) as call:
        await call.wait(0.1)
        keys: list[str] = []
        (await session_of(voice)).on_event(
            lambda event: keys.append(event.text) if isinstance(event, ev.DtmfEntered) else None
        )
        for key in "42#":
            call.press(key)
        await call.wait(0.2)
        assert keys == ["42"]


@pytest.mark.parametrize("way", ["stop", "gone"])
async def test_a_caller_who_hangs_up_ends_the_session(way: str) -> None:
    voice = voice_of()
    async with serving(voice) as app:
        async with dial(app) as call:
            await call.wait(0.2)
            session = await session_of(voice)
            if way == "stop":
                call.hang_up()
                await asyncio.sleep(0.1)
                assert session.state is ev.SessionState.ENDED
        assert await session.wait_ended(timeout=1) is ev.EndReason.END_OF_INPUT


async def test_the_end_of_the_session_ends_the_call_after_the_last_word() -> None:
    voice = voice_of()
    async with serving(voice) as app, dial(app, delay=0.1) as call:
        await call.wait(0.2)
        session = await session_of(voice)
        goodbye = session.say("good bye then")
        await goodbye
        stopping = asyncio.create_task(session.stop(drain=True))
        await asyncio.sleep(1.5)
        await stopping
        assert call.closed == (1000, "ended")
        assert len(call.heard) == pytest.approx(0.3 * 8000, abs=20)


async def test_sessions_of_one_address_are_not_limited_as_all_calls_come_from_twilio() -> None:
    voice = voice_of(server={"max_sessions_per_client": 1}, auth_token=TOKEN)
    signed = {"auth_token": TOKEN, "client": ELSEWHERE}
    async with serving(voice) as app, dial(app, **signed) as one, dial(app, **signed) as two:
        await asyncio.gather(one.wait(0.2), two.wait(0.2))
        assert one.closed is two.closed is None
        assert (await voice.open_server()).admission.sessions == 2


async def test_a_full_server_refuses_the_stream() -> None:
    voice = voice_of(server={"max_sessions": 1}, auth_token=TOKEN)
    signed = {"auth_token": TOKEN, "client": ELSEWHERE}
    async with serving(voice) as app, dial(app, **signed) as one:
        await one.wait(0.2)
        async with dial(app, **signed) as two:
            await two.wait(0.2)
            assert two.closed == (4503, "full")
        assert one.closed is None


# -- who calls --


async def test_requests_that_twilio_has_not_signed_are_refused() -> None:
    async with serving(voice_of(auth_token=TOKEN, url=URL)) as app:
        wrong = {"x-twilio-signature": "AAAA"}
        for headers in ({}, wrong, {"x-twilio-signature": "\xff"}):
            asked = await fetch(app, "POST", "/twilio", headers=headers, client=ELSEWHERE)
            assert (asked.status, asked.json["error"]["code"]) == (403, "signature_wrong")
        with pytest.raises(RefusedSocketError, match="4403 signature_wrong"):
            async with connect(app, "/twilio", headers=wrong, client=ELSEWHERE):
                pass


async def test_the_signature_covers_the_address_that_twilio_was_told_and_the_form() -> None:
    voice = voice_of(auth_token=TOKEN, url=URL)
    async with serving(voice) as app:
        async with dial(app, auth_token=TOKEN, url=URL, client=ELSEWHERE) as call:
            assert read_twiml(call.twiml) == (
                "wss://voice.example/twilio", {"from": "+15550101", "to": "+15550100"},
            )  # fmt: skip
        with pytest.raises(AssertionError, match="signature_wrong"):
            async with dial(app, auth_token=TOKEN, url="https://other.example/twilio", client=ELSEWHERE):
                pass


async def test_without_an_auth_token_only_this_machine_calls() -> None:
    async with serving(voice_of()) as app:
        asked = await fetch(app, "POST", "/twilio", client=ELSEWHERE)
        assert (asked.status, asked.json["error"]["code"]) == (403, "not_configured")
        async with connect(app, "/twilio", client=ELSEWHERE) as socket:
            call = SimulatedCall(socket)
            call.start({})
            await call.listen()
            assert call.closed == (4401, "token_missing")


async def test_a_token_from_start_lets_a_stream_in() -> None:
    voice = voice_of(server={"public": True})
    async with serving(voice) as app:
        token = (await fetch(app, "POST", "/start", client=ELSEWHERE)).json["token"]
        async with connect(app, "/twilio", client=ELSEWHERE) as socket:
            call = SimulatedCall(socket)
            call.start({"token": str(token)})
            await call.wait(0.1)
            assert (await voice.open_server()).admission.sessions == 1


async def test_a_stream_of_another_account_is_refused() -> None:
    voice = voice_of(auth_token=TOKEN, account_sid=SID)
    async with serving(voice) as app:
        async with dial(app, auth_token=TOKEN, client=ELSEWHERE) as call:
            await call.wait(0.1)
            assert call.closed == (4403, "wrong_account")
        async with dial(app, auth_token=TOKEN, account_sid=SID, client=ELSEWHERE) as call:
            await call.wait(0.1)
            assert call.closed is None


# -- whom they reach --


async def test_the_number_that_was_called_chooses_the_profile() -> None:
    voice = voice_of(auth_token=TOKEN, profiles={"+15550199": "nobody"})
    async with serving(voice) as app:
        async with dial(app, auth_token=TOKEN, called="+15550199") as call:
            await call.wait(0.1)
            assert call.closed == (4503, "unavailable"), "the profile was asked for, and there is none"
        async with dial(app, auth_token=TOKEN) as call:
            await call.wait(0.1)
            assert call.closed is None


async def test_tools_learn_who_calls() -> None:
    voice = voice_of(auth_token=TOKEN, call_as_deps=True)
    async with (
        serving(voice, Agent("Answer.", llm=ScriptedLLM())) as app,
        dial(app, auth_token=TOKEN) as call,
    ):
        await call.wait(0.1)
        deps = (await session_of(voice)).agent.deps
        assert isinstance(deps, PhoneCall)
        assert (deps.caller, deps.called, deps.call_sid) == ("+15550101", "+15550100", call.call_sid)
