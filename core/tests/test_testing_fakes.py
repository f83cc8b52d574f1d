"""The fakes do what their scripts say, at the times they say."""

from __future__ import annotations

import asyncio
from contextlib import aclosing

import numpy as np
import pytest

from beluga_voice.audio import AudioFrame
from beluga_voice.contracts import (
    CallerMessage,
    Finished,
    FinishReason,
    SystemMessage,
    TextDelta,
    ToolMessage,
    Transcript,
    Turn,
    TurnContext,
    Usage,
)
from beluga_voice.contracts.llm import LLMChunk, LLMMessage
from beluga_voice.errors import ClosedError, ProviderError
from beluga_voice.testing import (
    AmplitudeVAD,
    LoopbackTransport,
    RecordingReceiver,
    ScriptedAgent,
    ScriptedLLM,
    ScriptedSTT,
    ScriptedSTTStream,
    ScriptedTTS,
    ScriptedTurnDetector,
    ScriptedVAD,
    sounds,
)


def now() -> float:
    return asyncio.get_running_loop().time()


async def send(stream: ScriptedSTTStream, samples: np.ndarray) -> None:
    for frame in sounds.frames(samples):
        await stream.send(frame)


async def test_stt_gives_the_next_text_after_the_delay_when_finalize_asks() -> None:
    stream = await ScriptedSTT(["one two", "three"], delay=0.2).open_stream()
    for text in ("one two", "three", ""):
        await send(stream, sounds.speech_like(0.5))
        asked = now()
        await stream.finalize()
        transcript = await stream.receive()
        assert (transcript.text, transcript.final, transcript.answers_finalize) == (text, True, True)
        assert now() - asked == pytest.approx(0.2)


async def test_stt_keeps_its_script_over_silence() -> None:
    stream = await ScriptedSTT(["one"]).open_stream()
    await send(stream, sounds.silence(0.5))
    await stream.finalize()
    assert (await stream.receive()).text == ""
    await send(stream, sounds.speech_like(0.5))
    await stream.finalize()
    assert (await stream.receive()).text == "one"


async def test_stt_interims_grow_word_by_word_with_the_speech() -> None:
    stream = await ScriptedSTT(["one two three"], interim=True, word_duration=0.2).open_stream()
    await send(stream, sounds.speech_like(0.5))
    await stream.finalize()
    texts = [await stream.receive() for _ in range(3)]
    assert [(t.text, t.final) for t in texts] == [("one", False), ("one two", False), ("one two three", True)]


async def test_stt_ends_an_utterance_by_itself_after_silence() -> None:
    stream = await ScriptedSTT(["one"], ends_after=0.3, finalizes=False, word_timestamps=True).open_stream()
    await send(stream, np.concatenate([sounds.silence(0.2), sounds.speech_like(1.0), sounds.silence(0.3)]))
    transcript = await stream.receive()
    assert (transcript.text, transcript.answers_finalize) == ("one", False)
    assert (transcript.start, transcript.end) == (0.2, 1.2)
    assert [(w.text, w.start, w.end) for w in transcript.words] == [("one", 0.2, 1.2)]


async def test_stt_records_every_frame_and_is_slow_when_told() -> None:
    stt = ScriptedSTT(send_delay=0.5)
    stream = await stt.open_stream()
    frame = AudioFrame(sounds.tone(0.02), 16000, 320)
    assert stream.send_nowait(frame) is False
    await stream.send(frame)
    assert now() == 0.5
    assert stt.streams == [stream]
    assert [kept.position for kept in stream.frames] == [320]


async def test_stt_faults() -> None:
    with pytest.raises(ProviderError):
        await ScriptedSTT(fails_to_open=True).open_stream()
    stream = await ScriptedSTT(fails_after=0.1).open_stream()
    with pytest.raises(ProviderError):
        await send(stream, sounds.tone(0.2))
    with pytest.raises(ProviderError):
        await stream.receive()
    hanging = await ScriptedSTT(["one"], hangs=True).open_stream()
    await send(hanging, sounds.tone(0.2))
    await hanging.finalize()
    with pytest.raises(TimeoutError):
        await asyncio.wait_for(hanging.receive(), 60)


async def test_a_broken_stream_wakes_who_waits_for_it() -> None:
    stream = await ScriptedSTT(fails_after=0.1).open_stream()
    waiting = asyncio.create_task(stream.receive())
    await asyncio.sleep(0)
    await send(stream, sounds.tone(0.1))
    with pytest.raises(ProviderError):
        await waiting


async def test_iterating_an_stt_stream_ends_when_it_is_closed() -> None:
    stream = await ScriptedSTT().open_stream()
    asyncio.get_running_loop().call_later(1, lambda: asyncio.ensure_future(stream.aclose()))
    heard: list[Transcript] = [transcript async for transcript in stream]
    assert heard == []
    assert now() == 1


async def test_tts_speaks_the_samples_that_audio_of_foretells() -> None:
    tts = ScriptedTTS(word_duration=0.25, part_duration=0.1, word_timestamps=True)
    stream = await tts.open_stream()
    parts = [part async for part in stream.synthesize("one two three")]
    audio = np.concatenate([part.frame.samples for part in parts])
    assert np.array_equal(audio, tts.audio_of("one two three"))
    assert len(audio) == 0.75 * 24000
    assert tuple(word for part in parts for word in part.words) == tts.words_of("one two three")
    assert [part.frame.position for part in parts[:3]] == [0, 2400, 4800]


def test_each_word_sounds_different() -> None:
    tts = ScriptedTTS()
    sound = {tts.audio_of(word).tobytes() for word in ("one", "two", "three", "four", "five")}
    assert len(sound) == 5


async def test_tts_takes_its_time() -> None:
    stream = await ScriptedTTS(delay=0.4, part_delay=0.05).open_stream()
    times = [now() async for _ in stream.synthesize("one")]
    assert times == pytest.approx([0.4, 0.45, 0.5])


async def test_tts_faults() -> None:
    tts = ScriptedTTS(fails_after=1)
    stream = await tts.open_stream()
    speech = stream.synthesize("one two")
    await anext(speech)
    with pytest.raises(ProviderError):
        await anext(speech)
    tts.fails_after, tts.hangs_after = None, 2
    speech = stream.synthesize("one two")
    for _ in range(2):
        await anext(speech)
    with pytest.raises(TimeoutError):
        await asyncio.wait_for(anext(speech), 60)
    assert stream.cut == ["one two"]
    tts.mute = True
    assert [part async for part in stream.synthesize("one")] == []
    with pytest.raises(ProviderError):
        await ScriptedTTS(fails_to_open=True).open_stream()


async def test_tts_notices_a_second_text_before_the_first_is_closed() -> None:
    stream = await ScriptedTTS().open_stream()
    async with aclosing(stream.synthesize("one")) as speech:
        await anext(speech)
        with pytest.raises(RuntimeError, match="close its generator first"):
            await anext(stream.synthesize("two"))


async def test_amplitude_vad_hears_loud_audio_in_whole_windows() -> None:
    scores: list[tuple[int, int, float]] = []
    async with AmplitudeVAD() as vad:
        stream = vad.open_stream(lambda *score: scores.append(score))
        for samples in (sounds.silence(0.32), sounds.speech_like(0.32)):
            for frame in sounds.frames(samples):
                stream.feed(frame)
        stream.close()
    assert [(start, end) for start, end, _ in scores] == [(i * 512, i * 512 + 512) for i in range(20)]
    assert all(p == 0 for _, _, p in scores[:10])
    assert all(p > 0.7 for _, _, p in scores[10:])


async def test_scripted_vad_follows_its_spans_and_may_be_late() -> None:
    scores: list[tuple[float, float]] = []
    async with ScriptedVAD([(0.064, 0.128, 0.9)], otherwise=0.1, delay=0.05) as vad:
        stream = vad.open_stream(lambda start, end, p: scores.append((now(), p)))
        stream.feed(AudioFrame.silence(0.16, 16000))
        assert scores == []
        await asyncio.sleep(0.1)
        stream.feed(AudioFrame.silence(0.032, 16000))
        stream.close()
        await asyncio.sleep(0.1)
    assert scores == [(0.05, p) for p in (0.1, 0.1, 0.9, 0.9, 0.1)]


async def test_a_vad_that_is_not_open_gives_no_stream_and_a_closed_stream_takes_no_audio() -> None:
    vad = AmplitudeVAD()
    with pytest.raises(ClosedError, match="this AmplitudeVAD is not open"):
        vad.open_stream(lambda *_: None)
    async with vad:
        stream = vad.open_stream(lambda *_: None)
        stream.close()
        with pytest.raises(ClosedError, match="open a new one"):
            stream.feed(AudioFrame.silence(0.032, 16000))
    with pytest.raises(ClosedError, match="this AmplitudeVAD is not open"):
        vad.open_stream(lambda *_: None)


async def replies(agent: ScriptedAgent, text: str, number: int = 1) -> list[tuple[float, str]]:
    return [(now(), part) async for part in agent.reply(Turn(text, number, (), "s"))]


async def test_agent_answers_by_text_in_order_or_by_echo() -> None:
    by_text = ScriptedAgent({"hello": ["Hi.", 0.5, "You?"]}, otherwise="What?")
    assert await replies(by_text, "hello") == [(0, "Hi."), (0.5, "You?")]
    assert await replies(by_text, "else") == [(0.5, "What?")]
    in_order = ScriptedAgent(["one", "two"])
    assert [(await replies(in_order, "x"))[0][1] for _ in range(3)] == ["one", "two", "x"]
    assert in_order.finished == [1, 1, 1]


async def test_agent_raises_what_its_script_holds_and_tells_what_was_cut() -> None:
    agent = ScriptedAgent({"bad": ["One.", ValueError("bug")], "long": ["One.", 3600.0, "Two."]})
    with pytest.raises(ValueError, match="bug"):
        await replies(agent, "bad")
    async with aclosing(agent.reply(Turn("long", 2, (), "s"))) as reply:
        assert await anext(reply) == "One."
    assert (agent.finished, agent.cut) == ([], [2])


async def asked(llm: ScriptedLLM, *messages: LLMMessage) -> list[tuple[float, LLMChunk]]:
    return [(now(), chunk) async for chunk in llm.stream(messages)]


async def test_llm_takes_its_time_and_tells_what_it_used() -> None:
    llm = ScriptedLLM([["One.", 0.5, "Two."]], usage=Usage(7, 2))
    assert await asked(llm) == [
        (0, TextDelta("One.")),
        (0.5, TextDelta("Two.")),
        (0.5, Usage(7, 2)),
        (0.5, Finished(FinishReason.STOP)),
    ]


async def test_llm_raises_what_its_script_holds_and_then_repeats_the_caller() -> None:
    llm = ScriptedLLM([["One.", ValueError("bug")]])
    with pytest.raises(ValueError, match="bug"):
        await asked(llm)
    said = await asked(llm, SystemMessage("Be short."), CallerMessage("hello"), ToolMessage("a", "sum", "12"))
    assert said[0][1] == TextDelta("hello")
    assert (llm.finished, llm.cut) == (1, 0)
    request = llm.requests[-1]
    assert (request.system, request.caller, request.results) == ("Be short.", "hello", {"a": "12"})
    assert (llm.requests[0].system, llm.requests[0].caller, llm.requests[0].results) == ("", "", {})


async def test_turn_detector_predicts_by_text() -> None:
    detector = ScriptedTurnDetector({"and": 0.1}, otherwise=0.9, delay=0.2)
    assert await detector.predict(TurnContext("and", final=True)) == 0.1
    assert await detector.predict(TurnContext("done", final=True)) == 0.9
    assert now() == pytest.approx(0.4)
    assert [context.text for context in detector.asked] == ["and", "done"]
    with pytest.raises(ProviderError):
        await ScriptedTurnDetector(fails=True).predict(TurnContext("x", final=True))


async def test_loopback_pushes_frames_when_they_would_have_been_recorded() -> None:
    line, receiver = LoopbackTransport(), RecordingReceiver()
    await line.open(receiver)
    started = now()
    await line.speak(0.1)
    await line.silence(0.05)
    assert now() - started == pytest.approx(0.15)
    assert [(f.position, len(f)) for f in receiver.frames[-3:]] == [(1600, 320), (1920, 320), (2240, 160)]
    assert all(sounds.peak(frame.samples) > 0.01 for frame in receiver.frames[:5])
    line.hang_up()
    assert receiver.ends == [None]


async def test_loopback_waits_for_the_session_and_is_quiet_after_it() -> None:
    line, receiver = LoopbackTransport(), RecordingReceiver()
    speaking = asyncio.create_task(line.speak(1.0))
    await asyncio.sleep(0.5)
    await line.open(receiver)
    await asyncio.sleep(0.5)
    await line.aclose()
    await speaking
    assert sum(frame.duration for frame in receiver.frames) == pytest.approx(0.5, abs=0.021)


async def test_loopback_records_what_the_agent_sends_and_when() -> None:
    line = LoopbackTransport()
    await line.open(RecordingReceiver())
    samples = sounds.tone(0.1, 24000)
    for frame in sounds.frames(samples, 24000):
        line.send_nowait(frame)
        await asyncio.sleep(0.02)
    line.flush()
    assert [sent.at for sent in line.sent] == pytest.approx([0, 0.02, 0.04, 0.06, 0.08])
    assert np.array_equal(line.heard, samples)
    assert line.flushed_at == [pytest.approx(0.1)]
    with pytest.raises(ProviderError):
        await LoopbackTransport(fails_to_open=True).open(RecordingReceiver())


async def test_loopback_presses_keys_and_cuts_the_line_only_while_it_is_open() -> None:
    line, receiver, error = LoopbackTransport(), RecordingReceiver(), ProviderError("line cut")
    line.press("1")
    line.hang_up()
    await line.open(receiver)
    line.press("2#")
    line.hang_up(error)
    await line.aclose()
    line.press("3")
    line.hang_up()
    line.send_nowait(AudioFrame.silence(0.02, 24000))
    assert (receiver.keys, receiver.ends) == ("2#", [error])
    assert line.sent == []


async def test_fakes_that_were_closed_open_no_stream() -> None:
    for provider in (ScriptedSTT(), ScriptedTTS()):
        await provider.aclose()
        with pytest.raises(ClosedError):
            await provider.open_stream()
