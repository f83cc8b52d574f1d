"""The voice and the recognizer, over HTTP."""

from __future__ import annotations

import asyncio
from contextlib import aclosing
from typing import Any

import numpy as np
import pytest

from beluga_voice.audio import AudioFrame
from beluga_voice.contracts import SpeechOptions, Transcript
from beluga_voice.errors import ClosedError, ConfigurationError, ProviderError
from beluga_voice.testing import check_stt, check_tts, sounds
from beluga_voice_openai.pcm import PcmReader, wav
from beluga_voice_openai.settings import OpenAISTTSettings, OpenAITTSSettings
from beluga_voice_openai.stt import OpenAISTT, OpenAISTTStream
from beluga_voice_openai.tts import OpenAITTS, OpenAITTSStream
from beluga_voice_simulators.faults import REFUSALS, Fault
from beluga_voice_simulators.openai import OpenAISimulator

LINE = "The order is on its way to you."


async def speak(stream: OpenAITTSStream, text: str = LINE, **options: Any) -> np.ndarray:
    async with aclosing(stream.synthesize(text, SpeechOptions(**options))) as speech:
        parts = [part.frame.samples async for part in speech]
    return np.concatenate([np.zeros(0, np.int16), *parts])


async def until(condition: Any) -> None:
    async with asyncio.timeout(5.0):
        while not condition():  # noqa: ASYNC110 - the server's thread tells nobody
            await asyncio.sleep(0.005)


# -- the voice --


@pytest.mark.real_time
async def test_the_voice_keeps_the_contract(vendor: OpenAISimulator, account: dict[str, Any]) -> None:
    await check_tts(lambda: OpenAITTS(OpenAITTSSettings(**account)), text=LINE, voices=["marin", "ash"])


@pytest.mark.real_time
async def test_says_how_to_speak(vendor: OpenAISimulator, account: dict[str, Any]) -> None:
    settings = OpenAITTSSettings(**account, instructions="Whisper.", speed=1.5)
    async with OpenAITTS(settings) as tts:
        stream = await tts.open_stream()
        await speak(stream, voice="ash", speed=2.0)
    body = vendor.asked[0].body
    assert body == {
        "model": "gpt-4o-mini-tts",
        "input": LINE,
        "voice": "ash",
        "response_format": "pcm",
        "instructions": "Whisper.",
        "speed": 3.0,
    }


@pytest.mark.real_time
async def test_wav_is_the_same_speech(vendor: OpenAISimulator, account: dict[str, Any]) -> None:
    said = []
    for form in ("pcm", "wav"):
        async with OpenAITTS(OpenAITTSSettings(**account, response_format=form)) as tts:
            said.append(await speak(await tts.open_stream()))
    assert np.array_equal(*said)


@pytest.mark.real_time
async def test_a_text_that_is_cut_is_no_longer_made(vendor: OpenAISimulator, account: dict[str, Any]) -> None:
    async with OpenAITTS(OpenAITTSSettings(**account)) as tts:
        stream = await tts.open_stream()
        speech = stream.synthesize("word " * 800)
        await anext(speech)
        await speech.aclose()
        await until(lambda: vendor.asked[0].outcome == "abandoned")


@pytest.mark.real_time
async def test_longer_texts_than_the_vendor_takes_are_spoken_in_parts(
    vendor: OpenAISimulator, account: dict[str, Any]
) -> None:
    async with OpenAITTS(OpenAITTSSettings(**account, speed=4.0)) as tts:
        await speak(await tts.open_stream(), "Yes. " * 1000)
    texts = [asked.body["input"] for asked in vendor.asked]
    assert len(texts) == 2
    assert "".join(texts).count("Yes") == 1000


@pytest.mark.real_time
async def test_closing_ends_a_wait_for_a_slow_vendor(
    vendor: OpenAISimulator, account: dict[str, Any]
) -> None:
    vendor.faults.play(Fault.SLOW_FIRST_BYTE)
    async with OpenAITTS(OpenAITTSSettings(**account)) as tts:
        stream = await tts.open_stream()
        speaking = asyncio.create_task(speak(stream))
        await until(lambda: vendor.asked)
        await stream.aclose()
        with pytest.raises(ClosedError):
            await speaking


@pytest.mark.real_time
async def test_a_voice_that_does_not_exist_is_the_caller_s_mistake(
    vendor: OpenAISimulator, account: dict[str, Any]
) -> None:
    async with OpenAITTS(OpenAITTSSettings(**account)) as tts:
        with pytest.raises(ConfigurationError, match="Supported values are: 'alloy'"):
            await speak(await tts.open_stream(), voice="nobody")


@pytest.mark.parametrize(("fault", "status"), REFUSALS.items())
@pytest.mark.real_time
async def test_each_refusal_of_speech_is_an_error_of_ours(
    vendor: OpenAISimulator, account: dict[str, Any], fault: Fault, status: int
) -> None:
    vendor.faults.play(fault)
    async with OpenAITTS(OpenAITTSSettings(**account)) as tts:
        with pytest.raises(ProviderError, match=f"HTTP {status}"):
            await speak(await tts.open_stream())


@pytest.mark.real_time
async def test_speech_that_breaks_off_fails_after_what_was_given(
    vendor: OpenAISimulator, account: dict[str, Any]
) -> None:
    vendor.faults.play(Fault.HALF_ANSWER)
    async with OpenAITTS(OpenAITTSSettings(**account)) as tts:
        stream = await tts.open_stream()
        speech = stream.synthesize(LINE)
        assert len((await anext(speech)).frame)
        with pytest.raises(ProviderError, match="broke off") as caught:
            await anext(speech)
    assert caught.value.retryable


def test_samples_cut_anywhere_are_whole_again() -> None:
    samples = sounds.tone(0.05, 24000)
    for data, has_header in ((samples.tobytes(), False), (wav(samples, 24000), True)):
        for size in (1, 7, 4096):
            reader = PcmReader(24000, has_header=has_header)
            read = [reader.feed(data[i : i + size]) for i in range(0, len(data), size)]
            assert np.array_equal(np.concatenate(read), samples)


def test_wav_of_another_rate_is_converted() -> None:
    reader = PcmReader(24000, has_header=True)
    read = np.concatenate((reader.feed(wav(sounds.tone(1.0, 48000), 48000)), reader.flush()))
    assert len(read) == pytest.approx(24000, abs=50)


def test_what_is_no_wav_is_refused() -> None:
    with pytest.raises(ProviderError, match="as WAV"):
        PcmReader(24000, has_header=True).feed(b"ID3 this is an mp3")


# -- the recognizer --


async def hear(stream: OpenAISTTStream, seconds: float = 1.0) -> list[Transcript]:
    for frame in sounds.frames(sounds.speech_like(seconds), 16000):
        await stream.send(frame)
    await stream.finalize()
    heard: list[Transcript] = []
    while not heard or not heard[-1].answers_finalize:
        heard.append(await stream.receive())
    return heard


@pytest.mark.parametrize("stream", [True, False])
@pytest.mark.real_time
async def test_the_recognizer_keeps_the_contract(
    vendor: OpenAISimulator, account: dict[str, Any], stream: bool
) -> None:
    speech = AudioFrame(sounds.speech_like(0.6), 16000)
    settings = OpenAISTTSettings(**account, stream=stream)
    await check_stt(lambda: OpenAISTT(settings), speech=speech, words="order seven please")


@pytest.mark.real_time
async def test_gives_words_as_they_are_streamed(vendor: OpenAISimulator, account: dict[str, Any]) -> None:
    async with OpenAISTT(OpenAISTTSettings(**account, language="en", prompt="orders")) as stt:
        stream = await stt.open_stream()
        heard = await hear(stream) + await hear(stream)
        await stream.aclose()
    assert [t.text for t in heard[:4]] == ["order", "order seven", "order seven please", "order seven please"]
    assert [t.final for t in heard[:4]] == [False, False, False, True]
    assert (heard[3].start, heard[3].end) == (0.0, 1.0)
    assert (heard[7].start, heard[7].end) == (1.0, 2.0)
    form = {"response_format": "json", "stream": "true", "language": "en", "prompt": "orders"}
    assert vendor.asked[0].body == {"model": "gpt-4o-mini-transcribe", **form}


@pytest.mark.real_time
async def test_speech_that_does_not_end_is_transcribed_in_parts(
    vendor: OpenAISimulator, account: dict[str, Any]
) -> None:
    async with OpenAISTT(OpenAISTTSettings(**account, longest=1.0)) as stt:
        stream = await stt.open_stream()
        heard = await hear(stream, 2.5)
        await stream.aclose()
    finals = [(t.start, t.end, t.answers_finalize) for t in heard if t.final]
    assert finals == [(0.0, 1.0, False), (1.0, 2.0, False), (2.0, 2.5, True)]


@pytest.mark.real_time
async def test_the_shortest_speech_is_long_enough_for_the_vendor(
    vendor: OpenAISimulator, account: dict[str, Any]
) -> None:
    async with OpenAISTT(OpenAISTTSettings(**account)) as stt:
        stream = await stt.open_stream()
        assert (await hear(stream, 0.04))[-1].text == "order seven please"
        await stream.aclose()


@pytest.mark.parametrize(("fault", "status"), REFUSALS.items())
@pytest.mark.real_time
async def test_each_refusal_of_a_transcription_is_an_error_of_ours(
    vendor: OpenAISimulator, account: dict[str, Any], fault: Fault, status: int
) -> None:
    vendor.faults.play(fault)
    async with OpenAISTT(OpenAISTTSettings(**account)) as stt:
        stream = await stt.open_stream()
        with pytest.raises(ProviderError, match=f"HTTP {status}"):
            await hear(stream)
        await stream.aclose()


@pytest.mark.parametrize(
    ("fault", "finals"),
    [(Fault.EMPTY_FINAL, [""]), (Fault.DUPLICATE_FINAL, ["order seven please"])],
)
@pytest.mark.real_time
async def test_a_final_that_is_empty_or_comes_twice_is_one_final(
    vendor: OpenAISimulator, account: dict[str, Any], fault: Fault, finals: list[str]
) -> None:
    vendor.faults.play(fault)
    async with OpenAISTT(OpenAISTTSettings(**account)) as stt:
        stream = await stt.open_stream()
        heard = await hear(stream)
        assert [t.text for t in heard if t.final] == finals
        assert [t.text for t in await hear(stream) if t.final] == ["order seven please"]
        await stream.aclose()


@pytest.mark.real_time
async def test_a_transcript_that_breaks_off_fails_the_stream(
    vendor: OpenAISimulator, account: dict[str, Any]
) -> None:
    vendor.faults.play(Fault.HALF_ANSWER)
    async with OpenAISTT(OpenAISTTSettings(**account)) as stt:
        stream = await stt.open_stream()
        with pytest.raises(ProviderError, match="broke off") as caught:
            await hear(stream)
        assert caught.value.retryable
        await stream.aclose()
