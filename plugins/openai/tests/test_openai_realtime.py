"""The Realtime model and the recognizer over the same interface: codecs on recorded messages, and on a socket."""

from __future__ import annotations

import asyncio
import json
from collections.abc import Callable
from typing import Any

import pytest

from beluga_voice.audio import AudioFrame
from beluga_voice.codecs import ConnectionPolicy, Ready
from beluga_voice.contracts import (
    AssistantMessage,
    CallerMessage,
    S2SSetup,
    S2SStream,
    ToolCall,
    ToolMessage,
    ToolSpec,
    Transcript,
    s2s,
)
from beluga_voice.errors import ProviderError
from beluga_voice.testing import check_codec, check_s2s, check_stt, sounds
from beluga_voice_openai.realtime_stt import OpenAIRealtimeSTT
from beluga_voice_openai.s2s import OpenAIS2S
from beluga_voice_openai.settings import OpenAIRealtimeSTTSettings, OpenAIS2SSettings
from beluga_voice_openai.spoken import SpokenResponses
from beluga_voice_simulators.faults import REFUSALS, Fault
from beluga_voice_simulators.openai import OpenAISimulator
from beluga_voice_simulators.thinking import ScriptedMind, Thought

QUICK = ConnectionPolicy(
    open_deadline=0.5, send_deadline=0.3, answer_deadline=0.4, close_deadline=0.1, tries=2, delay=0.01
)
TOOL = ToolSpec("look_up", "Look up an order.", {"type": "object", "properties": {}})
LONG = "One two three four five six seven eight nine ten, and so on, and on, and on."


def model(account: dict[str, Any], **settings: Any) -> OpenAIS2S:
    made = OpenAIS2S(OpenAIS2SSettings(**account, **settings))
    made.policy = QUICK
    return made


async def until(stream: S2SStream, is_it: type | Callable[[s2s.S2SEvent], bool]) -> list[s2s.S2SEvent]:
    events: list[s2s.S2SEvent] = []
    async with asyncio.timeout(5.0):
        while True:
            events.append(await stream.receive())
            if isinstance(events[-1], is_it) if isinstance(is_it, type) else is_it(events[-1]):
                return events


def words_of(events: list[s2s.S2SEvent]) -> str:
    return "".join(event.text for event in events if isinstance(event, s2s.ResponseText))


def think(vendor: OpenAISimulator, *answers: Any) -> ScriptedMind:
    mind = ScriptedMind(answers)
    object.__setattr__(vendor.backends, "mind", mind)
    return mind


async def speak(stream: S2SStream, seconds: float = 0.6, silence: float = 0.0) -> None:
    for samples in (sounds.speech_like(seconds, 24000), sounds.silence(silence, 24000)):
        for frame in sounds.frames(samples, 24000):
            await stream.send(frame)


# -- the model --


@pytest.mark.parametrize("turn_detection", ["session", "server_vad", "semantic_vad"])
@pytest.mark.real_time
async def test_the_model_keeps_the_contract(
    vendor: OpenAISimulator, account: dict[str, Any], turn_detection: str
) -> None:
    await check_s2s(lambda: OpenAIS2S(OpenAIS2SSettings(**account, turn_detection=turn_detection)))


@pytest.mark.real_time
async def test_hears_a_turn_of_the_session_s_and_answers_when_asked(
    vendor: OpenAISimulator, account: dict[str, Any]
) -> None:
    async with model(account) as realtime:
        stream = await realtime.open_stream(S2SSetup("Be brief.", language="en-GB"))
        await speak(stream)
        await stream.commit(7)
        await stream.respond(3)
        events = await until(stream, s2s.ResponseDone)
        await stream.aclose()
    finals = [e for e in events if isinstance(e, s2s.InputTranscript) and e.final]
    assert [(e.text, e.commit) for e in finals] == [("order seven please", 7)]
    assert [e.request for e in events if isinstance(e, s2s.ResponseStarted)] == [3]
    assert words_of(events) == "You said: order seven please"
    assert any(isinstance(e, s2s.UsageReported) and e.usage.output_tokens == 5 for e in events)
    update = json.loads(vendor.asked[-1].line.received[0])["session"]
    assert update["instructions"] == "Be brief."
    assert update["audio"]["input"]["transcription"] == {"model": "gpt-4o-mini-transcribe", "language": "en"}


@pytest.mark.real_time
async def test_answers_by_itself_the_turns_that_the_vendor_finds(
    vendor: OpenAISimulator, account: dict[str, Any]
) -> None:
    async with model(account, turn_detection="server_vad", silence=0.3) as realtime:
        stream = await realtime.open_stream(S2SSetup())
        await speak(stream, 0.6, 0.5)
        events = await until(stream, s2s.ResponseDone)
        await stream.aclose()
    kinds = [type(e) for e in events]
    assert kinds.index(s2s.SpeechStarted) < kinds.index(s2s.SpeechStopped) < kinds.index(s2s.TurnEnded)
    assert kinds.index(s2s.TurnEnded) < kinds.index(s2s.ResponseStarted)
    stopped = next(e for e in events if isinstance(e, s2s.SpeechStopped))
    assert stopped.end == pytest.approx(0.6, abs=0.05)
    assert next(e for e in events if isinstance(e, s2s.ResponseStarted)).request == 0


@pytest.mark.real_time
async def test_a_response_that_is_cut_is_remembered_as_far_as_it_was_heard(
    vendor: OpenAISimulator, account: dict[str, Any]
) -> None:
    vendor.pace, mind = 20.0, think(vendor, LONG)
    async with model(account) as realtime:
        stream = await realtime.open_stream(S2SSetup())
        await stream.add(CallerMessage("count"))
        await stream.respond(1)
        name = (await until(stream, s2s.ResponseAudio))[-1].response
        await until(stream, lambda e: isinstance(e, s2s.ResponseText) and "five" in e.text)
        await stream.cancel(name)
        done = (await until(stream, s2s.ResponseDone))[-1]
        assert done.outcome is s2s.ResponseOutcome.CANCELLED
        await stream.truncate(
            name, round(0.06 * 12 * 24000)
        )  # the twelve letters of "One two three four" and one
        await stream.respond(2)
        await until(stream, s2s.ResponseDone)
        await stream.aclose()
    vendor.pace = 0.0
    assert mind.prompts[-1].messages[-1] == AssistantMessage("One two three")


@pytest.mark.real_time
async def test_calls_tools_and_tells_of_their_results(
    vendor: OpenAISimulator, account: dict[str, Any]
) -> None:
    think(vendor, Thought("Let me see.", (("look_up", {"n": 7}), ("look_up", {"n": 8}))))
    async with model(account) as realtime:
        stream = await realtime.open_stream(S2SSetup("", (TOOL,)))
        await stream.add(CallerMessage("where is it"))
        await stream.respond(1)
        events = await until(stream, s2s.ResponseDone)
        calls = [e.call for e in events if isinstance(e, s2s.FunctionCalled)]
        assert [(call.name, call.arguments) for call in calls] == [
            ("look_up", '{"n": 7}'),
            ("look_up", '{"n": 8}'),
        ]
        for call in calls:
            await stream.send_result(ToolMessage(call.id, "look_up", "shipped"))
        await stream.respond(2)
        assert (
            words_of(await until(stream, s2s.ResponseDone)) == "look_up says: shipped. look_up says: shipped."
        )
        await stream.aclose()


@pytest.mark.real_time
async def test_says_word_for_word_and_leaves_the_conversation_alone(
    vendor: OpenAISimulator, account: dict[str, Any]
) -> None:
    mind = think(vendor)
    async with model(account) as realtime:
        stream = await realtime.open_stream(S2SSetup())
        await stream.say(1, "Are you still there?")
        assert words_of(await until(stream, s2s.ResponseDone)) == "Are you still there?"
        await stream.add(CallerMessage("yes"))
        await stream.respond(2)
        await until(stream, s2s.ResponseDone)
        await stream.aclose()
    assert [message.text for message in mind.prompts[-1].messages[1:]] == ["yes"]


@pytest.mark.real_time
async def test_begins_with_the_history(vendor: OpenAISimulator, account: dict[str, Any]) -> None:
    mind = think(vendor)
    history = (
        CallerMessage("where is it"),
        AssistantMessage("One moment.", (ToolCall("call_9", "look_up", "{}"),)),
        ToolMessage("call_9", "look_up", "shipped"),
    )
    async with model(account) as realtime:
        stream = await realtime.open_stream(S2SSetup("Be brief.", (TOOL,), history))
        await stream.respond(1)
        assert words_of(await until(stream, s2s.ResponseDone)) == "look_up says: shipped."
        await stream.aclose()
    assert [message.text for message in mind.prompts[-1].messages] == [
        *("Be brief.", "where is it", "One moment.", "", "shipped")
    ]


@pytest.mark.real_time
async def test_a_refusal_names_its_request_and_the_stream_goes_on(
    vendor: OpenAISimulator, account: dict[str, Any]
) -> None:
    vendor.pace = 20.0
    think(vendor, LONG)
    async with model(account) as realtime:
        stream = await realtime.open_stream(S2SSetup())
        await stream.respond(1)
        await until(stream, s2s.ResponseAudio)
        await stream.respond(2)
        refused = (await until(stream, s2s.ErrorReported))[-1]
        assert refused.request == 2
        await until(stream, s2s.ResponseDone)
        await stream.aclose()
    vendor.pace = 0.0


@pytest.mark.real_time
async def test_half_a_response_fails_and_the_next_is_whole(
    vendor: OpenAISimulator, account: dict[str, Any]
) -> None:
    vendor.faults.play(Fault.HALF_ANSWER)
    async with model(account) as realtime:
        stream = await realtime.open_stream(S2SSetup())
        for request, outcome in ((1, s2s.ResponseOutcome.FAILED), (2, s2s.ResponseOutcome.COMPLETED)):
            await stream.respond(request)
            done = (await until(stream, s2s.ResponseDone))[-1]
            assert done.outcome is outcome
            assert bool(done.error) == (outcome is s2s.ResponseOutcome.FAILED)
        await stream.aclose()


@pytest.mark.real_time
async def test_audio_before_the_vendor_is_ready_is_nobody_s(
    vendor: OpenAISimulator, account: dict[str, Any]
) -> None:
    vendor.faults.play(Fault.AUDIO_BEFORE_READY)
    async with model(account) as realtime:
        stream = await realtime.open_stream(S2SSetup())
        assert await stream.receive() == s2s.Ready()
        await stream.respond(1)
        assert isinstance(await stream.receive(), s2s.ResponseStarted)
        await stream.aclose()


@pytest.mark.parametrize("fault", [Fault.CUT, Fault.MALFORMED])
@pytest.mark.real_time
async def test_a_connection_that_breaks_as_it_opens_is_opened_again(
    vendor: OpenAISimulator, account: dict[str, Any], fault: Fault
) -> None:
    vendor.faults.play(fault)
    async with model(account) as realtime:
        stream = await realtime.open_stream(S2SSetup())
        await stream.respond(1)
        await until(stream, s2s.ResponseDone)
        await stream.aclose()
    assert len(vendor.asked) == 2


@pytest.mark.parametrize(("fault", "status"), REFUSALS.items())
@pytest.mark.real_time
async def test_each_refusal_of_a_handshake_is_an_error_of_ours(
    vendor: OpenAISimulator, account: dict[str, Any], fault: Fault, status: int
) -> None:
    vendor.faults.retry_after = 60.0
    vendor.faults.play(fault, None)
    async with model(account) as realtime:
        with pytest.raises(ProviderError, match=f"HTTP {status}"):
            await realtime.open_stream(S2SSetup())


@pytest.mark.real_time
async def test_a_model_that_does_not_exist_is_told(vendor: OpenAISimulator, account: dict[str, Any]) -> None:
    async with model(account, model="gpt-unreal") as realtime:
        with pytest.raises(ProviderError, match="does not exist") as caught:
            await realtime.open_stream(S2SSetup())
        assert caught.value.code == "not_found"
        with pytest.raises(ProviderError, match="has no model 'gpt-unreal'"):
            await realtime.check_health()


def decoded(*events: dict[str, Any], **settings: Any) -> list[object]:
    codec = OpenAIS2S(OpenAIS2SSettings(api_key="k", **settings))
    codec.begin()
    list(codec.encode_respond(4, ""))
    return [answer for event in events for answer in codec.decode(json.dumps(event))]


def test_servers_that_give_no_metadata_back_answer_in_order() -> None:
    created = {"type": "response.created", "response": {"id": "r"}}
    assert decoded(created) == [s2s.ResponseStarted("r", 4)]
    by_itself = decoded(created, turn_detection="server_vad")
    assert by_itself == [s2s.ResponseStarted("r", 0)]


def test_events_of_a_kind_that_comes_later_are_passed_over() -> None:
    assert decoded({"type": "unheard_of"}, {"type": "rate_limits.updated", "rate_limits": []}) == []


def test_cuts_each_part_that_was_not_heard_to_its_end() -> None:
    spoken = SpokenResponses(24000)
    spoken.begin("r")
    positions = [spoken.add("r", item, 0, 24000) for item in ("a", "a", "b", "c")]
    assert positions == [0, 24000, 48000, 72000]
    assert list(spoken.cuts("r", 60000)) == [("b", 0, 500), ("c", 0, 0)]
    assert list(spoken.cuts("r", 96000)) == []
    assert list(spoken.cuts("unknown", 0)) == []


# -- the recognizer --


def recognizer(account: dict[str, Any], **settings: Any) -> OpenAIRealtimeSTT:
    made = OpenAIRealtimeSTT(OpenAIRealtimeSTTSettings(**account, **settings))
    made.policy = QUICK
    return made


async def hear(stt: OpenAIRealtimeSTT, speeches: int = 2) -> list[Transcript]:
    stream = await stt.open_stream()
    for _ in range(speeches):
        for frame in sounds.frames(sounds.speech_like(0.4, 24000), 24000):
            await stream.send(frame)
        await stream.finalize()
    heard: list[Transcript] = []
    async with asyncio.timeout(5.0):
        while sum(t.answers_finalize for t in heard) < speeches:
            heard.append(await stream.receive())
    await stream.aclose()
    return heard


@pytest.mark.real_time
async def test_the_recognizer_keeps_the_contract(vendor: OpenAISimulator, account: dict[str, Any]) -> None:
    speech = AudioFrame(sounds.speech_like(0.6, 24000), 24000)
    await check_stt(lambda: recognizer(account), speech=speech, words="order seven please")


@pytest.mark.parametrize(
    "fault",
    [None, Fault.DUPLICATE_FINAL, Fault.REORDERED_FINALS, Fault.LATE_FINAL, Fault.CUT, Fault.MALFORMED],
)
@pytest.mark.real_time
async def test_finals_are_whole_and_in_order_whatever_the_vendor_does(
    vendor: OpenAISimulator, account: dict[str, Any], fault: Fault | None
) -> None:
    if fault is not None:
        vendor.faults.play(fault)
    async with recognizer(account, language="en") as stt:
        finals = [t for t in await hear(stt) if t.final]
    assert [t.text for t in finals] == ["order seven please"] * 2
    assert [(t.start, t.end) for t in finals] == [(0.0, 0.4), (0.4, 0.8)]


@pytest.mark.real_time
async def test_a_final_without_words_answers_too(vendor: OpenAISimulator, account: dict[str, Any]) -> None:
    vendor.faults.play(Fault.EMPTY_FINAL)
    async with recognizer(account) as stt:
        assert [t.text for t in await hear(stt) if t.final] == ["", "order seven please"]


@pytest.mark.real_time
async def test_a_vendor_that_never_reads_is_given_up(
    vendor: OpenAISimulator, account: dict[str, Any]
) -> None:
    vendor.faults.play(Fault.NEVER_READS, None)
    async with recognizer(account) as stt:
        with pytest.raises(ProviderError):
            await hear(stt)


@pytest.mark.real_time
async def test_a_connection_that_was_idle_for_too_long_is_opened_again(
    vendor: OpenAISimulator, account: dict[str, Any]
) -> None:
    vendor.faults.idle = 0.05
    async with recognizer(account) as stt:
        stream = await stt.open_stream()
        vendor.faults.play(Fault.IDLE_TIMEOUT)
        await stream.send(AudioFrame.silence(0.02, 24000))
        async with asyncio.timeout(5.0):
            while len(vendor.asked) < 2:  # noqa: ASYNC110 - the server's thread tells nobody
                await asyncio.sleep(0.01)
        for frame in sounds.frames(sounds.speech_like(0.4, 24000), 24000):
            await stream.send(frame)
        await stream.finalize()
        async with asyncio.timeout(5.0):
            while not (heard := await stream.receive()).final:
                pass
        assert heard.text == "order seven please"
        await stream.aclose()


def recorded(kind: str, **fields: Any) -> str:
    return json.dumps({"type": kind, "event_id": "event_1", **fields})


def transcribed(kind: str, item: str, **fields: Any) -> str:
    name = f"conversation.item.input_audio_transcription.{kind}"
    return recorded(name, item_id=item, content_index=0, **fields)


def test_recorded_messages_are_read_without_a_socket() -> None:
    codec = OpenAIRealtimeSTT(OpenAIRealtimeSTTSettings(api_key="sk-secret-key"))
    assert check_codec(
        codec, [recorded("session.created", session={}), recorded("session.updated", session={})]
    ) == [Ready()]
    codec.begin()
    for seconds in (0.5, 0.25):
        codec.encode(AudioFrame.silence(seconds, 24000))
        codec.encode_finalize()
    messages = [
        recorded("input_audio_buffer.committed", item_id="a", previous_item_id=None),
        recorded("input_audio_buffer.committed", item_id="b", previous_item_id="a"),
        transcribed("delta", "b", delta="later"),
        transcribed("completed", "b", transcript="later words", usage={}),
        transcribed("delta", "a", delta="order"),
        transcribed("completed", "a", transcript="order seven", usage={}),
        transcribed("completed", "a", transcript="order seven", usage={}),
    ]
    heard = [answer for message in messages for answer in codec.decode(message)]
    assert [(t.text, t.final, t.start, t.end) for t in heard if isinstance(t, Transcript)] == [
        ("order", False, 0.0, 0.5),
        ("order seven", True, 0.0, 0.5),
        ("later words", True, 0.5, 0.75),
    ]
