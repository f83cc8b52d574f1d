"""OpenAI's own SDK, told nothing but the address, takes the simulator for OpenAI."""

from __future__ import annotations

import base64
import io
import json
import wave
from collections.abc import Iterator

import numpy as np
import openai
import pytest
from openai import OpenAI
from openai.types.responses import ResponseStreamEvent
from pydantic import TypeAdapter

from beluga_voice.testing import sounds
from beluga_voice_simulators.backends import Backends
from beluga_voice_simulators.faults import REFUSALS, Fault
from beluga_voice_simulators.hearing import ScriptedEar
from beluga_voice_simulators.openai import OpenAISimulator
from beluga_voice_simulators.thinking import ScriptedMind, Thought
from beluga_voice_simulators.thread import running

TOOLS = [
    {
        "type": "function",
        "function": {
            "name": "look_up",
            "description": "Look up an order.",
            "parameters": {"type": "object", "properties": {"order": {"type": "string"}}},
        },
    }
]
TWO_CALLS = Thought(calls=(("look_up", {"order": "seven"}), ("look_up", {"order": "eight"})))
USER = {"role": "user", "content": "where is my order"}


@pytest.fixture(scope="module")
def simulator() -> Iterator[OpenAISimulator]:
    with running(
        OpenAISimulator(Backends(ScriptedEar(["order seven please"])), keys={"sk-good"})
    ) as simulator:
        yield simulator


@pytest.fixture
def client(simulator: OpenAISimulator) -> Iterator[OpenAI]:
    simulator.asked.clear()
    simulator.faults.clear()
    with OpenAI(base_url=f"{simulator.url}/v1", api_key="sk-good", max_retries=0) as client:
        yield client


def wav(samples: np.ndarray, rate: int = 16000) -> tuple[str, bytes]:
    file = io.BytesIO()
    with wave.open(file, "wb") as out:
        out.setnchannels(1)
        out.setsampwidth(2)
        out.setframerate(rate)
        out.writeframes(samples.tobytes())
    return "speech.wav", file.getvalue()


# -- chat --


def test_streams_a_chat_with_its_usage(client: OpenAI) -> None:
    stream = client.chat.completions.create(
        model="gpt-4.1-mini", messages=[USER], stream=True, stream_options={"include_usage": True}
    )
    chunks = list(stream)
    text = "".join(chunk.choices[0].delta.content or "" for chunk in chunks if chunk.choices)
    assert text == "You said: where is my order"
    assert len(chunks) > 5
    assert chunks[-1].usage.total_tokens > 10
    assert [c.choices[0].finish_reason for c in chunks if c.choices][-1] == "stop"


def test_answers_a_chat_at_once(client: OpenAI) -> None:
    answer = client.chat.completions.create(model="gpt-4o", messages=[USER])
    assert answer.choices[0].message.content == "You said: where is my order"
    assert answer.usage.completion_tokens == 6


def test_calls_tools_in_parallel_and_takes_their_results(client: OpenAI, simulator: OpenAISimulator) -> None:
    object.__setattr__(simulator.backends, "mind", ScriptedMind([TWO_CALLS]))
    with client.chat.completions.stream(model="gpt-4o", messages=[USER], tools=TOOLS) as stream:
        message = stream.get_final_completion().choices[0].message
    assert [json.loads(c.function.arguments) for c in message.tool_calls] == [
        {"order": "seven"},
        {"order": "eight"},
    ]
    calls = [
        {"id": c.id, "type": c.type, "function": c.function.model_dump(include={"name", "arguments"})}
        for c in message.tool_calls
    ]
    results = [{"role": "tool", "tool_call_id": c.id, "content": "shipped"} for c in message.tool_calls]
    answer = client.chat.completions.create(
        model="gpt-4o",
        tools=TOOLS,
        messages=[USER, {"role": "assistant", "tool_calls": calls}, *results],
    )
    assert answer.choices[0].message.content == "look_up says: shipped. look_up says: shipped."


def test_refuses_calls_without_results_as_the_vendor_does(client: OpenAI) -> None:
    call = {"id": "call_1", "type": "function", "function": {"name": "look_up", "arguments": "{}"}}
    with pytest.raises(openai.BadRequestError, match="must be followed by tool messages"):
        client.chat.completions.create(
            model="gpt-4o", messages=[USER, {"role": "assistant", "tool_calls": [call]}, USER]
        )


@pytest.mark.parametrize(
    ("change", "error", "words"),
    [
        ({"model": "gpt-nothing"}, openai.NotFoundError, "does not exist"),
        ({"model": "whisper-1"}, openai.BadRequestError, "not one for chat"),
        ({"extra_body": {"stream_option": {}}}, openai.BadRequestError, "Unknown parameter: 'stream_option'"),
        ({"messages": []}, openai.BadRequestError, "empty array"),
        ({"messages": [{"role": "caller", "content": "x"}]}, openai.BadRequestError, "Supported values are"),
        ({"tool_choice": "auto"}, openai.BadRequestError, "only allowed when 'tools'"),
        ({"stream_options": {"include_usage": True}}, openai.BadRequestError, "only allowed when 'stream'"),
        (
            {"messages": [{"role": "tool", "tool_call_id": "x", "content": "y"}]},
            openai.BadRequestError,
            "preceding",
        ),
    ],
)
def test_refuses_what_the_vendor_refuses(
    client: OpenAI, change: dict[str, object], error: type[Exception], words: str
) -> None:
    with pytest.raises(error, match=words):
        client.chat.completions.create(**{"model": "gpt-4o", "messages": [USER], **change})


# -- responses --


def test_streams_a_response_whose_events_have_the_vendor_s_shape(client: OpenAI) -> None:
    shape: TypeAdapter[ResponseStreamEvent] = TypeAdapter(ResponseStreamEvent)
    ask = {"model": "gpt-5.4-mini", "input": "hello there", "instructions": "Be brief."}
    with client.responses.with_streaming_response.create(**ask, stream=True) as response:
        lines = [line for line in response.iter_lines() if line.startswith("data: ")]
    kinds = [shape.validate_json(line[6:], strict=True).type for line in lines]
    assert kinds == [
        "response.created",
        "response.in_progress",
        "response.output_item.added",
        "response.content_part.added",
        *["response.output_text.delta"] * 4,
        "response.output_text.done",
        "response.content_part.done",
        "response.output_item.done",
        "response.completed",
    ]
    with client.responses.stream(**ask) as stream:
        final = stream.get_final_response()
    assert final.output_text == "You said: hello there"
    assert final.usage.output_tokens == 4


def test_a_response_goes_on_from_the_one_before(client: OpenAI, simulator: OpenAISimulator) -> None:
    object.__setattr__(simulator.backends, "mind", ScriptedMind([TWO_CALLS]))
    tool = {"type": "function", "strict": False, **TOOLS[0]["function"]}
    first = client.responses.create(model="gpt-5.4", input="where is it", tools=[tool])
    assert [each.type for each in first.output] == ["function_call"] * 2
    results = [
        {"type": "function_call_output", "call_id": each.call_id, "output": "shipped"}
        for each in first.output
    ]
    second = client.responses.create(
        model="gpt-5.4", input=results, previous_response_id=first.id, tools=[tool]
    )
    assert second.output_text == "look_up says: shipped. look_up says: shipped."
    with pytest.raises(openai.BadRequestError, match="No tool output found"):
        client.responses.create(model="gpt-5.4", input="hello", previous_response_id=first.id)


# -- speech --


def test_streams_speech_as_samples(client: OpenAI) -> None:
    with client.audio.speech.with_streaming_response.create(
        model="gpt-4o-mini-tts", voice="marin", input="Your order is on its way.", response_format="pcm"
    ) as response:
        data = b"".join(response.iter_bytes())
    assert len(data) / 2 / 24000 == pytest.approx(19 * 0.06, abs=0.01)


def test_speech_as_wav_and_as_events_is_the_same_speech(client: OpenAI, simulator: OpenAISimulator) -> None:
    say = {"model": "gpt-4o-mini-tts", "voice": "ash", "input": "Hello there."}
    bare = client.audio.speech.create(**say, response_format="pcm").content
    assert client.audio.speech.create(**say, response_format="wav").content[44:] == bare
    with client.audio.speech.with_streaming_response.create(
        **say, response_format="pcm", stream_format="sse"
    ) as response:
        events = [json.loads(line[6:]) for line in response.iter_lines() if line.startswith("data: ")]
    deltas = [base64.b64decode(e["audio"]) for e in events if e["type"] == "speech.audio.delta"]
    assert b"".join(deltas) == bare
    assert events[-1]["type"] == "speech.audio.done"


@pytest.mark.parametrize(
    ("change", "words"),
    [
        ({"voice": "nobody"}, "Supported values are: 'alloy'"),
        ({"speed": 9}, "'speed'"),
        ({"input": "x" * 4097}, "too long"),
        ({"input": ""}, "empty string"),
        ({"response_format": "mp3"}, "gives pcm and wav"),
    ],
)
def test_refuses_speech_that_cannot_be(client: OpenAI, change: dict[str, object], words: str) -> None:
    say = {"model": "tts-1", "voice": "ash", "input": "Hello there.", "response_format": "pcm"}
    with pytest.raises(openai.BadRequestError, match=words):
        client.audio.speech.create(**{**say, **change})


# -- transcriptions --


def test_streams_a_transcription(client: OpenAI) -> None:
    stream = client.audio.transcriptions.create(
        model="gpt-4o-mini-transcribe", file=wav(sounds.speech_like(1.0)), stream=True, language="en"
    )
    events = list(stream)
    assert [e.type for e in events] == ["transcript.text.delta"] * 3 + ["transcript.text.done"]
    assert "".join(e.delta for e in events[:-1]) == events[-1].text == "order seven please"
    assert events[-1].usage.input_tokens == 10


def test_transcribes_at_once_and_with_times(client: OpenAI) -> None:
    file = wav(sounds.speech_like(2.0, 24000), 24000)
    assert (
        client.audio.transcriptions.create(model="gpt-4o-transcribe", file=file).text == "order seven please"
    )
    verbose = client.audio.transcriptions.create(
        model="whisper-1", file=file, response_format="verbose_json", timestamp_granularities=["word"]
    )
    assert verbose.duration == pytest.approx(2.0, abs=0.01)
    assert [word.word for word in verbose.words] == ["order", "seven", "please"]
    text = client.audio.transcriptions.create(model="whisper-1", file=file, response_format="text")
    assert text == "order seven please\n"


def test_refuses_audio_that_is_none_or_too_short(client: OpenAI) -> None:
    with pytest.raises(openai.BadRequestError, match="too short"):
        client.audio.transcriptions.create(model="whisper-1", file=wav(sounds.tone(0.05)))
    with pytest.raises(openai.BadRequestError, match="corrupted"):
        client.audio.transcriptions.create(model="whisper-1", file=("x.wav", b"no audio at all"))


# -- what goes wrong --


def test_a_wrong_key_and_a_missing_one_are_refused(simulator: OpenAISimulator) -> None:
    with OpenAI(base_url=f"{simulator.url}/v1", api_key="sk-bad", max_retries=0) as client:
        with pytest.raises(openai.AuthenticationError, match="Incorrect API key"):
            client.models.list()
        with pytest.raises(openai.AuthenticationError, match="didn't provide"):
            client.models.list(extra_headers={"Authorization": openai.Omit()})


def test_lists_its_models(client: OpenAI) -> None:
    assert client.models.retrieve("whisper-1").id in {model.id for model in client.models.list()}


@pytest.mark.parametrize(("fault", "status"), REFUSALS.items())
def test_the_sdk_understands_each_refusal(
    client: OpenAI, simulator: OpenAISimulator, fault: Fault, status: int
) -> None:
    simulator.faults.play(fault)
    with pytest.raises(openai.APIStatusError) as caught:
        client.chat.completions.create(model="gpt-4o", messages=[USER])
    assert caught.value.status_code == status


def test_the_sdk_waits_as_asked_and_tries_again(client: OpenAI, simulator: OpenAISimulator) -> None:
    simulator.faults.retry_after = 0.01
    simulator.faults.play(Fault.RATE_LIMITED)
    client.with_options(max_retries=1).chat.completions.create(model="gpt-4o", messages=[USER])
    assert [asked.status for asked in simulator.asked] == [429, 200]


def test_the_sdk_notices_answers_that_break_off(client: OpenAI, simulator: OpenAISimulator) -> None:
    simulator.faults.play(Fault.HALF_ANSWER)
    with pytest.raises(openai.APIError, match="server had an error"):
        list(client.chat.completions.create(model="gpt-4o", messages=[USER], stream=True))
    simulator.faults.play(Fault.HALF_ANSWER)
    with pytest.raises(openai.APIConnectionError):
        client.audio.speech.create(model="tts-1", voice="ash", input="Hello there.", response_format="pcm")
