"""The vendor's own SDK against the simulator, unmodified apart from its address."""

from __future__ import annotations

import asyncio
import base64
import ssl
from collections.abc import Iterator

import pytest

from beluga_voice.testing import sounds
from beluga_voice_simulators.backends import scripts
from beluga_voice_simulators.elevenlabs import ElevenLabsSimulator
from beluga_voice_simulators.thread import running
from beluga_voice_simulators.tls import Certificate

pytest.importorskip("elevenlabs", reason="the vendor's SDK is not installed")
import httpx
from elevenlabs import ElevenLabs, VoiceSettings
from elevenlabs.core.api_error import ApiError
from elevenlabs.realtime import AudioFormat, CommitStrategy, RealtimeEvents, ScribeRealtime

pytestmark = pytest.mark.filterwarnings("ignore:ConnectionClosed:DeprecationWarning")  # of the SDK's

VOICE = "21m00Tcm4TlvDq8ikWAM"
WORDS = "Order seven, please."
TEXT = "Table four is ready."
SPEECH = base64.b64encode(sounds.speech_like(1.0).astype("<i2").tobytes()).decode()
SILENCE = base64.b64encode(bytes(2 * 16000)).decode()
SECONDS = pytest.approx(16 * 0.06, abs=0.01)


@pytest.fixture
def client() -> Iterator[ElevenLabs]:
    with running(ElevenLabsSimulator(keys={"k"})) as simulator, httpx.Client() as http:
        yield ElevenLabs(api_key="k", base_url=simulator.url, httpx_client=http)


def test_speech_that_is_streamed_over_http(client: ElevenLabs) -> None:
    pieces = client.text_to_speech.stream(
        VOICE,
        text=TEXT,
        model_id="eleven_flash_v2_5",
        output_format="pcm_24000",
        voice_settings=VoiceSettings(stability=0.5, speed=1.0),
    )
    assert len(b"".join(pieces)) / 48000 == SECONDS


def test_models_voices_and_what_is_refused(client: ElevenLabs) -> None:
    assert "eleven_flash_v2_5" in [model.model_id for model in client.models.list()]
    assert client.voices.get(VOICE).name == "Rachel"
    with pytest.raises(ApiError) as refused:
        b"".join(client.text_to_speech.stream("nobody", text=TEXT, output_format="pcm_24000"))
    assert refused.value.status_code == 404


def test_speech_of_texts_that_come_in_pieces_over_tls(monkeypatch: pytest.MonkeyPatch) -> None:
    with Certificate() as certificate, running(ElevenLabsSimulator(certificate=certificate)) as simulator:
        monkeypatch.setenv("SSL_CERT_FILE", str(certificate.authority))
        context = ssl.create_default_context(cafile=str(certificate.authority))
        with httpx.Client(verify=context) as http:
            client = ElevenLabs(api_key="k", base_url=simulator.url, httpx_client=http)
            pieces = client.text_to_speech.convert_realtime(
                VOICE,
                text=iter(["Table four ", "is ready."]),
                model_id="eleven_flash_v2_5",
                output_format="pcm_24000",
            )
            assert len(b"".join(pieces)) / 48000 == SECONDS


@pytest.mark.real_time
@pytest.mark.parametrize("strategy", [CommitStrategy.MANUAL, CommitStrategy.VAD])
async def test_live_transcription(strategy: CommitStrategy) -> None:
    async with ElevenLabsSimulator(scripts([WORDS])) as simulator:
        options = {
            "model_id": "scribe_v2_realtime",
            "audio_format": AudioFormat.PCM_16000,
            "sample_rate": 16000,
            "commit_strategy": strategy,
            "vad_silence_threshold_secs": 0.5,
            "include_timestamps": True,
        }
        heard: dict[str, list[dict[str, object]]] = {}
        done = asyncio.Event()
        live = await ScribeRealtime(api_key="k", base_url=simulator.ws_url).connect(options)
        for event in RealtimeEvents:
            live.on(event, lambda *data, event=event: heard.setdefault(event.value, []).extend(data))
        live.on(RealtimeEvents.COMMITTED_TRANSCRIPT_WITH_TIMESTAMPS, lambda _: done.set())
        await live.send({"audio_base_64": SPEECH})
        await live.send({"audio_base_64": SILENCE})
        if strategy is CommitStrategy.MANUAL:
            await live.commit()
        await asyncio.wait_for(done.wait(), 5)
        await live.close()
        assert "error" not in heard
        assert heard["committed_transcript"][0]["text"] == WORDS
        assert WORDS.startswith(str(heard["partial_transcript"][0]["text"]))
        words = heard["committed_transcript_with_timestamps"][0]["words"]
        assert [word["text"] for word in words if word["type"] == "word"] == WORDS.split()
