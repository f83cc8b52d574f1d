"""ElevenLabs: our plugin against the simulator, and through the menu of faults."""

from __future__ import annotations

from collections.abc import Callable
from typing import TypeVar

import numpy as np
import pytest

from beluga_voice.audio import AudioFrame
from beluga_voice.contracts import SpeechOptions, STTStream, Transcript
from beluga_voice.errors import ConfigurationError, ProviderError
from beluga_voice.testing import check_stt, check_tts, sounds
from beluga_voice_simulators.backends import scripts
from beluga_voice_simulators.elevenlabs import ElevenLabsSimulator
from beluga_voice_simulators.faults import REFUSALS, Fault
from beluga_voice_simulators.memory import MemoryVendor
from beluga_voice_simulators.thread import running

pytest.importorskip("beluga_voice_elevenlabs")
from beluga_voice_elevenlabs.http import ElevenLabsHttpTTS
from beluga_voice_elevenlabs.scribe import ElevenLabsSTT
from beluga_voice_elevenlabs.settings import ElevenLabsTTSSettings, ScribeSettings
from beluga_voice_elevenlabs.tts import ElevenLabsTTS

Make = Callable[[ElevenLabsSimulator], ElevenLabsTTS | ElevenLabsSTT]
P = TypeVar("P", ElevenLabsTTS, ElevenLabsSTT)

SPEECH = AudioFrame(sounds.speech_like(1.0), 16000)
WORDS = "Order seven, please."
TEXT = "Table four is ready."
VOICES = ("21m00Tcm4TlvDq8ikWAM", "JBFqnCBsd6RMkjVDRZzb")


def settings(elevenlabs: ElevenLabsSimulator, changes: dict[str, object]) -> dict[str, object]:
    return {"api_key": "k", "base_url": elevenlabs.url, **changes}


def voice(elevenlabs: ElevenLabsSimulator, **changes: object) -> ElevenLabsTTS:
    return ElevenLabsTTS(ElevenLabsTTSSettings.model_validate(settings(elevenlabs, changes)))


def http(elevenlabs: ElevenLabsSimulator, **changes: object) -> ElevenLabsHttpTTS:
    return ElevenLabsHttpTTS(ElevenLabsTTSSettings.model_validate(settings(elevenlabs, changes)))


def scribe(elevenlabs: ElevenLabsSimulator, **changes: object) -> ElevenLabsSTT:
    return ElevenLabsSTT(ScribeSettings.model_validate(settings(elevenlabs, changes)))


def simulated(**more: object) -> ElevenLabsSimulator:
    return ElevenLabsSimulator(scripts([WORDS]), **more)


def in_memory(make: Callable[[ElevenLabsSimulator], P], *faults: Fault) -> Callable[[], P]:
    """Return what makes providers that the vendor serves without a socket, on virtual time."""
    elevenlabs = simulated()
    for fault in faults:
        elevenlabs.faults.play(fault)

    def made() -> P:
        provider = make(elevenlabs)
        provider.connector = MemoryVendor(elevenlabs)
        return provider

    return made


async def until_answered(stream: STTStream) -> list[Transcript]:
    heard = [await stream.receive()]
    while not heard[-1].answers_finalize:
        heard.append(await stream.receive())
    return heard


async def say(stream: STTStream, *parts: np.ndarray) -> None:
    for frame in sounds.frames(np.concatenate(parts), 16000):
        await stream.send(frame)


async def test_voices_keep_their_contract() -> None:
    await check_tts(in_memory(voice), text=TEXT)


async def test_scribe_keeps_its_contract() -> None:
    await check_stt(in_memory(scribe), speech=SPEECH, words=WORDS)


@pytest.mark.real_time
async def test_voices_over_http_keep_their_contract() -> None:
    with running(simulated()) as elevenlabs:
        await check_tts(lambda: http(elevenlabs), text=TEXT, voices=VOICES)


async def test_words_have_the_times_of_the_voice() -> None:
    async with in_memory(voice)() as tts:
        stream = await tts.open_stream()
        words = [word async for part in stream.synthesize(TEXT) for word in part.words]
        assert [word.text for word in words] == TEXT.split()
        each = 16 * 0.06 / len(TEXT.replace(" ", ""))
        assert [w.start for w in words] == pytest.approx([each * n for n in (0, 5, 9, 11)], abs=0.02)
        await stream.aclose()


async def test_a_context_that_is_cut_is_closed_and_those_open_are_few() -> None:
    async with in_memory(voice)() as tts:
        stream = await tts.open_stream()
        for _ in range(8):  # more than the vendor has at once
            speech = stream.synthesize(TEXT)
            await anext(speech)
            await speech.aclose()
        assert sum([part.frame.duration async for part in stream.synthesize(TEXT)]) == pytest.approx(
            0.96, abs=0.01
        )
        await stream.aclose()


async def test_scribe_tells_words_before_they_are_final() -> None:
    async with in_memory(scribe)() as stt:
        stream = await stt.open_stream()
        await say(stream, sounds.silence(0.5), SPEECH.samples)
        await stream.finalize()
        interim, final = await until_answered(stream)
        assert WORDS.startswith(interim.text)
        assert [word.text for word in final.words] == WORDS.split()
        assert final.words[0].start == pytest.approx(0.5, abs=0.03)
        await stream.aclose()


@pytest.mark.parametrize("fault", [Fault.CUT, Fault.NEVER_READS, Fault.MALFORMED, Fault.DUPLICATE_FINAL])
async def test_scribe_loses_and_repeats_no_words(fault: Fault) -> None:
    async with in_memory(scribe, fault)() as stt:
        stream = await stt.open_stream()
        for _ in range(2):
            await say(stream, SPEECH.samples)
            await stream.finalize()
            assert [t.text for t in await until_answered(stream) if t.final] == [WORDS]
        await stream.aclose()


async def test_an_empty_final_answers_a_finalize() -> None:
    async with in_memory(scribe, Fault.EMPTY_FINAL)() as stt:
        stream = await stt.open_stream()
        await say(stream, SPEECH.samples)
        await stream.finalize()
        assert (await until_answered(stream))[-1].text == ""
        await stream.aclose()


@pytest.mark.parametrize("fault", [Fault.HALF_ANSWER, Fault.CUT, Fault.MALFORMED])
async def test_a_voice_that_breaks_off_fails_with_what_came_before(fault: Fault) -> None:
    async with in_memory(voice, fault)() as tts:
        stream = await tts.open_stream()
        speech = stream.synthesize(TEXT)
        assert (await anext(speech)).frame.duration > 0
        with pytest.raises(ProviderError, match="broke off"):
            await anext(speech)
        assert [part async for part in stream.synthesize(TEXT)]
        await stream.aclose()


@pytest.mark.parametrize("make", [voice, scribe])
@pytest.mark.parametrize("fault", REFUSALS)
async def test_refusals_are_errors_that_tell_whether_to_try_again(make: Make, fault: Fault) -> None:
    elevenlabs = simulated()
    elevenlabs.faults.play(fault, None)
    provider = make(elevenlabs)
    provider.connector = MemoryVendor(elevenlabs)
    async with provider:
        with pytest.raises(ProviderError, match="ElevenLabs") as failed:
            await provider.open_stream()
        assert failed.value.retryable == (REFUSALS[fault] in (429, 500, 503))


@pytest.mark.real_time
async def test_wrong_keys_models_voices_and_addresses_are_told_apart() -> None:
    async with simulated(keys={"k"}) as elevenlabs:
        for changes, says in (
            ({"api_key": "x"}, "another key in ELEVENLABS_API_KEY"),
            ({"model": "eleven_v9"}, "knows no model 'eleven_v9'; there are eleven_flash_v2"),
            ({"voice": "nobody"}, "knows no voice 'nobody'"),
            ({"base_url": "http://127.0.0.1:9"}, "cannot be reached"),
        ):
            async with voice(elevenlabs, **changes) as tts, http(elevenlabs, **changes) as other:
                for provider in (tts, other):
                    with pytest.raises(ProviderError, match=says):
                        await provider.check_health()
        async with voice(elevenlabs) as tts, http(elevenlabs) as other, scribe(elevenlabs) as stt:
            for provider in (tts, other, stt):
                await provider.check_health()


@pytest.mark.real_time
async def test_a_voice_of_one_text_that_does_not_exist_is_refused() -> None:
    async with simulated() as elevenlabs, http(elevenlabs) as tts:
        stream = await tts.open_stream()
        with pytest.raises(ConfigurationError, match="no voice 'nobody'"):
            await anext(stream.synthesize(TEXT, SpeechOptions(voice="nobody")))
        await stream.aclose()
