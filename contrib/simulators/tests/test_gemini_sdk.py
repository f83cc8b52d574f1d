"""Google's own SDK, told nothing but the address, takes the simulator for Gemini."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Iterator
from contextlib import asynccontextmanager
from typing import Any

import pytest
from google import genai
from google.genai import errors, types

from beluga_voice.testing import sounds
from beluga_voice_simulators.backends import Backends
from beluga_voice_simulators.faults import REFUSALS, Fault
from beluga_voice_simulators.gemini import GeminiSimulator
from beluga_voice_simulators.hearing import ScriptedEar
from beluga_voice_simulators.thinking import ScriptedMind, Thought
from beluga_voice_simulators.thread import running
from beluga_voice_simulators.tls import Certificate

MODEL = "gemini-3.8-flash"
LIVE = "gemini-3.1-flash-live-preview"
LOOK_UP = types.FunctionDeclaration(
    name="look_up",
    description="Look up an order.",
    parameters=types.Schema(
        type=types.Type.OBJECT, properties={"order": types.Schema(type=types.Type.STRING)}
    ),
)
TOOLS: Any = [types.Tool(function_declarations=[LOOK_UP])]
TWO_CALLS = Thought("One moment.", (("look_up", {"order": "seven"}), ("look_up", {"order": "eight"})))


@pytest.fixture(scope="module")
def simulator() -> Iterator[GeminiSimulator]:
    """With TLS: the SDK opens WebSockets over TLS only."""
    with (
        Certificate() as certificate,
        running(GeminiSimulator(keys={"good"}, certificate=certificate)) as made,
        pytest.MonkeyPatch.context() as patch,
    ):
        patch.setenv("SSL_CERT_FILE", str(certificate.authority))
        yield made


@pytest.fixture(autouse=True)
def _afresh(simulator: GeminiSimulator) -> None:
    simulator.faults.clear()
    simulator.backends = Backends()


@pytest.fixture(scope="module")
def client(simulator: GeminiSimulator) -> Iterator[genai.Client]:
    made = make(simulator)
    yield made
    made.close()


def make(simulator: GeminiSimulator, key: str = "good") -> genai.Client:
    return genai.Client(api_key=key, http_options=types.HttpOptions(base_url=simulator.url))


def answers(simulator: GeminiSimulator, *given: str | Thought) -> ScriptedMind:
    mind = ScriptedMind(given)
    simulator.backends = Backends(ScriptedEar(["order seven"]), mind=mind)
    return mind


def test_an_answer_in_one_piece(simulator: GeminiSimulator, client: genai.Client) -> None:
    mind = answers(simulator, "On its way.")
    config = types.GenerateContentConfig(system_instruction="Be brief.", temperature=0.5)
    answer = client.models.generate_content(model=MODEL, contents="where is my order", config=config)
    assert answer.text == "On its way."
    assert answer.usage_metadata is not None
    assert answer.usage_metadata.candidates_token_count == 3
    assert [m.text for m in mind.prompts[0].messages] == ["Be brief.", "where is my order"]


def test_a_streamed_answer(simulator: GeminiSimulator, client: genai.Client) -> None:
    answers(simulator, "On its way to you.")
    chunks = list(client.models.generate_content_stream(model=MODEL, contents="where"))
    assert [chunk.text for chunk in chunks] == ["On", " its", " way", " to", " you."]
    assert chunks[-1].candidates is not None
    assert chunks[-1].candidates[0].finish_reason is types.FinishReason.STOP


def test_two_functions_called_at_once_and_their_results(
    simulator: GeminiSimulator, client: genai.Client
) -> None:
    mind = answers(simulator, TWO_CALLS, "Both are on their way.")
    config = types.GenerateContentConfig(tools=TOOLS)
    asked = client.models.generate_content(model=MODEL, contents="where", config=config)
    assert [call.args for call in asked.function_calls or ()] == [{"order": "seven"}, {"order": "eight"}]
    results = [
        types.Part(
            function_response=types.FunctionResponse(id=c.id, name=c.name, response={"output": "sent"})
        )
        for c in asked.function_calls or ()
    ]
    assert asked.candidates is not None
    history: Any = [
        types.Content(role="user", parts=[types.Part(text="where")]),
        asked.candidates[0].content,
        types.Content(role="user", parts=results),
    ]
    told = client.models.generate_content(model=MODEL, contents=history, config=config)
    assert told.text == "Both are on their way."
    assert [result.text for result in mind.prompts[1].results] == ["sent", "sent"]
    history[1] = types.Content(
        role="model", parts=[types.Part(function_call=call) for call in asked.function_calls or ()]
    )
    with pytest.raises(errors.ClientError, match="thought_signature"):
        client.models.generate_content(model=MODEL, contents=history, config=config)


def test_models_and_tokens_are_told(client: genai.Client) -> None:
    assert client.models.get(model=MODEL).name == f"models/{MODEL}"
    assert f"models/{LIVE}" in [model.name for model in client.models.list()]
    assert client.models.count_tokens(model=MODEL, contents="where is my order").total_tokens == 8


@pytest.mark.parametrize("fault", REFUSALS)
def test_refusals_are_the_sdks_errors(simulator: GeminiSimulator, client: genai.Client, fault: Fault) -> None:
    simulator.faults.play(fault)
    with pytest.raises(errors.APIError) as caught:
        client.models.generate_content(model=MODEL, contents="where")
    assert caught.value.code == REFUSALS[fault]


@pytest.mark.parametrize(
    ("options", "says"),
    [
        ({"model": "gemini-0"}, "is not found for API version"),
        ({"contents": [types.Content(role="user", parts=[])]}, "must not be empty"),
        ({"contents": [types.Content(role="robot", parts=[types.Part(text="x")])]}, "role"),
        ({"config": {"http_options": {"extra_body": {"oops": 1}}}}, 'Unknown name "oops"'),
        (
            {"config": {"tools": [{"function_declarations": [{"name": "no spaces"}]}]}},
            "Invalid function name",
        ),
        (
            {"config": {"tools": [{"function_declarations": [{"name": "a"}, {"name": "a"}]}]}},
            "Duplicate function declaration",
        ),
    ],
)
def test_refuses_what_the_vendor_refuses(client: genai.Client, options: dict[str, Any], says: str) -> None:
    with pytest.raises(errors.ClientError) as caught:
        client.models.generate_content(**{"model": MODEL, "contents": "hi", **options})
    assert says in str(caught.value)


def test_a_wrong_key_is_refused(simulator: GeminiSimulator) -> None:
    with make(simulator, "bad") as wrong, pytest.raises(errors.ClientError, match="API key not valid"):
        wrong.models.generate_content(model=MODEL, contents="hi")


# -- the Live API --

CONFIG = types.LiveConnectConfig(
    response_modalities=[types.Modality.AUDIO],
    system_instruction="Be brief.",
    input_audio_transcription=types.AudioTranscriptionConfig(),
    output_audio_transcription=types.AudioTranscriptionConfig(),
    tools=TOOLS,
)
MANUAL = CONFIG.model_copy(
    update={
        "realtime_input_config": types.RealtimeInputConfig(
            automatic_activity_detection=types.AutomaticActivityDetection(disabled=True)
        )
    }
)


@asynccontextmanager
async def connected(
    client: genai.Client, config: types.LiveConnectConfig, model: str = LIVE
) -> AsyncIterator[Any]:
    """Connect; the SDK's WebSocket leaves a task that ends a moment after it."""
    try:
        async with client.aio.live.connect(model=model, config=config) as session, asyncio.timeout(20):
            yield session
    finally:
        left = asyncio.all_tasks() - {asyncio.current_task()}
        if left:
            await asyncio.wait(left, timeout=5)


class Heard:
    """What a turn of the model's was."""

    def __init__(self) -> None:
        self.audio = b""
        self.asked = ""
        self.said = ""
        self.interrupted = False
        self.calls: list[types.FunctionCall] = []


async def turn(messages: AsyncIterator[types.LiveServerMessage]) -> Heard:
    heard = Heard()
    async for message in messages:
        if message.tool_call is not None:
            heard.calls = list(message.tool_call.function_calls or ())
            break
        content = message.server_content
        if content is None:
            continue
        heard.interrupted |= bool(content.interrupted)
        heard.audio += message.data or b""
        if content.input_transcription is not None:
            heard.asked += content.input_transcription.text or ""
        if content.output_transcription is not None:
            heard.said += content.output_transcription.text or ""
    return heard


async def say(session: Any, seconds: float = 1.0) -> None:
    for frame in sounds.frames(sounds.speech_like(seconds), 16000):
        blob = types.Blob(data=frame.tobytes(), mime_type="audio/pcm;rate=16000")
        await session.send_realtime_input(audio=blob)


@pytest.mark.real_time
async def test_a_live_conversation_with_a_function(simulator: GeminiSimulator, client: genai.Client) -> None:
    answers(simulator, Thought(calls=(("look_up", {"order": "7"}),)), "It was sent.")
    async with connected(client, MANUAL) as session:
        await session.send_realtime_input(activity_start=types.ActivityStart())
        await say(session)
        await session.send_realtime_input(activity_end=types.ActivityEnd())
        asked = await turn(session.receive())
        assert asked.asked == "order seven"
        (call,) = asked.calls
        response = types.FunctionResponse(id=call.id, name=call.name, response={"output": "sent"})
        await session.send_tool_response(function_responses=[response])
        told = await turn(session.receive())
        assert told.said.split() == ["It", "was", "sent."]
        assert len(told.audio) > 24000 * 0.3 * 2


@pytest.mark.real_time
async def test_a_live_answer_is_interrupted_by_speech(
    simulator: GeminiSimulator, client: genai.Client
) -> None:
    answers(simulator, "one two three " * 300, "You are welcome.")
    async with connected(client, MANUAL) as session:
        await session.send_realtime_input(activity_start=types.ActivityStart())
        await session.send_realtime_input(text="count")
        await session.send_realtime_input(activity_end=types.ActivityEnd())
        async for message in session.receive():
            if message.data:
                break
        await session.send_realtime_input(activity_start=types.ActivityStart())
        await say(session)
        assert (await turn(session.receive())).interrupted
        await session.send_realtime_input(activity_end=types.ActivityEnd())
        assert (await turn(session.receive())).said.split() == ["You", "are", "welcome."]


@pytest.mark.real_time
async def test_the_vendor_finds_the_turn_itself(simulator: GeminiSimulator, client: genai.Client) -> None:
    answers(simulator, "Seven it is.")
    async with connected(client, CONFIG) as session:
        await say(session)
        silence = types.Blob(data=bytes(32000), mime_type="audio/pcm;rate=16000")
        await session.send_realtime_input(audio=silence)
        heard = await turn(session.receive())
        assert heard.asked == "order seven"
        assert heard.said.split() == ["Seven", "it", "is."]


@pytest.mark.real_time
async def test_a_wrong_setup_closes_the_connection(client: genai.Client) -> None:
    with pytest.raises(errors.APIError, match="is not found"):
        async with connected(client, CONFIG, "gemini-0"):
            pass
