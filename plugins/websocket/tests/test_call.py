"""Calls over WebSocket, against the server within the process and in virtual time."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncGenerator
from contextlib import asynccontextmanager

import numpy as np
import pytest

from beluga_voice.container import VoiceContainer
from beluga_voice.contracts import ASGI
from beluga_voice.testing import ScriptedAgent, sounds
from beluga_voice_server.testing import Socket, connect, scripted_voice

HELLO = {"type": "hello", "version": 1}
SETTINGS = {"server": {"max_lag": 10, "access_log": False}}


@asynccontextmanager
async def serving(voice: VoiceContainer, agent: ScriptedAgent | None = None) -> AsyncGenerator[ASGI, None]:
    app = voice.asgi(agent or ScriptedAgent())
    async with voice.lifespan():
        yield app


@asynccontextmanager
async def calling(app: ASGI, **hello: object) -> AsyncGenerator[tuple[Socket, dict[str, object]], None]:
    async with connect(app, "/ws") as socket:
        socket.send(HELLO | hello)
        yield socket, await socket.receive_until("welcome")


async def speak(socket: Socket, duration: float = 0.6, *, rate: int = 16000, pause: float = 1.0) -> None:
    """Speak in real time, then be silent for a moment."""
    sound = np.concatenate([sounds.speech_like(duration, rate), np.zeros(round(pause * rate), np.int16)])
    for frame in sounds.frames(sound, rate):
        socket.send(frame.tobytes())
        await asyncio.sleep(frame.duration)


async def hear_utterance(socket: Socket) -> tuple[np.ndarray, dict[str, object]]:
    """All audio up to the end of the agent's next utterance, and how it ended."""
    audio = b""
    while (message := await socket.receive()) is not None:
        if isinstance(message, bytes):
            audio += message
        elif message["type"] == "utterance_ended":
            return np.frombuffer(audio, "<i2"), message
    raise AssertionError(f"closed by {socket.closed}")


async def test_the_agent_answers_what_was_said_and_each_sample_arrives() -> None:
    voice = scripted_voice("one two three", **SETTINGS)
    async with serving(voice) as app, calling(app) as (socket, welcome):
        assert welcome["resumed"] is False
        await speak(socket)
        heard, ended = await hear_utterance(socket)
        assert ended["heard"] == "one two three"
        assert np.array_equal(heard, voice.tts().audio_of("one two three"))
        socket.send({"type": "bye"})
        assert (await socket.receive_until("bye"))["reason"] == "end_of_input"


@pytest.mark.parametrize("rate", [8000, 16000, 24000, 48000])
async def test_a_caller_has_the_sample_rates_they_ask_for(rate: int) -> None:
    voice = scripted_voice("one two", **SETTINGS)
    sides = {"input": {"sample_rate": rate}, "output": {"sample_rate": rate}}
    async with serving(voice) as app, calling(app, **sides) as (socket, _):
        await speak(socket, rate=rate)
        heard, ended = await hear_utterance(socket)
        assert ended["heard"] == "one two"
        assert len(heard) == pytest.approx(0.2 * rate, abs=0.003 * rate)


async def test_events_of_a_turn_come_in_order_with_times() -> None:
    async with serving(scripted_voice("one two", **SETTINGS)) as app, calling(app) as (socket, _):
        await speak(socket)
        seen = []
        while not seen or seen[-1]["type"] != "utterance_ended":
            message = await socket.receive()
            assert message is not None
            if not isinstance(message, bytes):
                seen.append(message)
    kinds = [each["type"] for each in seen]
    expected = ["speech_started", "speech_stopped", "turn_closed", "reply_started", "text", "utterance_ended"]
    assert [kind for kind in kinds if kind in expected] == expected
    times = [each["at"] for each in seen if isinstance(each["at"], float)]
    assert times == sorted(times)
    assert ("transcript", "one two", True) in [(e["type"], e.get("text"), e.get("final")) for e in seen]


async def test_text_and_keys_of_the_caller_reach_the_session() -> None:
    async with serving(scripted_voice(**SETTINGS)) as app, calling(app) as (socket, _):
        socket.send({"type": "text", "text": "good morning"})
        assert (await hear_utterance(socket))[1]["heard"] == "good morning"
        socket.send({"type": "dtmf", "keys": "42#"})
        assert (await socket.receive_until("dtmf"))["keys"] == "42"
        socket.send({"type": "ping", "id": 7})
        assert (await socket.receive_until("pong"))["id"] == 7


async def test_a_barge_in_clears_what_waits_and_counts_what_was_played_alone() -> None:
    words = " ".join(f"word{number}" for number in range(40))
    voice = scripted_voice("hello", "wait stop", **SETTINGS)
    async with serving(voice, ScriptedAgent([words])) as app, calling(app) as (socket, _):
        await speak(socket, pause=0.5)
        received = 0
        while received < 24000:  # one second: ten words
            message = await socket.receive()
            received += len(message) // 2 if isinstance(message, bytes) else 0
        socket.send({"type": "played", "samples": received - 12000})  # half a second is still in the buffer
        socket.send({"type": "text", "text": "wait stop"})
        await socket.receive_until("clear")
        ended = await socket.receive_until("utterance_ended")
        assert ended["outcome"] == "cut"
        assert len(str(ended["heard"]).split()) in (5, 6)


async def test_a_connection_that_comes_back_has_the_same_history_and_no_second_greeting() -> None:
    voice = scripted_voice("one two", **SETTINGS, session={"greeting": "Good day."})
    async with serving(voice) as app:
        async with calling(app) as (socket, welcome):
            assert (await hear_utterance(socket))[1]["heard"] == "Good day."
            socket.send({"type": "text", "text": "good morning"})
            await hear_utterance(socket)
        await asyncio.sleep(5)
        async with calling(app, token=welcome["resume"]) as (socket, again):
            assert again["resumed"] is True
            assert again["session_id"] == welcome["session_id"]
            history = again["history"]
            assert isinstance(history, list)
            assert [each["text"] for each in history] == ["Good day.", "good morning", "good morning"]
            socket.send({"type": "text", "text": "once more"})
            assert (await hear_utterance(socket))[1]["heard"] == "once more"


async def test_the_agent_waits_in_mid_word_while_the_caller_is_away() -> None:
    voice = scripted_voice("hello", **SETTINGS)
    words = "one two three four five six seven eight"
    async with serving(voice, ScriptedAgent([words])) as app:
        audio = b""
        async with calling(app) as (socket, welcome):
            socket.send({"type": "text", "text": "hello"})
            while len(audio) < 9600:
                message = await socket.receive()
                audio += message if isinstance(message, bytes) else b""
            while not socket.from_app.empty():
                message = await socket.receive()
                audio += message if isinstance(message, bytes) else b""
        await asyncio.sleep(10)
        async with calling(app, token=welcome["resume"]) as (socket, _):
            rest, ended = await hear_utterance(socket)
        assert ended["outcome"] == "played"
        assert len(audio) // 2 + len(rest) == pytest.approx(len(voice.tts().audio_of(words)), abs=960)


async def test_a_session_ends_when_its_caller_does_not_come_back() -> None:
    voice = scripted_voice("hello", server={"grace": 3, "max_lag": 10})
    async with serving(voice) as app:
        async with calling(app) as (_, welcome):
            pass
        await asyncio.sleep(4)
        async with connect(app, "/ws") as socket:
            socket.send(HELLO | {"token": welcome["resume"]})
            assert (await socket.receive_until("error"))["code"] == "session_ended"
            assert await socket.receive() is None
            assert socket.closed == (4410, "session_ended")


async def test_a_replayed_resume_token_is_refused_and_the_call_goes_on() -> None:
    async with serving(scripted_voice(**SETTINGS)) as app:
        async with calling(app) as (socket, first):
            socket.send({"type": "ping"})
            await socket.receive_until("pong")
        async with calling(app, token=first["resume"]) as (socket, _):
            socket.send({"type": "ping"})
            await socket.receive_until("pong")
            async with connect(app, "/ws") as thief:
                thief.send(HELLO | {"token": first["resume"]})
                assert (await thief.receive_until("error"))["code"] == "token_used"
            socket.send({"type": "text", "text": "still here"})
            assert (await hear_utterance(socket))[1]["heard"] == "still here"


async def test_a_token_whose_successor_was_lost_on_the_way_works_again() -> None:
    async with serving(scripted_voice(**SETTINGS)) as app:
        async with calling(app) as (socket, first):
            socket.send({"type": "ping"})
            await socket.receive_until("pong")
        async with calling(app, token=first["resume"]):
            pass  # the welcome came, and nothing was heard of the caller since
        async with calling(app, token=first["resume"]) as (_, again):
            assert again["resumed"] is True


async def test_another_connection_takes_over_the_session() -> None:
    async with (
        serving(scripted_voice(**SETTINGS)) as app,
        calling(app) as (old, welcome),
        calling(app, token=welcome["resume"]) as (new, _),
    ):
        assert (await old.receive_until("bye"))["code"] == "taken_over"
        assert await old.receive() is None
        assert old.closed == (1000, "taken_over")
        new.send({"type": "text", "text": "hello"})
        assert (await hear_utterance(new))[1]["heard"] == "hello"


async def test_a_slow_reader_is_cut_and_the_session_can_be_resumed() -> None:
    voice = scripted_voice(server={"max_backlog": 20000, "max_lag": 10})
    async with serving(voice, ScriptedAgent(["word " * 50])) as app:
        async with calling(app) as (socket, welcome):
            socket.reads.clear()
            socket.send({"type": "text", "text": "tell me"})
            await asyncio.sleep(2)
            socket.reads.set()
            await socket.receive_all()
            assert socket.closed == (4429, "slow_reader")
        async with calling(app, token=welcome["resume"]) as (_, again):
            assert again["resumed"] is True


async def test_a_caller_of_whom_nothing_comes_is_cut() -> None:
    async with serving(scripted_voice(server={"idle": 5, "max_lag": 10})) as app, calling(app) as (socket, _):
        await asyncio.sleep(6)
        assert (await socket.receive_until("bye"))["code"] == "idle"


async def test_audio_that_comes_too_fast_is_read_no_faster_than_it_is_spoken() -> None:
    voice = scripted_voice("one two", **SETTINGS)
    async with serving(voice) as app, calling(app) as (socket, _):
        for _ in range(500):  # ten seconds at once
            socket.send(bytes(640))
        await asyncio.sleep(1)
        waiting = socket.to_app.qsize()
        assert 330 <= waiting <= 360  # three seconds were taken
