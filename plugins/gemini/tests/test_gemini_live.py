"""The speech-to-speech model: the codec on recorded messages, and against the simulated vendor."""

from __future__ import annotations

import asyncio
import base64
import json
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager
from typing import Any

import numpy as np
import pytest
from pydantic import SecretStr

from beluga_voice.audio import AudioFrame
from beluga_voice.codecs import Reply
from beluga_voice.connection import ConnectionPolicy
from beluga_voice.contracts import (
    AssistantMessage,
    CallerMessage,
    S2SSetup,
    S2SStream,
    ToolMessage,
    ToolSpec,
    s2s,
)
from beluga_voice.contracts.llm import Usage
from beluga_voice.conversation import ToolCall
from beluga_voice.errors import ProviderError
from beluga_voice.testing import check_s2s, sounds
from beluga_voice_gemini.live import GeminiS2S
from beluga_voice_gemini.settings import GeminiLiveSettings
from beluga_voice_simulators.backends import Backends
from beluga_voice_simulators.faults import REFUSALS, Fault, Faults
from beluga_voice_simulators.gemini import GeminiSimulator
from beluga_voice_simulators.hearing import ScriptedEar
from beluga_voice_simulators.thinking import ScriptedMind, Thought
from beluga_voice_simulators.thread import running

TOOL = ToolSpec("look_up", "Look it up.", {"type": "object", "properties": {}})
PCM = np.arange(240, dtype=np.int16)

real_time = pytest.mark.real_time


def codec(**options: Any) -> GeminiS2S:
    settings = {"api_key": SecretStr("k"), "base_url": "https://h", **options}
    made = GeminiS2S(GeminiLiveSettings(**settings)).for_stream()
    made.begin()
    return made


def decoded(made: GeminiS2S, *messages: dict[str, object]) -> list[object]:
    return [answer for message in messages for answer in made.decode(json.dumps(message).encode())]


def audio(samples: np.ndarray = PCM) -> dict[str, object]:
    blob = {"mimeType": "audio/pcm;rate=24000", "data": base64.b64encode(samples.tobytes()).decode()}
    return {"modelTurn": {"parts": [{"inlineData": blob}]}}


def sent(messages: Any) -> list[Any]:
    return [json.loads(message) for message in messages]


# -- the codec --


def test_the_address_and_the_setup_are_the_vendors() -> None:
    made = codec(voice="Kore", thinking_level="low")
    request = made.request()
    assert request.url == (
        "wss://h/ws/google.ai.generativelanguage.v1beta.GenerativeService.BidiGenerateContent"
    )
    assert request.headers == {"x-goog-api-key": "k"}
    assert "k'" not in repr(request)
    history = (
        AssistantMessage("Acme."),
        CallerMessage("Hi"),
        AssistantMessage("", (ToolCall("a", "f", "{}"),)),
    )
    (setup,) = sent(made.encode_setup(S2SSetup("Be brief.", (TOOL,), (*history, ToolMessage("a", "f", "7")))))
    told = setup["setup"]
    assert told["model"] == "models/gemini-3.1-flash-live-preview"
    assert told["generationConfig"]["responseModalities"] == ["AUDIO"]
    assert told["generationConfig"]["thinkingConfig"] == {"thinkingLevel": "LOW"}
    assert told["realtimeInputConfig"] == {"automaticActivityDetection": {"disabled": True}}
    assert told["tools"][0]["functionDeclarations"][0]["name"] == "look_up"
    reply, ready = decoded(made, {"setupComplete": {"sessionId": "s"}})
    assert ready == s2s.Ready()
    assert isinstance(reply, Reply)
    turns = json.loads(reply.message)["clientContent"]
    assert turns["turnComplete"]
    assert [(turn["role"], turn["parts"][0]["text"]) for turn in turns["turns"]] == [
        ("user", "(The call begins.)"),
        ("model", "Acme."),
        ("user", "Hi"),
    ]


def test_a_recorded_answer() -> None:
    made = codec()
    asked = sent(made.encode(AudioFrame(np.zeros(320, np.int16), 16000)))
    assert [list(message["realtimeInput"]) for message in asked] == [["activityStart"], ["audio"]]
    assert sent(made.encode_respond(7, "")) == [{"realtimeInput": {"activityEnd": {}}}]
    assert decoded(
        made,
        {"sessionResumptionUpdate": {"newHandle": "h", "resumable": True}},
        {"serverContent": {"inputTranscription": {"text": "Order"}}},
        {"serverContent": {"inputTranscription": {"text": " seven."}}},
        {"serverContent": audio()},
        {"serverContent": audio() | {"outputTranscription": {"text": "Seven it is."}}},
        {"serverContent": {"generationComplete": True}},
        {
            "serverContent": {"turnComplete": True},
            "usageMetadata": {"promptTokenCount": 50, "responseTokenCount": 9, "totalTokenCount": 59},
        },
        {"goAway": {"timeLeft": "9.5s"}},
        {"unheardOf": {}},
    ) == [
        s2s.InputTranscript("Order", False, item="speech-1"),
        s2s.InputTranscript("Order seven.", False, item="speech-1"),
        s2s.ResponseStarted("response-1", 7),
        AnyAudio("response-1", 0),
        AnyAudio("response-1", 240),
        s2s.ResponseText("response-1", "Seven it is."),
        s2s.InputTranscript("Order seven.", True, item="speech-1"),
        s2s.UsageReported(Usage(50, 9)),
        s2s.ResponseDone("response-1"),
        s2s.GoingAway(9.5),
    ]


class AnyAudio:
    """Equals audio of a response that begins at a sample."""

    def __init__(self, response: str, position: int) -> None:
        self._is = (response, position, 240)

    def __eq__(self, other: object) -> bool:
        return isinstance(other, s2s.ResponseAudio) and self._is == (
            other.response,
            other.frame.position,
            len(other.frame),
        )

    __hash__ = None  # type: ignore[assignment]


def test_a_recorded_answer_that_is_cut() -> None:
    made = codec()
    list(made.encode_respond(1, ""))
    decoded(made, {"serverContent": audio()})
    assert sent(made.encode_cancel("unknown")) == []
    assert sent(made.encode_cancel("response-1")) == [{"realtimeInput": {"activityStart": {}}}]
    assert decoded(
        made, {"serverContent": {"interrupted": True}}, {"serverContent": {"turnComplete": True}}
    ) == [s2s.ResponseDone("response-1", s2s.ResponseOutcome.CANCELLED)]
    assert sent(made.encode_cancel("response-1")) == []


def test_an_answer_that_is_cut_before_it_began_is_over_all_the_same() -> None:
    made = codec()
    list(made.encode_respond(1, ""))
    list(made.encode(AudioFrame(np.zeros(320, np.int16), 16000)))
    list(made.encode_respond(2, ""))
    assert decoded(
        made,
        {"serverContent": {"interrupted": True, "turnComplete": True}},
        {"serverContent": {"turnComplete": True}},
    ) == [
        s2s.ResponseStarted("response-1", 1),
        s2s.ResponseDone("response-1", s2s.ResponseOutcome.CANCELLED),
        s2s.ResponseStarted("response-2", 2),
        s2s.ResponseDone("response-2"),
    ]


def test_tools_are_called_and_answered_when_an_answer_is_asked_for() -> None:
    made = codec()
    list(made.encode_respond(1, ""))
    calls = [{"id": "a", "name": "f", "args": {"x": 1}}, {"id": "b", "name": "g"}]
    assert decoded(made, {"toolCall": {"functionCalls": calls}}) == [
        s2s.ResponseStarted("response-1", 1),
        s2s.FunctionCalled("response-1", ToolCall("a", "f", '{"x": 1}')),
        s2s.FunctionCalled("response-1", ToolCall("b", "g", "{}")),
        s2s.ResponseDone("response-1"),
    ]
    assert not list(made.encode_result(ToolMessage("a", "f", "7")))
    assert not list(made.encode_result(ToolMessage("b", "g", "no", failed=True)))
    decoded(made, {"toolCallCancellation": {"ids": ["b"]}})
    (response,) = sent(made.encode_respond(2, ""))
    assert response["toolResponse"]["functionResponses"] == [
        {"id": "a", "name": "f", "response": {"output": "7"}}
    ]


def test_what_is_written_is_said_when_an_answer_is_asked_for() -> None:
    made = codec()
    assert not list(made.encode_message(CallerMessage("order seven")))
    texts = [message["realtimeInput"].get("text") for message in sent(made.encode_respond(1, ""))]
    assert texts == [None, "order seven", None]
    assert [m["realtimeInput"].get("text") for m in sent(made.encode_respond(2, "Be rude."))] == [
        None,
        "(Be rude.)",
        None,
    ]


def test_a_refused_key_is_told_as_one() -> None:
    with pytest.raises(ProviderError, match="refused the key"):
        decoded(
            codec(), {"error": {"code": 400, "message": "API key not valid. Please pass a valid API key."}}
        )


# -- against the simulated vendor --


def model(vendor: GeminiSimulator, **options: Any) -> GeminiS2S:
    made = GeminiS2S(GeminiLiveSettings(**{"api_key": SecretStr("good"), "base_url": vendor.url, **options}))
    made.policy = ConnectionPolicy(
        tries=2, answer_deadline=0.5, send_deadline=0.5, open_deadline=1.0, keep_alive=0.3
    )
    return made


@asynccontextmanager
async def talking(
    *answers: str | Thought, setup: S2SSetup | None = None
) -> AsyncIterator[tuple[GeminiSimulator, S2SStream]]:
    backends = Backends(ScriptedEar(["order seven", "thank you"]), mind=ScriptedMind(answers))
    async with (
        GeminiSimulator(backends, keys={"good"}, faults=Faults(idle=0.2)) as vendor,
        model(vendor) as made,
    ):
        stream = await made.open_stream(setup or S2SSetup("Be brief.", (TOOL,)))
        try:
            yield vendor, stream
        finally:
            await stream.aclose()


async def until(stream: S2SStream, is_it: Callable[[s2s.S2SEvent], bool]) -> list[s2s.S2SEvent]:
    events: list[s2s.S2SEvent] = []
    async with asyncio.timeout(10):
        while not events or not is_it(events[-1]):
            events.append(await stream.receive())
    return events


def is_done(event: s2s.S2SEvent) -> bool:
    return isinstance(event, s2s.ResponseDone)


async def speak(stream: S2SStream) -> None:
    for frame in sounds.frames(sounds.speech_like(1.0), 16000):
        await stream.send(frame)


@real_time
async def test_keeps_the_contract() -> None:
    with running(GeminiSimulator()) as vendor:
        await check_s2s(lambda: model(vendor))


@real_time
async def test_hears_calls_a_tool_and_answers_aloud() -> None:
    async with talking(Thought(calls=(("look_up", {"order": "7"}),)), "It was sent.") as (_, stream):
        await speak(stream)
        await stream.respond(1)
        asked = await until(stream, is_done)
        (call,) = [event.call for event in asked if isinstance(event, s2s.FunctionCalled)]
        (final,) = [e for e in asked if isinstance(e, s2s.InputTranscript) and e.final]
        assert final.text == "order seven"
        await stream.send_result(ToolMessage(call.id, call.name, "sent"))
        await stream.respond(2)
        told = await until(stream, is_done)
        assert s2s.ResponseStarted("response-2", 2) in told
        assert "".join(e.text for e in told if isinstance(e, s2s.ResponseText)).strip() == "It was sent."
        assert sum(len(e.frame) for e in told if isinstance(e, s2s.ResponseAudio)) > 24000 * 0.3


@real_time
async def test_speech_cuts_an_answer_and_is_answered_next() -> None:
    async with talking("one two three " * 200, "You are welcome.") as (_, stream):
        await stream.add(CallerMessage("count"))
        await stream.respond(1)
        await until(stream, lambda event: isinstance(event, s2s.ResponseAudio))
        await stream.cancel("response-1")
        await speak(stream)
        cut = await until(stream, is_done)
        assert cut[-1] == s2s.ResponseDone("response-1", s2s.ResponseOutcome.CANCELLED)
        await stream.respond(2)
        told = await until(stream, is_done)
        assert told[-1] == s2s.ResponseDone("response-2")
        assert "welcome" in "".join(e.text for e in told if isinstance(e, s2s.ResponseText))


@real_time
async def test_a_stream_in_place_of_another_knows_what_was_said() -> None:
    history = (CallerMessage("order seven"), AssistantMessage("Seven it is."))
    async with talking(setup=S2SSetup("Be brief.", (), history)) as (vendor, _):
        vendor.backends = Backends(mind=(mind := ScriptedMind(["Yes."])))
        async with model(vendor) as made:
            again = await made.open_stream(S2SSetup("Be brief.", (), history))
            await again.add(CallerMessage("please"))
            await again.respond(1)
            await until(again, is_done)
            await again.aclose()
        assert [message.text for message in mind.prompts[0].messages] == [
            "Be brief.",
            "order seven",
            "Seven it is.",
            "please",
        ]


@real_time
@pytest.mark.parametrize("fault", REFUSALS)
async def test_every_refused_handshake_is_an_error(fault: Fault) -> None:
    async with GeminiSimulator(keys={"good"}) as vendor, model(vendor) as made:
        vendor.faults.play(fault, None)
        with pytest.raises(ProviderError) as caught:
            await made.open_stream(S2SSetup())
        retryable = fault in (Fault.RATE_LIMITED, Fault.SERVER_ERROR, Fault.OVERLOADED)
        assert caught.value.retryable == retryable


@real_time
@pytest.mark.parametrize("fault", [Fault.CUT, Fault.MALFORMED, Fault.HALF_ANSWER])
async def test_a_stream_that_breaks_says_that_another_may_work(fault: Fault) -> None:
    async with talking("one two three four five six") as (vendor, stream):
        vendor.faults.play(fault)
        await stream.add(CallerMessage("hello"))
        await stream.respond(1)
        with pytest.raises(ProviderError) as caught:
            await until(stream, is_done)
        assert caught.value.retryable


@real_time
@pytest.mark.parametrize("fault", [Fault.NEVER_READS, Fault.AUDIO_BEFORE_READY])
async def test_a_vendor_that_is_not_ready_is_given_up(fault: Fault) -> None:
    async with GeminiSimulator() as vendor, model(vendor) as made:
        vendor.faults.play(fault, None)
        if fault is Fault.AUDIO_BEFORE_READY:
            stream = await made.open_stream(S2SSetup())
            assert await until(stream, lambda event: isinstance(event, s2s.Ready))
            await stream.aclose()
            return
        with pytest.raises(ProviderError) as caught:
            await made.open_stream(S2SSetup())
        assert caught.value.retryable


@real_time
async def test_a_wrong_key_and_a_wrong_model_are_told() -> None:
    async with GeminiSimulator(keys={"good"}) as vendor:
        async with model(vendor, api_key=SecretStr("bad")) as made:
            with pytest.raises(ProviderError, match="refused the key"):
                await made.check_health()
        async with model(vendor, model="gemini-0") as made:
            with pytest.raises(ProviderError, match="is not found") as caught:
                await made.open_stream(S2SSetup())
            assert not caught.value.retryable
