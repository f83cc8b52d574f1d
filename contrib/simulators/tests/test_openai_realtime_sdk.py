"""OpenAI's own SDK holds realtime conversations with the simulator, and each event has the vendor's shape."""

from __future__ import annotations

import base64
from collections.abc import Iterator
from typing import Any

import numpy as np
import pytest
from openai import OpenAI
from openai.resources.realtime.realtime import RealtimeConnection
from openai.types.realtime import RealtimeServerEvent
from pydantic import TypeAdapter

from beluga_voice.testing import sounds
from beluga_voice_simulators.backends import Backends
from beluga_voice_simulators.faults import Fault
from beluga_voice_simulators.hearing import ScriptedEar
from beluga_voice_simulators.openai import OpenAISimulator
from beluga_voice_simulators.thinking import ScriptedMind, Thought
from beluga_voice_simulators.thread import running

# The SDK asks for websockets below 16, whose `connect` it uses as later ones warn of.
pytestmark = pytest.mark.filterwarnings(
    "ignore:connect.. must be used as a context manager:DeprecationWarning"
)

SHAPE: TypeAdapter[RealtimeServerEvent] = TypeAdapter(RealtimeServerEvent)
SPEECH = sounds.speech_like(0.6, 24000)
SILENCE = sounds.silence(0.7, 24000)
NO_VAD = {"type": "realtime", "audio": {"input": {"turn_detection": None}}}
LOOK_UP = {
    "type": "function",
    "name": "look_up",
    "description": "",
    "parameters": {"type": "object", "properties": {}},
}


@pytest.fixture
def simulator() -> Iterator[OpenAISimulator]:
    backends = Backends(ScriptedEar(["order seven please"]), mind=ScriptedMind([]))
    with running(OpenAISimulator(backends, pace=4.0)) as simulator:
        yield simulator


@pytest.fixture
def talk(simulator: OpenAISimulator) -> Iterator[RealtimeConnection]:
    client = OpenAI(base_url=f"{simulator.url}/v1", api_key="k")
    with client, client.realtime.connect(model="gpt-realtime") as connection:
        yield connection


def until(connection: RealtimeConnection, kind: str) -> list[Any]:
    """Receive up to an event of a kind, each of which must be as the vendor's own types say."""
    events: list[Any] = []
    while not events or events[-1].type != kind:
        events.append(SHAPE.validate_json(connection.recv_bytes(), strict=True))
    return events


def say(connection: RealtimeConnection, *samples: np.ndarray) -> None:
    for each in samples:
        connection.input_audio_buffer.append(audio=base64.b64encode(each.tobytes()).decode())


def write(connection: RealtimeConnection, text: str) -> None:
    content = [{"type": "input_text", "text": text}]
    connection.conversation.item.create(item={"type": "message", "role": "user", "content": content})


def mind_of(simulator: OpenAISimulator) -> ScriptedMind:
    assert isinstance(simulator.backends.mind, ScriptedMind)
    return simulator.backends.mind


def test_answers_speech_that_its_own_vad_has_found(talk: RealtimeConnection) -> None:
    listens = {"transcription": {"model": "gpt-4o-mini-transcribe", "language": "en"}}
    talk.session.update(
        session={"type": "realtime", "instructions": "Be brief.", "audio": {"input": listens}}
    )
    say(talk, SPEECH, SILENCE)
    events = until(talk, "response.done")
    kinds = [event.type for event in events]
    order = [
        "session.created",
        "session.updated",
        "input_audio_buffer.speech_started",
        "input_audio_buffer.speech_stopped",
        "input_audio_buffer.committed",
        "response.created",
        "response.output_audio.delta",
        "response.output_audio.done",
        "response.done",
    ]
    assert [kind for kind in dict.fromkeys(kinds) if kind in order] == order
    completed = "conversation.item.input_audio_transcription.completed"
    assert [e.transcript for e in events if e.type == completed] == ["order seven please"]
    audio = b"".join(base64.b64decode(e.delta) for e in events if e.type == "response.output_audio.delta")
    words = "".join(e.delta for e in events if e.type == "response.output_audio_transcript.delta")
    assert words == "You said: order seven please"
    assert len(audio) / 2 / 24000 == pytest.approx(24 * 0.06, abs=0.1)
    assert events[-1].response.status == "completed"
    assert events[-1].response.usage.total_tokens > 0


def test_is_interrupted_and_forgets_what_was_not_heard(
    talk: RealtimeConnection, simulator: OpenAISimulator
) -> None:
    mind_of(simulator)._answers.append("One two three four five six seven eight nine ten, and so on and on.")
    write(talk, "count")
    talk.response.create()
    delta = until(talk, "response.output_audio.delta")[-1]
    say(talk, SPEECH, SILENCE)
    events = until(talk, "response.done")
    assert "input_audio_buffer.speech_started" in {event.type for event in events}
    assert events[-1].response.status == "cancelled"
    assert events[-1].response.status_details.reason == "turn_detected"
    until(talk, "response.done")  # the answer to what was said over it
    talk.conversation.item.truncate(item_id=delta.item_id, content_index=0, audio_end_ms=0)
    until(talk, "conversation.item.truncated")
    talk.response.create()
    until(talk, "response.done")
    texts = [message.text for message in mind_of(simulator).prompts[-1].messages]
    assert texts[1:4] == ["count", "", "order seven please"]


def test_calls_functions_and_takes_their_results(
    talk: RealtimeConnection, simulator: OpenAISimulator
) -> None:
    two = Thought(calls=(("look_up", {"n": 7}), ("look_up", {"n": 8})))
    mind_of(simulator)._answers.append(two)
    talk.session.update(session={**NO_VAD, "tools": [LOOK_UP]})
    write(talk, "where is it")
    talk.response.create()
    done = until(talk, "response.done")[-1]
    calls = done.response.output
    assert [call.arguments for call in calls] == ['{"n": 7}', '{"n": 8}']
    for call in calls:
        item = {"type": "function_call_output", "call_id": call.call_id, "output": "shipped"}
        talk.conversation.item.create(item=item)
    talk.response.create()
    words = "".join(
        e.delta for e in until(talk, "response.done") if e.type == "response.output_audio_transcript.delta"
    )
    assert words == "look_up says: shipped. look_up says: shipped."


def test_a_client_that_finds_turns_itself_commits_and_cancels(talk: RealtimeConnection) -> None:
    talk.session.update(session=NO_VAD)
    say(talk, SPEECH)
    talk.input_audio_buffer.commit()
    talk.response.create(response={"metadata": {"request": "1"}})
    created = next(e for e in until(talk, "response.output_audio.delta") if e.type == "response.created")
    assert created.response.metadata == {"request": "1"}
    talk.response.create()
    assert until(talk, "error")[-1].error.code == "conversation_already_has_active_response"
    talk.response.cancel()
    assert until(talk, "response.done")[-1].response.status_details.reason == "client_cancelled"


@pytest.mark.parametrize(
    ("event", "code"),
    [
        ({"type": "session.update", "session": {"type": "realtime", "voice": "ash"}}, "unknown_parameter"),
        ({"type": "session.update", "session": {"audio": {}}}, "missing_required_parameter"),
        (
            {"type": "session.update", "session": {"type": "realtime", "tools": [{"type": "x"}]}},
            "invalid_value",
        ),
        ({"type": "input_audio_buffer.commit"}, "input_audio_buffer_commit_empty"),
        ({"type": "response.cancel"}, "response_cancel_not_active"),
        ({"type": "response.make"}, "invalid_value"),
        ({"type": "conversation.item.delete", "item_id": "x"}, "item_not_found"),
        (
            {
                "type": "conversation.item.create",
                "item": {"type": "function_call_output", "call_id": "x", "output": ""},
            },
            "invalid_tool_call_id",
        ),
    ],
)
def test_refuses_events_as_the_vendor_does(talk: RealtimeConnection, event: Any, code: str) -> None:
    talk.send({"event_id": "mine", **event})
    error = until(talk, "error")[-1].error
    assert (error.code, error.event_id) == (code, "mine")


def test_transcribes_without_a_conversation(simulator: OpenAISimulator) -> None:
    client = OpenAI(base_url=f"{simulator.url}/v1", api_key="k")
    with client, client.realtime.connect(extra_query={"intent": "transcription"}) as talk:
        listens = {"transcription": {"model": "gpt-transcribe"}, "turn_detection": None}
        talk.session.update(session={"type": "transcription", "audio": {"input": listens}})
        say(talk, SPEECH)
        talk.input_audio_buffer.commit()
        done = until(talk, "conversation.item.input_audio_transcription.completed")[-1]
        assert done.transcript == "order seven please"
        talk.response.create()
        until(talk, "error")


def test_half_a_response_is_told_to_have_failed(talk: RealtimeConnection, simulator: OpenAISimulator) -> None:
    simulator.faults.play(Fault.HALF_ANSWER)
    write(talk, "hello")
    talk.response.create()
    assert until(talk, "response.done")[-1].response.status == "failed"
