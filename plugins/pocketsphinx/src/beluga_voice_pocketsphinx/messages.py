"""What provider and worker say to each other over two pipes; pure.

A message is a header (kind, stream, length of the payload; little-endian) and its payload. Stream 0 is the
worker itself; a stream's number is never used again. In the order of a conversation:

    provider                                   worker
    SETUP {see `Setup`}                   ->
                                          <-   READY, or FAILED {error, configuration} and exit
    OPEN 1                                ->
                                          <-   OPENED 1, or FAILED 1 {error}
    AUDIO 1 pcm                           ->
                                          <-   INTERIM 1 {result}, when the words have changed
                                          <-   PROCESSED 1 samples, once what came before has been told
    FINALIZE 1                            ->
                                          <-   FINAL 1 {result}, one for each FINALIZE, in order
    CLOSE 1                               ->

The worker ends when its standard input does.
"""

from __future__ import annotations

import json
import struct
from collections.abc import Mapping
from dataclasses import dataclass
from enum import IntEnum
from typing import NotRequired, TypedDict

HEADER = struct.Struct("<BII")
SAMPLES = struct.Struct("<Q")
MAX_PAYLOAD = 1 << 20
"""Bytes. The longest message is the final of a long speech, some 60 bytes a word."""


class MessageError(Exception):
    """Bytes that are no message, or a message that may not be sent."""


class Kind(IntEnum):
    """What a message says."""

    SETUP = 1
    OPEN = 2
    AUDIO = 3
    FINALIZE = 4
    CLOSE = 5
    READY = 16
    OPENED = 17
    PROCESSED = 18
    INTERIM = 19
    FINAL = 20
    FAILED = 21


_KINDS = {int(kind): kind for kind in Kind}


class Setup(TypedDict):
    """Payload of SETUP: the decoders that the worker shall make.

    Attributes:
        options: options of the engine, as of ``pocketsphinx.Config``.
        grammar: path of a JSGF file; absent for dictation.
        keywords: phrases to spot with their thresholds; absent for dictation.
        reject: weight of the phone loop beside the grammar; 0 for none.
        decoders: how many to make before READY.
        interim_interval: seconds of audio between looks at the words so far.
    """

    options: dict[str, str | float | bool | None]
    grammar: NotRequired[str]
    keywords: NotRequired[dict[str, float]]
    reject: float
    decoders: int
    interim_interval: float


class Result(TypedDict):
    """Payload of INTERIM and FINAL; times in seconds of the audio sent to the stream."""

    text: str
    start: float | None
    end: float | None
    words: list[tuple[str, float, float]]


class Failure(TypedDict):
    """Payload of FAILED; `configuration` tells that the settings are at fault."""

    error: str
    configuration: bool


@dataclass(frozen=True, slots=True)
class Message:
    """One message; `stream` is 0 where it concerns the worker itself."""

    kind: Kind
    stream: int = 0
    payload: bytes = b""


def encode(kind: Kind, stream: int = 0, payload: bytes = b"") -> bytes:
    """Write a message.

    Raises:
        MessageError: the payload is longer than `MAX_PAYLOAD`.
    """
    if len(payload) > MAX_PAYLOAD:
        raise MessageError(
            f"{kind.name} with {len(payload)} bytes of payload; at most {MAX_PAYLOAD} may be sent"
        )
    return HEADER.pack(kind, stream, len(payload)) + payload


def encode_json(kind: Kind, stream: int, payload: Mapping[str, object]) -> bytes:
    """Write a message with a JSON payload; raises as `encode`."""
    return encode(kind, stream, json.dumps(payload).encode())


def decode_json(payload: bytes) -> dict[str, object]:
    """Read a JSON payload.

    Raises:
        MessageError: it is no JSON object.
    """
    try:
        value = json.loads(payload)
    except (ValueError, RecursionError) as error:
        raise MessageError(f"a payload of {len(payload)} bytes that is no JSON: {error}") from error
    if not isinstance(value, dict):
        raise MessageError(f"a JSON payload that is a {type(value).__name__}; an object is wanted")
    return value


def decode_result(payload: bytes) -> Result:
    """Read the payload of INTERIM and FINAL.

    Raises:
        MessageError: it is no `Result`.
    """
    value = decode_json(payload)
    try:
        words = [(str(w), float(start), float(end)) for w, start, end in value["words"]]  # type: ignore[attr-defined]
        return Result(
            text=str(value["text"]), start=_seconds(value["start"]), end=_seconds(value["end"]), words=words
        )
    except (KeyError, TypeError, ValueError) as error:
        raise MessageError(f"a payload that is no result: {error!r}") from error


def decode_failure(payload: bytes) -> Failure:
    """Read the payload of FAILED.

    Raises:
        MessageError: it is no `Failure`.
    """
    value = decode_json(payload)
    return Failure(error=str(value.get("error")), configuration=value.get("configuration") is True)


def decode_samples(payload: bytes) -> int:
    """Read the payload of PROCESSED: how many samples of the stream have been recognised.

    Raises:
        MessageError: it has another size.
    """
    if len(payload) != SAMPLES.size:
        raise MessageError(f"a count of samples in {len(payload)} bytes; it has {SAMPLES.size}")
    (samples,) = SAMPLES.unpack(payload)
    return int(samples)


def _seconds(value: object) -> float | None:
    if value is None or isinstance(value, int | float):
        return value
    raise TypeError(f"{value!r} is no number of seconds")


class Parser:
    """Cuts bytes into messages, however they were cut on their way."""

    def __init__(self) -> None:
        self._buffer = bytearray()

    def feed(self, data: bytes) -> list[Message]:
        """Add bytes and return the messages that are complete.

        Raises:
            MessageError: an unknown kind or a payload over `MAX_PAYLOAD`, as soon as its header is there. The
                parser is then of no further use: it cannot tell where the next message begins.
        """
        self._buffer += data
        messages = []
        at = 0
        while len(self._buffer) - at >= HEADER.size:
            kind, stream, length = HEADER.unpack_from(self._buffer, at)
            _check(kind, length)
            end = at + HEADER.size + length
            if len(self._buffer) < end:
                break
            messages.append(Message(_KINDS[kind], stream, bytes(self._buffer[at + HEADER.size : end])))
            at = end
        del self._buffer[:at]
        return messages


def _check(kind: int, length: int) -> None:
    if kind not in _KINDS:
        raise MessageError(f"a message of unknown kind {kind}")
    if length > MAX_PAYLOAD:
        raise MessageError(
            f"a {_KINDS[kind].name} that announces {length} bytes; at most {MAX_PAYLOAD} are read"
        )
