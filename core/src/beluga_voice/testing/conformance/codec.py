"""Does a codec do what the connection relies on? Checked on recorded messages, without a socket."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from typing import TypeVar, overload

from pydantic import BaseModel, SecretStr

from beluga_voice.audio import AudioFrame
from beluga_voice.codecs import (
    Acknowledged,
    Audio,
    Done,
    Message,
    Ready,
    Reply,
    STTAnswer,
    TTSAnswer,
    WebSocketSTT,
    WebSocketTTS,
)
from beluga_voice.contracts import Transcript
from beluga_voice.testing.conformance.promises import expect

UNHEARD_OF = '{"type": "unheard_of"}'
"""A message of a kind that does not exist yet: vendors add kinds without notice."""

SLACK = 0.1
"""Seconds by which the times of words may lie outside of their transcript's: engines round."""

A = TypeVar("A")


@overload
def check_codec(
    codec: WebSocketSTT[object], messages: Sequence[Message], *, unknown: Message | None = ...
) -> list[STTAnswer]: ...
@overload
def check_codec(
    codec: WebSocketTTS[object], messages: Sequence[Message], *, unknown: Message | None = ...
) -> list[TTSAnswer]: ...
def check_codec(
    codec: WebSocketSTT[object] | WebSocketTTS[object],
    messages: Sequence[Message],
    *,
    unknown: Message | None = UNHEARD_OF,
) -> list[STTAnswer] | list[TTSAnswer]:
    """Check a codec on the messages of one recorded connection, in their order, and return what they say.

    Args:
        codec: a provider, not opened.
        messages: what the vendor has sent.
        unknown: a message that the codec is to pass over; None to leave that out.

    Raises:
        AssertionError: a promise is broken; the text says which.
    """
    _check_request(codec)
    _check_constant_messages(codec)
    if isinstance(codec, WebSocketSTT):
        return _check_stt(codec, messages, unknown)
    return _check_tts(codec, messages, unknown)


def _check_request(codec: WebSocketSTT[object] | WebSocketTTS[object]) -> None:
    stream = codec.for_stream()
    stream.begin()
    request = stream.request()
    expect(
        request.url.startswith(("ws://", "wss://")), f"request: {request.shown!r} is no ws: or wss: address"
    )
    for secret in _secrets(codec.settings):
        for where, text in (("repr", repr(request)), ("address that errors name", request.shown)):
            expect(secret not in text, f"request: its {where} holds a secret of the settings")


def _secrets(settings: object) -> list[str]:
    if not isinstance(settings, BaseModel):
        return []
    values = (getattr(settings, name) for name in type(settings).model_fields)
    return [value.get_secret_value() for value in values if isinstance(value, SecretStr) and value]


def _check_constant_messages(codec: WebSocketSTT[object] | WebSocketTTS[object]) -> None:
    stream = codec.for_stream()
    stream.begin()
    made: dict[str, list[Message | None]] = {
        "encode_start": list(stream.encode_start()),
        "encode_keep_alive": [stream.encode_keep_alive()],
        "encode_close": [stream.encode_close()],
    }
    for name, sent in made.items():
        for message in sent:
            expect(message is None or _is_message(message), f"{name} gave {message!r}, which is no message")


def _check_stt(
    codec: WebSocketSTT[object], messages: Sequence[Message], unknown: Message | None
) -> list[STTAnswer]:
    stream = codec.for_stream()
    stream.begin()
    frame = AudioFrame.silence(0.02, codec.sample_rate)
    expect(_is_message(stream.encode(frame)), "encode gave no message for 20 ms of audio")
    expect(not frame.samples.any(), "encode changed the frame it was given")
    finalize = stream.encode_finalize()
    expect(
        _is_message(finalize) if codec.finalizes else True,
        "finalizes is True, but encode_finalize gave nothing",
    )
    answers = _decoded(codec, messages, unknown, (Transcript, Acknowledged, Ready, Reply))
    _check_ready(codec, answers)
    for answer in answers:
        if isinstance(answer, Transcript):
            _check_transcript(answer)
    return answers  # type: ignore[return-value]


def _check_tts(
    codec: WebSocketTTS[object], messages: Sequence[Message], unknown: Message | None
) -> list[TTSAnswer]:
    stream = codec.for_stream()
    stream.begin()
    sent = list(stream.encode("hello there", "text-1"))
    expect(bool(sent) and all(map(_is_message, sent)), f"encode gave {sent!r} for a text, not messages")
    answers = _decoded(codec, messages, unknown, (Audio, Done, Ready, Reply))
    _check_ready(codec, answers)
    times = [t for a in answers if isinstance(a, Audio) for word in a.words for t in (word.start, word.end)]
    expect(times == sorted(times), f"the words of the audio are out of order: {times}")
    if codec.contexts:
        named = all(a.context for a in answers if isinstance(a, (Audio, Done)))
        expect(named, "contexts is True, but an answer names none")
    return answers  # type: ignore[return-value]


def _decoded(
    codec: WebSocketSTT[object] | WebSocketTTS[object],
    messages: Sequence[Message],
    unknown: Message | None,
    kinds: tuple[type, ...],
) -> list[object]:
    """Decode twice, by two streams' codecs by turns, as two sessions would: neither may know of the other."""
    first, second = codec.for_stream(), codec.for_stream()
    one: list[object] = []
    two: list[object] = []
    for stream in (first, second):
        stream.begin()
    for message in messages:
        one += _read(first.decode(message), kinds)
        two += _read(second.decode(message), kinds)
    expect(
        one == two, "two streams that are sent the same say different things: they share what they remember"
    )
    if unknown is not None:
        passed = _read(first.decode(unknown), kinds)
        expect(not passed, f"a message of an unknown kind was taken for {passed}")
    return one


def _read(answers: Iterable[A], kinds: tuple[type, ...]) -> list[A]:
    read = list(answers)
    for answer in read:
        expect(isinstance(answer, kinds), f"decode gave a {type(answer).__name__}")
    return read


def _check_ready(codec: WebSocketSTT[object] | WebSocketTTS[object], answers: list[object]) -> None:
    if codec.awaits_ready and answers:
        expect(isinstance(answers[0], Ready), "awaits_ready is True, but the first answer is not Ready")


def _check_transcript(transcript: Transcript) -> None:
    start, end = transcript.start, transcript.end
    if start is not None and end is not None:
        expect(0 <= start <= end, f"{transcript.text!r} goes from {start} to {end} s")
    times = [t for word in transcript.words for t in (word.start, word.end)]
    expect(times == sorted(times), f"the words of {transcript.text!r} are out of order: {times}")
    if times and start is not None and end is not None:
        inside = start - SLACK <= times[0] and times[-1] <= end + SLACK
        expect(inside, f"words of {transcript.text!r} lie outside of its {start} to {end} s")
    if transcript.answers_finalize:
        expect(transcript.final, f"the interim {transcript.text!r} answers a finalize")


def _is_message(message: object) -> bool:
    return isinstance(message, (str, bytes)) and bool(message)
