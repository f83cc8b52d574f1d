"""What Deepgram's messages mean, without a socket."""

from __future__ import annotations

import json

import pytest

from beluga_voice.audio import AudioFrame
from beluga_voice.codecs import Acknowledged, Audio, Done, Message, Ready
from beluga_voice.contracts import Listens, Transcript, Word
from beluga_voice.errors import ConfigurationError, ProviderError
from beluga_voice.plugins import Plugins
from beluga_voice.testing import Caller, MemoryServer, check_codec, check_import_hygiene
from beluga_voice_deepgram.flux import DeepgramFluxSTT
from beluga_voice_deepgram.nova import DeepgramSTT
from beluga_voice_deepgram.settings import AuraSettings, FluxSettings, NovaSettings
from beluga_voice_deepgram.tts import LONGEST, DeepgramTTS


def nova(**changes: object) -> DeepgramSTT:
    return DeepgramSTT(NovaSettings.model_validate({"api_key": "secret", **changes}))


def flux(**changes: object) -> DeepgramFluxSTT:
    return DeepgramFluxSTT(FluxSettings.model_validate({"api_key": "secret", **changes}))


def aura(**changes: object) -> DeepgramTTS:
    return DeepgramTTS(AuraSettings.model_validate({"api_key": "secret", **changes}))


def results(text: str, *, final: bool = True, **more: object) -> str:
    """Return a Results as the vendor documents it, from 0.5 to 2.0 s."""
    spoken = text.split()
    words = [
        {
            "word": word.lower().strip("."),
            "start": 0.6 + n / 2,
            "end": 1.0 + n / 2,
            "confidence": 0.99,
            "punctuated_word": word,
        }
        for n, word in enumerate(spoken)
    ]
    alternative = {"transcript": text, "confidence": 0.99, "words": words}
    return json.dumps(
        {
            "type": "Results",
            "channel_index": [0, 1],
            "start": 0.5,
            "duration": 1.5,
            "is_final": final,
            "speech_final": False,
            "channel": {"alternatives": [alternative]},
            "metadata": {"request_id": "8c1f", "model_info": {"name": "nova-3"}, "model_uuid": "4a"},
            "from_finalize": False,
            **more,
        }
    )


def turn(event: str, text: str, **more: object) -> str:
    """Return a TurnInfo as the vendor documents it, from 0.0 to 2.0 s."""
    words = [
        {"word": word, "confidence": 0.9, "start": 0.4 + n / 2, "end": 0.8 + n / 2}
        for n, word in enumerate(text.split())
    ]
    return json.dumps(
        {
            "type": "TurnInfo",
            "request_id": "8c1f",
            "sequence_id": 3,
            "event": event,
            "turn_index": 0,
            "audio_window_start": 0.0,
            "audio_window_end": 2.0,
            "transcript": text,
            "words": words,
            "end_of_turn_confidence": 0.4,
            **more,
        }
    )


# -- Nova --


def test_nova_reads_interims_finals_and_what_answers_a_finalize() -> None:
    messages: list[Message] = [
        results("Order", final=False),
        results("Order seven."),
        results("", from_finalize=True),
        '{"type": "Metadata", "request_id": "8c1f", "duration": 2.0, "channels": 1}',
    ]
    assert check_codec(nova(), messages) == [
        Transcript("Order", False, 0.5, 2.0, (Word("Order", 0.6, 1.0),)),
        Transcript("Order seven.", True, 0.5, 2.0, (Word("Order", 0.6, 1.0), Word("seven.", 1.1, 1.5))),
        Transcript("", True, 0.5, 2.0, (), answers_finalize=True),
    ]


def test_nova_has_done_with_silence_and_says_nothing_of_it() -> None:
    messages: list[Message] = [results("", final=False), results("")]
    assert check_codec(nova(), messages) == [Acknowledged(2.0)]


def test_nova_ends_turns_only_if_told_to() -> None:
    ended = '{"type": "UtteranceEnd", "channel": [0, 1], "last_word_end": 1.5}'
    unknown = '{"type": "UtteranceEnd", "channel": [0, 1], "last_word_end": -1}'
    messages: list[Message] = [results("Order.", speech_final=True), results("Seven."), ended, unknown]
    plain = [t.end_of_turn for t in check_codec(nova(), messages) if isinstance(t, Transcript)]
    assert plain == [None, None]
    ending = check_codec(nova(ends_turns=True, utterance_end=1.0), messages)
    assert [t.end_of_turn for t in ending if isinstance(t, Transcript)] == [True, False, True]
    assert ending[-1] == Transcript("", True, 1.5, 1.5, end_of_turn=True)


def test_nova_tells_the_language_where_the_vendor_does() -> None:
    answer = json.loads(results("Hola"))
    answer["channel"]["alternatives"][0]["languages"] = ["es", "en"]
    (heard,) = check_codec(nova(language="multi"), [json.dumps(answer)])
    assert isinstance(heard, Transcript)
    assert heard.language == "es"


def test_nova_asks_with_encoding_and_rate_whatever_is_set() -> None:
    plain = nova().request()
    assert plain.params["encoding"] == "linear16"
    assert plain.params["sample_rate"] == 16000
    assert plain.shown == "wss://api.deepgram.com/v1/listen"
    assert plain.headers == {"Authorization": "Token secret"}
    assert "endpointing" not in plain.full_url
    told = nova(
        base_url="http://127.0.0.1:8100/",
        keyterms=["table four", "chef"],
        endpointing=0.3,
        utterance_end=1.0,
        smart_format=True,
        model_improvement=False,
    ).request()
    assert told.full_url.startswith(
        "ws://127.0.0.1:8100/v1/listen?keyterm=table+four&keyterm=chef&model=nova-3&"
    )
    for part in (
        "endpointing=300",
        "utterance_end_ms=1000",
        "vad_events=true",
        "mip_opt_out=true",
        "smart_format",
    ):
        assert part in told.full_url
    assert "endpointing=false" in nova(endpointing=0).request().full_url


def test_nova_sends_pcm_and_the_vendors_own_messages() -> None:
    stt = nova()
    assert stt.listens is Listens.ALL
    assert stt.encode(AudioFrame.silence(0.02, 16000)) == bytes(640)
    assert [stt.encode_finalize(), stt.encode_keep_alive(), stt.encode_close()] == [
        '{"type": "Finalize"}',
        '{"type": "KeepAlive"}',
        '{"type": "CloseStream"}',
    ]


# -- Flux --


def test_flux_tells_turns_and_eager_ends() -> None:
    messages: list[Message] = [
        '{"type": "Connected", "request_id": "8c1f", "sequence_id": 0}',
        turn("Update", ""),
        turn("StartOfTurn", "Order"),
        turn("EagerEndOfTurn", "Order seven."),
        turn("TurnResumed", "Order seven."),
        turn("EndOfTurn", "Order seven please.", trigger="model"),
    ]
    ready, silence, *turns = check_codec(flux(), messages)
    assert (ready, silence) == (Ready(), Acknowledged(1.0))
    assert [(t.text, t.final, t.end_of_turn) for t in turns if isinstance(t, Transcript)] == [
        ("Order", False, False),
        ("Order seven.", False, True),
        ("Order seven.", False, False),
        ("Order seven please.", True, True),
    ]
    last = turns[-1]
    assert isinstance(last, Transcript)
    assert (last.start, last.end, last.words[1]) == (0.4, 2.0, Word("seven", 0.9, 1.3))


def test_flux_gives_no_words_where_the_vendor_gives_no_times() -> None:
    untimed = turn("EndOfTurn", "Hi", words=[{"word": "Hi", "confidence": 0.9}], languages=["de", "en"])
    _, heard = check_codec(flux(), ['{"type": "Connected"}', untimed])
    assert heard == Transcript("Hi", True, 0.0, 2.0, (), False, "de", True)


def test_flux_says_what_is_set_of_turns_and_nothing_else() -> None:
    assert flux().request().full_url == (
        "wss://api.deepgram.com/v2/listen?model=flux-general-en&encoding=linear16&sample_rate=16000"
    )
    told = flux(
        model="flux-general-multi",
        end_of_turn=0.8,
        eager_end_of_turn=0.4,
        end_of_turn_timeout=3,
        language_hints=["de", "en"],
        keyterms=["chef"],
    ).request()
    for part in (
        "eot_threshold=0.8",
        "eager_eot_threshold=0.4",
        "eot_timeout_ms=3000",
        "language_hint=de&language_hint=en",
    ):
        assert part in told.full_url


@pytest.mark.parametrize(
    ("code", "retryable"), [("INTERNAL_SERVER_ERROR", True), ("UNPARSABLE_CLIENT_MESSAGE", False)]
)
def test_flux_fails_by_the_vendors_error(code: str, retryable: bool) -> None:
    with pytest.raises(ProviderError, match=code) as failed:
        list(flux().decode(json.dumps({"type": "Error", "code": code, "description": "no"})))
    assert failed.value.retryable is retryable


# -- Aura --


def test_aura_reads_audio_and_the_end_of_a_text() -> None:
    messages: list[Message] = [
        '{"type": "Metadata", "request_id": "8c1f", "model_name": "aura-2-thalia-en"}',
        b"\1\0\2\0",
        '{"type": "Flushed", "sequence_id": 0}',
    ]
    assert check_codec(aura(), messages) == [Audio(b"\1\0\2\0"), Done()]


def test_a_flush_that_was_on_its_way_does_not_end_the_text_after_a_cleared_one() -> None:
    tts = aura().for_stream()
    tts.begin()
    list(tts.encode("one", "text-1"))
    assert tts.encode_cancel("text-1") == '{"type": "Clear"}'
    list(tts.encode("two", "text-2"))
    given = [
        list(tts.decode(message))
        for message in (
            '{"type": "Flushed", "sequence_id": 0}',
            '{"type": "Cleared", "sequence_id": 1}',
            b"\0\0",
            '{"type": "Flushed", "sequence_id": 2}',
        )
    ]
    assert given == [[], [Done()], [Audio(b"\0\0")], [Done()]]


def test_aura_is_sent_long_texts_in_parts_and_one_flush() -> None:
    text = "word " * 1000
    *spoken, flush = aura().encode(text, "text-1")
    parts = [json.loads(part)["text"] for part in spoken]
    assert max(map(len, parts)) <= LONGEST
    assert "".join(parts).split() == text.split()
    assert flush == '{"type": "Flush"}'


def test_a_flush_that_is_not_heeded_is_tried_on_another_connection() -> None:
    warning = {"type": "Warning", "code": "EXCESSIVE_FLUSH", "description": "Too many Flush messages"}
    with pytest.raises(ProviderError, match="Too many") as failed:
        list(aura().decode(json.dumps(warning)))
    assert failed.value.retryable
    assert list(aura().decode('{"type": "Warning", "code": "OTHER", "description": "no"}')) == []


def test_aura_asks_for_a_voice_a_rate_and_a_speed() -> None:
    tts = aura(model="aura-2-apollo-en", sample_rate=16000, speed=1.2)
    assert tts.sample_rate == 16000
    assert tts.request().full_url == (
        "wss://api.deepgram.com/v1/speak?model=aura-2-apollo-en&encoding=linear16&sample_rate=16000&speed=1.2"
    )


# -- all --


async def test_without_a_key_it_does_not_open(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delenv("DEEPGRAM_API_KEY", raising=False)
    for provider in (DeepgramSTT(), DeepgramFluxSTT(), DeepgramTTS()):
        with pytest.raises(ConfigurationError, match="export DEEPGRAM_API_KEY"):
            await provider.open()


def test_key_and_address_come_from_the_environment(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("DEEPGRAM_API_KEY", "from-there")
    monkeypatch.setenv("DEEPGRAM_BASE_URL", "http://127.0.0.1:1")
    request = Plugins.discover().create("stt", "deepgram").request()  # type: ignore[attr-defined]
    assert request.headers == {"Authorization": "Token from-there"}
    assert request.shown == "ws://127.0.0.1:1/v1/listen"


@pytest.mark.parametrize(
    ("status", "says"), [(401, "another key in DEEPGRAM_API_KEY"), (400, "another model than 'nova-9'")]
)
async def test_health_tells_a_wrong_key_and_a_wrong_model_apart(status: int, says: str) -> None:
    async def serve(caller: Caller) -> None:
        await caller.receive()

    stt = nova(model="nova-9")
    stt.connector = server = MemoryServer(serve)
    server.refuse(status)
    async with stt:
        with pytest.raises(ProviderError, match=says):
            await stt.check_health()
        await stt.check_health()


@pytest.mark.parametrize(
    ("kind", "name"), [("stt", "deepgram"), ("stt", "deepgram-flux"), ("tts", "deepgram")]
)
def test_is_found_by_its_name(kind: str, name: str) -> None:
    assert type(Plugins.discover().create(kind, name)).__module__.startswith("beluga_voice_deepgram")


def test_loading_the_plugin_imports_nothing_else() -> None:
    check_import_hygiene("beluga_voice_deepgram")


@pytest.mark.parametrize(
    ("settings", "wrong"),
    [
        (NovaSettings, {"base_url": "api.deepgram.com"}),
        (NovaSettings, {"interim_results": False, "utterance_end": 1.0}),
        (NovaSettings, {"utterance_end": 0.5}),
        (FluxSettings, {"eager_end_of_turn": 0.8}),
        (FluxSettings, {"end_of_turn": 0.4}),
        (AuraSettings, {"sample_rate": 22050}),
        (AuraSettings, {"voice": "thalia"}),
    ],
)
def test_settings_have_bounds(settings: type[NovaSettings], wrong: dict[str, object]) -> None:
    with pytest.raises(ValueError, match=next(iter(wrong))):
        settings.model_validate(wrong)
