"""Cartesia: our plugin, and the vendor's own SDK, against the simulator."""

from __future__ import annotations

from collections.abc import Callable
from typing import TypeVar

import pytest

from beluga_voice.audio import AudioFrame
from beluga_voice.errors import ProviderError
from beluga_voice.testing import check_stt, check_tts, sounds
from beluga_voice_simulators.backends import scripts
from beluga_voice_simulators.cartesia import CartesiaSimulator
from beluga_voice_simulators.faults import REFUSALS, Fault
from beluga_voice_simulators.memory import MemoryVendor

pytest.importorskip("beluga_voice_cartesia")
pytest.importorskip("cartesia", reason="the vendor's SDK is not installed")
import cartesia

from beluga_voice_cartesia.ink import CartesiaSTT
from beluga_voice_cartesia.settings import InkSettings, InkTurnsSettings, SonicSettings
from beluga_voice_cartesia.tts import CartesiaTTS
from beluga_voice_cartesia.turns import CartesiaTurnsSTT

P = TypeVar("P", CartesiaTTS, CartesiaSTT, CartesiaTurnsSTT)

SPEECH = AudioFrame(sounds.speech_like(1.0), 16000)
WORDS = "Order seven, please."
TEXT = "Table four is ready."
VOICES = ("6ccbfb76-1fc6-48f7-b71d-91ac6298247b", "f786b574-daa5-4673-aa0c-cbe3e8534c02")
AUDIO = {"encoding": "pcm_s16le", "sample_rate": 16000}


def sonic(**changes: object) -> CartesiaTTS:
    return CartesiaTTS(SonicSettings.model_validate({"api_key": "k", "base_url": "http://vendor", **changes}))


def ink() -> CartesiaSTT:
    return CartesiaSTT(InkSettings.model_validate({"api_key": "k", "base_url": "http://vendor"}))


def turns() -> CartesiaTurnsSTT:
    return CartesiaTurnsSTT(InkTurnsSettings.model_validate({"api_key": "k", "base_url": "http://vendor"}))


def in_memory(make: Callable[[], P], *faults: Fault) -> Callable[[], P]:
    """Return what makes providers that the vendor serves without a socket, on virtual time."""
    simulator = CartesiaSimulator(scripts([WORDS]), keys={"k"})
    for fault in faults:
        simulator.faults.play(fault, None)

    def made() -> P:
        provider = make()
        provider.connector = MemoryVendor(simulator)
        return provider

    return made


async def test_sonic_keeps_its_contract() -> None:
    await check_tts(in_memory(sonic), text=TEXT, voices=VOICES)


async def test_ink_keeps_its_contract() -> None:
    await check_stt(in_memory(ink), speech=SPEECH, words=WORDS)


async def test_ink_with_turns_keeps_its_contract() -> None:
    await check_stt(in_memory(turns), speech=SPEECH, words=WORDS)


@pytest.mark.parametrize("make", [sonic, ink, turns])
@pytest.mark.parametrize("fault", REFUSALS)
async def test_refusals_are_errors_that_tell_whether_to_try_again(
    make: Callable[[], P], fault: Fault
) -> None:
    async with in_memory(make, fault)() as provider:
        with pytest.raises(ProviderError, match="Cartesia") as failed:
            await provider.open_stream()
        assert failed.value.retryable == (REFUSALS[fault] in (429, 500, 503))


async def test_health_tells_a_wrong_model() -> None:
    async with in_memory(lambda: sonic(model="sonic-9"))() as tts:
        with pytest.raises(ProviderError, match="another model than 'sonic-9'"):
            await tts.check_health()
    async with in_memory(sonic)() as tts:
        await tts.check_health()


@pytest.mark.real_time
async def test_the_vendors_sdk_speaks_with_contexts_and_timestamps() -> None:
    async with (
        CartesiaSimulator(keys={"k"}) as simulator,
        cartesia.AsyncCartesia(
            api_key="k", base_url=simulator.url, websocket_base_url=simulator.ws_url
        ) as api,
        api.tts.websocket_connect() as connection,
    ):
        form = {"container": "raw", "encoding": "pcm_s16le", "sample_rate": 24000}
        voice = {"mode": "id", "id": VOICES[0]}
        context = connection.context(model_id="sonic-3", voice=voice, output_format=form)
        await context.send(
            model_id="sonic-3",
            transcript=TEXT,
            voice=voice,
            output_format=form,
            add_timestamps=True,
            continue_=False,
        )
        audio, words = b"", []
        async for answer in context.receive():
            if answer.type == "chunk":
                audio += answer.audio or b""
            elif answer.type == "timestamps":
                words += answer.word_timestamps.words
        assert len(audio) / 48000 == pytest.approx(16 * 0.06, abs=0.01)
        assert words == TEXT.split()


@pytest.mark.real_time
async def test_the_vendors_sdk_hears_with_and_without_turns() -> None:
    async with (
        CartesiaSimulator(scripts([WORDS]), keys={"k"}) as simulator,
        cartesia.AsyncCartesia(
            api_key="k", base_url=simulator.url, websocket_base_url=simulator.ws_url
        ) as api,
    ):
        async with api.stt.manual_finalize.websocket(model="ink-2", **AUDIO) as live:
            await live.send_raw(SPEECH.tobytes())
            await live.send("finalize")
            text = ""
            while (answer := await live.recv()).type != "flush_done":
                text += answer.text if answer.is_final else ""
            assert text == WORDS
        async with api.stt.auto_finalize.websocket(model="ink-2", **AUDIO) as live:
            await live.send_raw(SPEECH.tobytes() + bytes(32000))
            told = [await live.recv()]
            while told[-1].type != "turn.end":
                told.append(await live.recv())
            kinds = [each.type for each in told]
            assert kinds == ["connected", "turn.start", "turn.update", "turn.eager_end", "turn.end"]
            assert told[-1].transcript == WORDS
