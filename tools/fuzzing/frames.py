"""What a worker says over its pipe."""

from __future__ import annotations

import json
import random
import zlib
from collections.abc import Callable
from pathlib import Path

from beluga_voice_pocketsphinx.messages import (
    SAMPLES,
    Kind,
    Message,
    MessageError,
    Parser,
    decode_failure,
    decode_json,
    decode_result,
    decode_samples,
    encode,
    encode_json,
)

_DECODERS: dict[Kind, Callable[[bytes], object]] = {
    Kind.SETUP: decode_json,
    Kind.PROCESSED: decode_samples,
    Kind.INTERIM: decode_result,
    Kind.FINAL: decode_result,
    Kind.FAILED: decode_failure,
}


def corpus() -> list[bytes]:
    """Give conversations that are right."""
    result = {"text": "two nine", "start": 0.1, "end": 0.9, "words": [("two", 0.1, 0.4), ("nine", 0.5, 0.9)]}
    talk = [
        encode_json(Kind.SETUP, 0, {"options": {}, "reject": 0.0, "decoders": 1, "interim_interval": 0.1}),
        encode(Kind.READY),
        encode(Kind.OPEN, 1),
        encode(Kind.OPENED, 1),
        encode(Kind.AUDIO, 1, bytes(range(64))),
        encode(Kind.PROCESSED, 1, SAMPLES.pack(32)),
        encode_json(Kind.INTERIM, 1, result),
        encode(Kind.FINALIZE, 1),
        encode_json(Kind.FINAL, 1, {**result, "start": None, "end": None}),
        encode_json(Kind.FAILED, 1, {"error": "no", "configuration": True}),
    ]
    return [b"".join(talk), *talk]


def check(data: bytes, _: Path) -> None:
    """Parse a stream of bytes, whole and cut at random: the same messages, which are the bytes."""
    whole, refused = _parse([data])
    assert data.startswith(b"".join(encode(each.kind, each.stream, each.payload) for each in whole))
    draw = random.Random(zlib.crc32(data))
    cuts = sorted(draw.randrange(len(data) + 1) for _ in range(8))
    parts = [data[start:end] for start, end in zip([0, *cuts], [*cuts, len(data)], strict=True)]
    again, also = _parse(parts)
    assert refused == also, "refused when whole, or when cut"
    assert again[: len(whole)] == whole, "other messages when cut"
    for message in whole:
        _decode(message)


def _parse(parts: list[bytes]) -> tuple[list[Message], bool]:
    parser, messages = Parser(), list[Message]()
    try:
        for part in parts:
            messages += parser.feed(part)
    except MessageError:
        return messages, True
    return messages, False


def _decode(message: Message) -> None:
    decode = _DECODERS.get(message.kind)
    if decode is None:
        return
    try:
        decoded = decode(message.payload)
    except MessageError:
        return
    if message.kind in (Kind.INTERIM, Kind.FINAL):
        assert isinstance(decoded, dict)
        written = json.loads(message.payload)
        assert decoded["text"] == written["text"]
        assert [list(word) for word in decoded["words"]] == [
            [str(word), float(start), float(end)] for word, start, end in written["words"]
        ]
