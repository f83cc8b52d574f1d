"""The vendor's own SDK against the simulator, unmodified apart from its address."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager

import pytest

from beluga_voice.testing import sounds
from beluga_voice_simulators.backends import scripts
from beluga_voice_simulators.deepgram import DeepgramSimulator

pytest.importorskip("deepgram", reason="the vendor's SDK is not installed")
import httpx
from deepgram import AsyncDeepgramClient
from deepgram.core.api_error import ApiError
from deepgram.core.events import EventType
from deepgram.environment import DeepgramClientEnvironment
from deepgram.listen.v2.types import ListenV2Configure, ListenV2ConfigureThresholds
from deepgram.speak.v1.types import SpeakV1Text

pytestmark = [
    pytest.mark.real_time,
    pytest.mark.filterwarnings("ignore:websockets:DeprecationWarning"),  # of the SDK's imports
]

WORDS = "Order seven, please."
SPEECH = (sounds.speech_like(1.0)).astype("<i2").tobytes()
SILENCE = bytes(2 * 16000)


def simulated() -> DeepgramSimulator:
    return DeepgramSimulator(scripts([WORDS]), keys={"k"})


@asynccontextmanager
async def client(deepgram: DeepgramSimulator, key: str = "k") -> AsyncIterator[AsyncDeepgramClient]:
    there = DeepgramClientEnvironment(
        base=deepgram.url, production=deepgram.ws_url, agent=deepgram.ws_url, agent_rest=deepgram.url
    )
    async with httpx.AsyncClient() as http:
        yield AsyncDeepgramClient(api_key=key, environment=there, httpx_client=http)


async def test_live_transcription() -> None:
    async with simulated() as deepgram:
        options = {"model": "nova-3", "encoding": "linear16", "sample_rate": 16000}
        more = {
            "interim_results": "true",
            "punctuate": "true",
            "vad_events": "true",
            "utterance_end_ms": 1000,
        }
        heard: list[object] = []
        async with client(deepgram) as api, api.listen.v1.connect(**options, **more) as live:
            live.on(EventType.MESSAGE, heard.append)
            listening = asyncio.create_task(live.start_listening())
            await live.send_media(SPEECH)
            await live.send_media(SILENCE)
            await live.send_media(SILENCE)
            await live.send_keep_alive()
            await live.send_media(SPEECH)
            await live.send_finalize()
            await live.send_close_stream()
            await listening
        kinds = [each.type for each in heard]
        assert kinds.count("SpeechStarted") == 2
        assert kinds.count("UtteranceEnd") == 1
        assert kinds[-1] == "Metadata"
        finals = [each for each in heard if each.type == "Results" and each.is_final]
        said = [each for each in finals if each.channel.alternatives[0].transcript]
        assert [each.channel.alternatives[0].transcript for each in said] == [WORDS, WORDS]
        assert [each.speech_final for each in said] == [True, False]
        assert [each.from_finalize for each in said] == [False, True]
        words = said[0].channel.alternatives[0].words
        assert [word.punctuated_word for word in words] == WORDS.split()
        assert any(each.type == "Results" and not each.is_final for each in heard)


async def test_turns_that_are_forced_configured_and_found() -> None:
    async with simulated() as deepgram:
        options = {"model": "flux-general-en", "encoding": "linear16", "sample_rate": 16000}
        eager = {"eager_eot_threshold": "0.4"}
        async with client(deepgram) as api, api.listen.v2.connect(**options, **eager) as live:
            assert (await live.recv()).type == "Connected"
            await live.send_media(SPEECH)
            await live.send_media(SILENCE)
            told = await turns_until_end(live)
            assert told[0] == "StartOfTurn"
            assert "EagerEndOfTurn" in told
            thresholds = ListenV2ConfigureThresholds(eot_threshold=0.9, eager_eot_threshold=0.5)
            await live.send_configure(ListenV2Configure(thresholds=thresholds))
            while (answer := await live.recv()).type == "TurnInfo":
                pass
            assert (answer.type, answer.thresholds.eot_threshold) == ("ConfigureSuccess", 0.9)
            await live.send_configure(
                ListenV2Configure(thresholds=ListenV2ConfigureThresholds(eot_threshold=0.1))
            )
            assert (await live.recv()).type == "ConfigureFailure"
            await live.send_close_stream()


async def turns_until_end(live: object) -> list[str]:
    told: list[str] = []
    while not told or told[-1] != "EndOfTurn":
        info = await live.recv()
        assert info.type == "TurnInfo"
        if info.event != "Update":
            told.append(info.event)
    assert info.transcript == WORDS
    assert info.words[0].start is not None
    return told


async def test_streaming_speech() -> None:
    async with simulated() as deepgram:
        options = {"model": "aura-2-thalia-en", "encoding": "linear16", "sample_rate": 24000}
        async with client(deepgram) as api, api.speak.v1.connect(**options) as voice:
            assert (await voice.recv()).model_name == "aura-2-thalia-en"
            await voice.send_text(SpeakV1Text(text="Table four is ready."))
            await voice.send_flush()
            audio = bytearray()
            while isinstance(message := await voice.recv(), bytes):
                audio += message
            assert message.type == "Flushed"
            assert len(audio) / 48000 == pytest.approx(16 * 0.06, abs=0.01)
            await voice.send_clear()
            assert (await voice.recv()).type == "Cleared"
            await voice.send_close()


async def test_speech_over_http() -> None:
    async with simulated() as deepgram, client(deepgram) as api:
        pieces = api.speak.v1.audio.generate(
            text="Table four is ready.",
            model="aura-2-thalia-en",
            encoding="linear16",
            container="none",
            sample_rate=24000,
        )
        audio = b"".join([piece async for piece in pieces])
        assert len(audio) / 48000 == pytest.approx(16 * 0.06, abs=0.01)


async def test_models_keys_and_what_is_refused() -> None:
    async with simulated() as deepgram:
        async with client(deepgram) as api:
            models = await api.manage.v1.models.list()
        assert "nova-3" in [model.name for model in models.stt]
        options = {"model": "nova-3", "encoding": "linear16", "sample_rate": 16000}
        for key, changes, status in (("x", {}, 401), ("k", {"model": "nova-9"}, 400)):
            async with client(deepgram, key) as api:
                connecting = api.listen.v1.connect(**{**options, **changes})
                with pytest.raises(ApiError) as refused:
                    await connecting.__aenter__()
            assert refused.value.status_code == status
