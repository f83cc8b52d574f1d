"""Deepgram: the vendor's SDK and our plugin against the simulator, and the plugin through the menu of faults."""

from __future__ import annotations

import asyncio
from collections.abc import Callable
from contextlib import suppress
from typing import TypeVar

import numpy as np
import pytest

from beluga_voice.audio import AudioFrame
from beluga_voice.connection import ConnectionPolicy
from beluga_voice.contracts import STTStream, Transcript
from beluga_voice.errors import ProviderError
from beluga_voice.testing import check_stt, check_tts, sounds
from beluga_voice_simulators.backends import scripts
from beluga_voice_simulators.deepgram import DeepgramSimulator
from beluga_voice_simulators.faults import REFUSALS, Fault
from beluga_voice_simulators.memory import MemoryVendor

pytest.importorskip("beluga_voice_deepgram")
from beluga_voice_deepgram.flux import DeepgramFluxSTT
from beluga_voice_deepgram.nova import DeepgramSTT
from beluga_voice_deepgram.settings import AuraSettings, FluxSettings, NovaSettings
from beluga_voice_deepgram.tts import DeepgramTTS

P = TypeVar("P", DeepgramSTT, DeepgramFluxSTT, DeepgramTTS)

SPEECH = AudioFrame(sounds.speech_like(1.0), 16000)
Make = Callable[[DeepgramSimulator], DeepgramSTT | DeepgramFluxSTT]
WORDS = "Order seven, please."


def nova(deepgram: DeepgramSimulator, **changes: object) -> DeepgramSTT:
    return DeepgramSTT(NovaSettings.model_validate({"api_key": "k", "base_url": deepgram.url, **changes}))


def flux(deepgram: DeepgramSimulator, **changes: object) -> DeepgramFluxSTT:
    return DeepgramFluxSTT(FluxSettings.model_validate({"api_key": "k", "base_url": deepgram.url, **changes}))


def aura(deepgram: DeepgramSimulator, **changes: object) -> DeepgramTTS:
    return DeepgramTTS(AuraSettings.model_validate({"api_key": "k", "base_url": deepgram.url, **changes}))


def in_memory(make: Callable[[DeepgramSimulator], P], *lines: str) -> Callable[[], P]:
    """Return what makes providers that the vendor serves without a socket, on virtual time."""
    deepgram = hearing(*lines)

    def made() -> P:
        provider = make(deepgram)
        provider.connector = MemoryVendor(deepgram)
        return provider

    return made


def hearing(*lines: str) -> DeepgramSimulator:
    return DeepgramSimulator(scripts(lines or (WORDS,)))


async def say(stream: STTStream, *sounds_: np.ndarray) -> None:
    for frame in sounds.frames(np.concatenate(sounds_), 16000):
        await stream.send(frame)


async def until_answered(stream: STTStream) -> list[Transcript]:
    heard = [await stream.receive()]
    while not heard[-1].answers_finalize:
        heard.append(await stream.receive())
    return heard


async def until_final(stream: STTStream) -> list[Transcript]:
    heard = [await stream.receive()]
    while not (heard[-1].final and heard[-1].text):
        heard.append(await stream.receive())
    return heard


async def all_within(stream: STTStream, seconds: float) -> list[Transcript]:
    heard: list[Transcript] = []
    with suppress(TimeoutError):
        async with asyncio.timeout(seconds):
            async for transcript in stream:
                heard.append(transcript)  # noqa: PERF401 - what came before the end counts
    return heard


# -- the contract --


async def test_nova_keeps_its_contract() -> None:
    await check_stt(in_memory(nova), speech=SPEECH, words=WORDS)


async def test_flux_keeps_its_contract() -> None:
    await check_stt(in_memory(flux), speech=SPEECH, words=WORDS)


async def test_aura_keeps_its_contract() -> None:
    await check_tts(in_memory(aura), text="Table four is ready.")


# -- what the vendor tells, through the plugin --


async def test_nova_gives_interims_words_and_the_answer_to_a_finalize() -> None:
    async with in_memory(nova)() as stt:
        stream = await stt.open_stream()
        await say(stream, sounds.silence(0.4), SPEECH.samples)
        await stream.finalize()
        interim, final = await until_answered(stream)
        assert not interim.final
        assert WORDS.startswith(interim.text)
        assert (final.text, final.end_of_turn) == (WORDS, None)
        assert [word.text for word in final.words] == WORDS.split()
        assert final.words[0].start == pytest.approx(0.4, abs=0.03)
        await stream.aclose()


async def test_nova_ends_turns_by_the_vendors_endpointing_if_told_to() -> None:
    async with in_memory(lambda vendor: nova(vendor, ends_turns=True, utterance_end=1.0))() as stt:
        stream = await stt.open_stream()
        await say(stream, SPEECH.samples, sounds.silence(1.5))
        heard = await until_final(stream)
        assert heard[-1].end_of_turn is True
        ended = await stream.receive()
        assert (ended.text, ended.final, ended.end_of_turn) == ("", True, True)
        await stream.aclose()


async def test_nova_keeps_a_silent_line_and_the_vendor_closes_one_that_is_not_kept() -> None:
    deepgram = hearing()
    for keep_alive, lost in ((5.0, 0), (0.0, 1)):
        stt = nova(deepgram)
        stt.connector = server = MemoryVendor(deepgram)
        stt.policy = ConnectionPolicy(keep_alive=keep_alive, ping=0)
        async with stt:
            stream = await stt.open_stream()
            await asyncio.sleep(15)
            assert len(server.callers) == 1 + lost
            await say(stream, SPEECH.samples)
            await stream.finalize()
            assert (await until_answered(stream))[-1].text == WORDS
            await stream.aclose()


async def test_flux_tells_that_a_turn_may_be_over_and_takes_it_back() -> None:
    async with in_memory(
        lambda vendor: flux(vendor, eager_end_of_turn=0.4), "Order", "seven, please."
    )() as stt:
        stream = await stt.open_stream()
        pause = sounds.silence(0.3)
        await say(stream, sounds.silence(0.3), SPEECH.samples, pause, SPEECH.samples, sounds.silence(0.7))
        heard = await until_final(stream)
        told = [(t.text, t.end_of_turn) for t in heard]
        first = told.index(("Order", True))
        assert ("Order", False) in told[first:]
        assert told[-2:] == [("Order seven, please.", True)] * 2
        assert heard[-1].words[0].start == pytest.approx(0.3, abs=0.03)
        await stream.aclose()


async def test_flux_fails_over_by_the_vendors_error() -> None:
    deepgram = hearing()
    deepgram.faults.play(Fault.HALF_ANSWER)
    stt = flux(deepgram)
    stt.connector = server = MemoryVendor(deepgram)
    async with stt:
        stream = await stt.open_stream()
        await say(stream, SPEECH.samples, sounds.silence(0.8))
        assert (await until_final(stream))[-1].text == WORDS
        assert len(server.callers) == 2
        await stream.aclose()


# -- the menu of faults --


@pytest.mark.parametrize("make", [nova, flux, aura])
@pytest.mark.parametrize("fault", REFUSALS)
async def test_refusals_are_errors_that_tell_whether_to_try_again(make: Make, fault: Fault) -> None:
    deepgram = hearing()
    deepgram.faults.play(fault, None)
    deepgram.faults.retry_after = 30.0
    provider = make(deepgram)
    provider.connector = MemoryVendor(deepgram)
    async with provider:
        with pytest.raises(ProviderError, match="Deepgram") as failed:
            await provider.check_health()
        assert failed.value.retryable == (REFUSALS[fault] in (429, 500, 503))
        assert failed.value.retry_after == (30.0 if fault is Fault.RATE_LIMITED else None)


@pytest.mark.parametrize("make", [nova, flux])
@pytest.mark.parametrize(
    "fault", [Fault.CUT, Fault.NEVER_READS, Fault.MALFORMED, Fault.DUPLICATE_FINAL, Fault.IDLE_TIMEOUT]
)
async def test_recognizers_lose_and_repeat_no_words(make: Make, fault: Fault) -> None:
    deepgram = hearing()
    deepgram.faults.play(fault)
    stt = make(deepgram)
    stt.connector = MemoryVendor(deepgram)
    async with stt:
        stream = await stt.open_stream()
        await say(stream, SPEECH.samples, sounds.silence(0.8))
        await stream.finalize()
        heard = await until_final(stream)
        assert [t.text for t in heard if t.final and t.text] == [WORDS]
        assert not any(later.text for later in await all_within(stream, 3.0))
        await stream.aclose()


@pytest.mark.parametrize("make", [nova, flux])
async def test_an_empty_final_is_no_words(make: Make) -> None:
    deepgram = hearing()
    deepgram.faults.play(Fault.EMPTY_FINAL)
    stt = make(deepgram)
    stt.connector = MemoryVendor(deepgram)
    async with stt:
        stream = await stt.open_stream()
        await say(stream, SPEECH.samples, sounds.silence(0.8))
        await stream.finalize()
        heard = [await stream.receive()]
        while not heard[-1].final:
            heard.append(await stream.receive())
        assert heard[-1].text == ""
        await stream.aclose()


async def test_a_voice_that_breaks_off_fails_with_what_came_before() -> None:
    deepgram = DeepgramSimulator()
    deepgram.faults.play(Fault.HALF_ANSWER)
    tts = aura(deepgram)
    tts.connector = MemoryVendor(deepgram)
    async with tts:
        stream = await tts.open_stream()
        speech = stream.synthesize("Table four is ready.")
        assert (await anext(speech)).frame.duration > 0
        with pytest.raises(ProviderError, match="broke off"):
            await anext(speech)
        assert [part async for part in stream.synthesize("Table four is ready.")]
        await stream.aclose()


async def test_twenty_texts_a_minute_go_over_one_connection_and_the_next_over_another() -> None:
    deepgram = DeepgramSimulator()
    tts = aura(deepgram)
    tts.connector = server = MemoryVendor(deepgram)
    async with tts:
        stream = await tts.open_stream()
        for number in range(21):
            assert [part async for part in stream.synthesize("Yes.")], number
        assert len(server.callers) == 2
        await stream.aclose()


# -- over sockets --


@pytest.mark.real_time
async def test_wrong_keys_models_and_addresses_are_told_apart() -> None:
    async with DeepgramSimulator(keys={"k"}) as deepgram:
        for changes, says in (
            ({"api_key": "x"}, "refused the key"),
            ({"model": "nova-9"}, "another model than 'nova-9'"),
            ({"base_url": "http://127.0.0.1:9"}, "cannot be reached"),
        ):
            async with nova(deepgram, **changes) as stt:
                with pytest.raises(ProviderError, match=says):
                    await stt.check_health()
        async with nova(deepgram) as stt, flux(deepgram) as turns, aura(deepgram) as tts:
            for provider in (stt, turns, tts):
                await provider.check_health()


@pytest.mark.real_time
async def test_hears_and_speaks_over_sockets() -> None:
    async with hearing() as deepgram, nova(deepgram) as stt, aura(deepgram) as tts:
        stream, voice = await stt.open_stream(), await tts.open_stream()
        await say(stream, SPEECH.samples)
        await stream.finalize()
        assert (await until_answered(stream))[-1].text == WORDS
        parts = [part async for part in voice.synthesize("Table four is ready.")]
        assert sum(part.frame.duration for part in parts) == pytest.approx(16 * 0.06, abs=0.01)
        await stream.aclose()
        await voice.aclose()
