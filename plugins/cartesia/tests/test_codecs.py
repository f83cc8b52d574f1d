"""What Cartesia's messages mean, without a socket."""

from __future__ import annotations

import base64
import json

import pytest

from beluga_voice.audio import AudioFrame
from beluga_voice.codecs import Audio, Done, Message
from beluga_voice.contracts import SpeechOptions, Transcript, Word
from beluga_voice.errors import ConfigurationError, ProviderError
from beluga_voice.plugins import Plugins
from beluga_voice.testing import check_codec, check_import_hygiene
from beluga_voice_cartesia.ink import CartesiaSTT
from beluga_voice_cartesia.settings import InkSettings, InkTurnsSettings, SonicSettings
from beluga_voice_cartesia.tts import CartesiaTTS
from beluga_voice_cartesia.turns import CartesiaTurnsSTT


def tts(**changes: object) -> CartesiaTTS:
    return CartesiaTTS(SonicSettings.model_validate({"api_key": "secret", **changes}))


def ink(**changes: object) -> CartesiaSTT:
    return CartesiaSTT(InkSettings.model_validate({"api_key": "secret", **changes}))


def turns(**changes: object) -> CartesiaTurnsSTT:
    return CartesiaTurnsSTT(InkTurnsSettings.model_validate({"api_key": "secret", **changes}))


def test_sonic_gives_audio_words_and_the_end_of_a_text() -> None:
    head = {"context_id": "text-1", "status_code": 206, "done": False}
    times = {"words": ["order", "seven"], "start": [0.0, 0.5], "end": [0.4, 0.9]}
    messages: list[Message] = [
        json.dumps({**head, "type": "chunk", "data": base64.b64encode(b"\1\0").decode(), "step_time": 1.0}),
        json.dumps({**head, "type": "timestamps", "word_timestamps": times}),
        json.dumps({**head, "type": "done", "done": True}),
    ]
    words = (Word("order", 0.0, 0.4), Word("seven", 0.5, 0.9))
    assert check_codec(tts(), messages) == [
        Audio(b"\1\0", (), "text-1"),
        Audio(b"", words, "text-1"),
        Done("text-1"),
    ]


def test_sonic_is_asked_with_the_voice_and_speed_of_one_text() -> None:
    voice = tts(speed=1.2, emotion="calm")
    (plain,) = map(json.loads, voice.encode("Yes.", "text-1"))
    assert plain["voice"] == {"mode": "id", "id": voice.settings.voice}
    assert plain["generation_config"] == {"speed": 1.2, "emotion": "calm"}
    assert (plain["add_timestamps"], plain["continue"], plain["context_id"]) == (True, False, "text-1")
    voice.options = SpeechOptions("other", 2.0)
    (chosen,) = map(json.loads, voice.encode("Yes.", "text-2"))
    assert (chosen["voice"]["id"], chosen["generation_config"]["speed"]) == ("other", 1.5)
    assert json.loads(voice.encode_cancel("text-1")) == {"context_id": "text-1", "cancel": True}


@pytest.mark.parametrize(("status", "retryable"), [(400, False), (401, False), (429, True), (500, True)])
def test_errors_tell_whether_to_try_again(status: int, retryable: bool) -> None:
    error = json.dumps(
        {"type": "error", "title": "No", "message": "way", "status_code": status, "done": True}
    )
    for codec in (tts(), ink(), turns()):
        with pytest.raises(ProviderError, match="Cartesia") as failed:
            list(codec.decode(error))
        assert failed.value.retryable is retryable


def transcript(text: str, final: bool) -> str:
    return json.dumps({"type": "transcript", "request_id": "7f", "is_final": final, "text": text})


def test_ink_joins_pieces_up_to_the_answer_to_a_finalize() -> None:
    messages: list[Message] = [
        transcript("Order sev", True),
        transcript("en", False),
        transcript("en please.", True),
        '{"type": "flush_done", "request_id": "7f"}',
        '{"type": "flush_done", "request_id": "7f"}',
    ]
    heard = [t for t in check_codec(ink(), messages) if isinstance(t, Transcript)]
    assert [(t.text, t.final, t.answers_finalize) for t in heard] == [
        ("Order sev", False, False),
        ("Order seven", False, False),
        ("Order seven please.", False, False),
        ("Order seven please.", True, True),
        ("", True, True),
    ]


def test_turns_may_be_over_and_go_on() -> None:
    messages: list[Message] = [
        '{"type": "connected", "request_id": "7f"}',
        '{"type": "turn.start", "request_id": "7f"}',
        '{"type": "turn.update", "request_id": "7f", "transcript": "Order"}',
        '{"type": "turn.eager_end", "request_id": "7f", "transcript": "Order"}',
        '{"type": "turn.resume", "request_id": "7f"}',
        '{"type": "turn.end", "request_id": "7f", "transcript": "Order seven."}',
    ]
    heard = [t for t in check_codec(turns(), messages) if isinstance(t, Transcript)]
    assert [(t.text, t.final, t.end_of_turn) for t in heard] == [
        ("Order", False, False),
        ("Order", False, True),
        ("Order", False, False),
        ("Order seven.", True, True),
    ]


def test_requests_tell_encoding_rate_version_and_what_is_set() -> None:
    request = ink(keyterms=["table four"]).request()
    assert request.headers == {"X-API-Key": "secret", "Cartesia-Version": "2026-03-01"}
    assert request.full_url == (
        "wss://api.cartesia.ai/stt/websocket?keyterm=table+four&model=ink-2&language=en&encoding=pcm_s16le"
        "&sample_rate=16000"
    )
    told = turns(start=0.7, eager_end=0.35, end=0.1, end_timeout=2.0).request().full_url
    assert told.endswith(
        "turn_start_threshold=0.7&turn_eager_end_threshold=0.35&turn_end_threshold=0.1&turn_end_timeout_ms=2000"
    )
    assert ink().encode(AudioFrame.silence(0.02, 16000)) == bytes(640)
    assert (ink().encode_finalize(), ink().encode_close(), turns().encode_close()) == (
        "finalize",
        "close",
        '{"type": "close"}',
    )


async def test_without_a_key_it_does_not_open(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delenv("CARTESIA_API_KEY", raising=False)
    for provider in (CartesiaTTS(), CartesiaSTT(), CartesiaTurnsSTT()):
        with pytest.raises(ConfigurationError, match="export CARTESIA_API_KEY"):
            await provider.open()


@pytest.mark.parametrize(
    ("kind", "name"), [("tts", "cartesia"), ("stt", "cartesia"), ("stt", "cartesia-turns")]
)
def test_is_found_by_its_name(kind: str, name: str) -> None:
    assert type(Plugins.discover().create(kind, name)).__module__.startswith("beluga_voice_cartesia")


def test_loading_the_plugin_imports_nothing_else() -> None:
    check_import_hygiene("beluga_voice_cartesia")


@pytest.mark.parametrize(
    ("settings", "wrong"),
    [
        (SonicSettings, {"base_url": "api.cartesia.ai"}),
        (SonicSettings, {"sample_rate": 32000}),
        (SonicSettings, {"speed": 2.0}),
        (InkTurnsSettings, {"end": 0.45}),
        (InkSettings, {"encoding": "mulaw"}),
    ],
)
def test_settings_have_bounds(settings: type[InkSettings], wrong: dict[str, object]) -> None:
    with pytest.raises(ValueError, match=next(iter(wrong))):
        settings.model_validate(wrong)
