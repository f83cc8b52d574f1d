"""What ElevenLabs' messages mean, without a socket."""

from __future__ import annotations

import base64
import json

import pytest

from beluga_voice.audio import AudioFrame
from beluga_voice.codecs import Audio, Done, Message, Ready
from beluga_voice.contracts import Transcript, Word
from beluga_voice.errors import ClosedError, ConfigurationError, ProviderError
from beluga_voice.plugins import Plugins
from beluga_voice.testing import check_codec, check_import_hygiene
from beluga_voice_elevenlabs.http import ElevenLabsHttpTTS
from beluga_voice_elevenlabs.scribe import ElevenLabsSTT
from beluga_voice_elevenlabs.settings import ElevenLabsTTSSettings, ScribeSettings
from beluga_voice_elevenlabs.tts import ElevenLabsTTS

SECOND = bytes(2 * 24000)


def tts(**changes: object) -> ElevenLabsTTS:
    return ElevenLabsTTS(ElevenLabsTTSSettings.model_validate({"api_key": "secret", **changes}))


def scribe(**changes: object) -> ElevenLabsSTT:
    return ElevenLabsSTT(ScribeSettings.model_validate({"api_key": "secret", **changes}))


def audio(data: bytes, chars: str = "", context: str = "text-1") -> str:
    """Return a piece of audio whose characters take 100 ms each, as the vendor documents it."""
    alignment = {
        "chars": list(chars),
        "charStartTimesMs": [100 * n for n in range(len(chars))],
        "charDurationsMs": [100] * len(chars),
    }
    return json.dumps(
        {
            "audio": base64.b64encode(data).decode(),
            "isFinal": None,
            "normalizedAlignment": None,
            "alignment": alignment if chars else None,
            "contextId": context,
        }
    )


def test_alignment_becomes_words_also_over_two_pieces_of_audio() -> None:
    messages: list[Message] = [
        audio(SECOND, " order se"),
        audio(SECOND, "ven "),
        audio(b"\0\0", "now"),
        '{"isFinal": true, "contextId": "text-1"}',
    ]
    first, second, third, rest, done = check_codec(tts(), messages)
    assert first == Audio(SECOND, (Word("order", 0.1, 0.6),), "text-1")
    assert isinstance(second, Audio)
    (word,) = second.words
    assert (word.text, word.start, word.end) == ("seven", pytest.approx(0.7), pytest.approx(1.3))
    assert third == Audio(b"\0\0", (), "text-1")
    assert isinstance(rest, Audio)
    assert [(w.text, round(w.start, 3), round(w.end, 3)) for w in rest.words] == [("now", 2.0, 2.3)]
    assert done == Done("text-1")


def test_texts_are_contexts_that_end_by_themselves() -> None:
    voice = tts(speed=1.1, stability=0.4).for_stream()
    voice.begin()
    first, text, last = (json.loads(message) for message in voice.encode("Order seven.", "text-1"))
    settings = {"speed": 1.1, "stability": 0.4}
    assert first == {"text": " ", "context_id": "text-1", "voice_settings": settings}
    assert text == {"text": "Order seven. ", "context_id": "text-1", "flush": True}
    assert last == {"context_id": "text-1", "close_context": True}
    assert json.loads(voice.encode_cancel("text-1")) == last
    assert voice.encode_close() == '{"close_socket": true}'
    assert "voice_settings" not in json.loads(next(iter(tts().for_stream().encode("Yes.", "text-1"))))


def test_a_voice_is_asked_for_with_its_model_and_rate() -> None:
    request = tts(
        voice="abc", model="eleven_v3", sample_rate=16000, language="de", enable_logging=False
    ).request()
    assert request.shown == "wss://api.elevenlabs.io/v1/text-to-speech/abc/multi-stream-input"
    assert request.headers == {"xi-api-key": "secret"}
    for part in ("model_id=eleven_v3", "output_format=pcm_16000", "language_code=de", "enable_logging=false"):
        assert part in request.full_url
    assert "auto_mode=true" in request.full_url


@pytest.mark.parametrize(
    ("error", "retryable", "code"),
    [
        ("invalid_api_key", False, "authentication_error"),
        ("quota_exceeded", False, "quota_exceeded"),
        ("too_many_concurrent_requests", True, "rate_limit"),
        ("internal_server_error", True, "stream_error"),
    ],
)
def test_a_voice_fails_by_the_vendors_error(error: str, retryable: bool, code: str) -> None:
    with pytest.raises(ProviderError, match=f"ElevenLabs failed with {error}: no") as failed:
        list(tts().decode(json.dumps({"error": error, "message": "no", "code": 1008})))
    assert (failed.value.retryable, failed.value.code) == (retryable, code)


def test_scribe_reads_what_is_partial_and_what_is_committed() -> None:
    words = [
        {"text": "Order", "start": 0.2, "end": 0.5, "type": "word", "logprob": -0.1},
        {"text": " ", "start": 0.5, "end": 0.6, "type": "spacing"},
        {"text": "seven.", "start": 0.6, "end": 1.0, "type": "word"},
    ]
    timed = {"message_type": "committed_transcript_with_timestamps", "text": "Order seven.", "words": words}
    messages: list[Message] = [
        '{"message_type": "session_started", "session_id": "7f", "config": {}}',
        '{"message_type": "partial_transcript", "text": "Order"}',
        '{"message_type": "partial_transcript", "text": ""}',
        '{"message_type": "committed_transcript", "text": "Order seven."}',
        json.dumps({**timed, "language_code": "en"}),
        '{"message_type": "commit_throttled", "error": "less than 0.3 s"}',
    ]
    assert check_codec(scribe(), messages) == [
        Ready(),
        Transcript("Order", False),
        Transcript(
            "Order seven.", True, 0.2, 1.0, (Word("Order", 0.2, 0.5), Word("seven.", 0.6, 1.0)), True, "en"
        ),
        Transcript("", True, answers_finalize=True),
    ]


def test_scribe_is_sent_audio_as_text_and_commits() -> None:
    sent = json.loads(scribe().encode(AudioFrame.silence(0.02, 16000)))
    assert base64.b64decode(sent.pop("audio_base_64")) == bytes(640)
    assert sent == {"message_type": "input_audio_chunk", "commit": False, "sample_rate": 16000}
    assert json.loads(scribe().encode_finalize())["commit"] is True
    request = scribe(
        keyterms=["chef", "table four"], language="en", base_url="http://127.0.0.1:81/"
    ).request()
    assert request.full_url == (
        "ws://127.0.0.1:81/v1/speech-to-text/realtime?keyterms=chef&keyterms=table+four&model_id=scribe_v2_realtime"
        "&audio_format=pcm_16000&commit_strategy=manual&include_timestamps=true&language_code=en"
    )


@pytest.mark.parametrize(
    ("kind", "retryable"), [("auth_error", False), ("session_time_limit_exceeded", True)]
)
def test_scribe_fails_by_the_vendors_error(kind: str, retryable: bool) -> None:
    with pytest.raises(ProviderError, match=kind) as failed:
        list(scribe().decode(json.dumps({"message_type": kind, "error": "no"})))
    assert failed.value.retryable is retryable


async def test_without_a_key_it_does_not_open(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delenv("ELEVENLABS_API_KEY", raising=False)
    for provider in (ElevenLabsTTS(), ElevenLabsHttpTTS(), ElevenLabsSTT()):
        with pytest.raises(ConfigurationError, match="export ELEVENLABS_API_KEY"):
            await provider.open()
    with pytest.raises(ClosedError, match="not open"):
        await ElevenLabsHttpTTS().open_stream()


def test_key_and_address_come_from_the_environment(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("ELEVENLABS_API_KEY", "from-there")
    monkeypatch.setenv("ELEVENLABS_BASE_URL", "http://127.0.0.1:1/")
    request = ElevenLabsTTS().request()
    assert request.headers == {"xi-api-key": "from-there"}
    assert request.shown.startswith("ws://127.0.0.1:1/v1/")


@pytest.mark.parametrize(
    ("kind", "name"), [("tts", "elevenlabs"), ("tts", "elevenlabs-http"), ("stt", "elevenlabs")]
)
def test_is_found_by_its_name(kind: str, name: str) -> None:
    assert type(Plugins.discover().create(kind, name)).__module__.startswith("beluga_voice_elevenlabs")


def test_loading_the_plugin_imports_nothing_else() -> None:
    check_import_hygiene("beluga_voice_elevenlabs")


@pytest.mark.parametrize(
    ("settings", "wrong"),
    [
        (ElevenLabsTTSSettings, {"base_url": "api.elevenlabs.io"}),
        (ElevenLabsTTSSettings, {"sample_rate": 11025}),
        (ElevenLabsTTSSettings, {"speed": 2.0}),
        (ElevenLabsTTSSettings, {"format": "mp3"}),
        (ScribeSettings, {"language": ""}),
    ],
)
def test_settings_have_bounds(settings: type[ScribeSettings], wrong: dict[str, object]) -> None:
    with pytest.raises(ValueError, match=next(iter(wrong))):
        settings.model_validate(wrong)
