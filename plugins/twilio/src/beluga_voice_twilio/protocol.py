"""The messages of a media stream (https://www.twilio.com/docs/voice/media-streams/websocket-messages). Pure."""

from __future__ import annotations

import binascii
import json
from base64 import b64decode, b64encode
from collections.abc import Mapping
from dataclasses import dataclass, field

import numpy as np
from numpy.typing import NDArray

from beluga_voice.audio import mulaw_decode, mulaw_encode
from beluga_voice.errors import RefusedError
from beluga_voice_server.messages import KEYS, bad

SAMPLE_RATE = 8000
"""Hz, in both directions."""

ENCODING = "audio/x-mulaw"
"""Of the audio (G.711), in both directions."""

LONGEST = SAMPLE_RATE
"""Bytes of audio in one message at most: one second. Twilio sends 160."""

LONGEST_NAME = 256
"""Characters of a name or a parameter that are taken."""

MOST_PARAMETERS = 64
"""Parameters of a stream that are taken."""


@dataclass(frozen=True, slots=True)
class PhoneCall:
    """Who calls whom, as Twilio tells it at the start of a stream.

    Attributes:
        call_sid: names the call at Twilio.
        stream_sid: names its media stream.
        account_sid: whose call it is.
        caller: the number that calls; empty where the TwiML does not tell it as the parameter ``from``.
        called: the number that is called; likewise ``to``.
        parameters: all that the TwiML tells.
    """

    call_sid: str
    stream_sid: str
    account_sid: str = ""
    caller: str = ""
    called: str = ""
    parameters: Mapping[str, str] = field(default_factory=dict)


@dataclass(frozen=True, slots=True)
class Connected:
    """The WebSocket is open."""


@dataclass(frozen=True, slots=True)
class Start:
    """The stream begins."""

    call: PhoneCall


@dataclass(frozen=True, slots=True)
class Media:
    """Audio of the caller, int16 at `SAMPLE_RATE`."""

    samples: NDArray[np.int16]


@dataclass(frozen=True, slots=True)
class Dtmf:
    """The caller pressed a key."""

    key: str


@dataclass(frozen=True, slots=True)
class Mark:
    """All audio before the mark of that name has been played, or was cleared."""

    name: str


@dataclass(frozen=True, slots=True)
class Stop:
    """The call, or its stream, has ended."""


@dataclass(frozen=True, slots=True)
class Other:
    """A message that says nothing to us: of a kind that is new, or of the agent's own track."""


Message = Connected | Start | Media | Dtmf | Mark | Stop | Other


def read(message: object) -> Message:
    """Read a message of Twilio's.

    Args:
        message: as JSON has read it.

    Raises:
        RefusedError: ``bad_message``: it is not as Twilio documents it; ``message_too_large``: it holds more than a
            second of audio; ``bad_media``: the stream's audio is not mu-law at 8 kHz.
    """
    if not isinstance(message, Mapping):
        raise bad(f"a message of type {type(message).__name__}; a message is a JSON object")
    match message.get("event"):
        case "connected":
            return Connected()
        case "start":
            return _read_start(message)
        case "media":
            return _read_media(_table(message, "media"))
        case "dtmf":
            key = _text(_table(message, "dtmf"), "digit")
            if len(key) != 1 or key not in KEYS:
                raise bad(f"digit is {key[:40]!r}; the keys are {KEYS}")
            return Dtmf(key)
        case "mark":
            return Mark(_text(_table(message, "mark"), "name"))
        case "stop":
            return Stop()
        case str():
            return Other()
        case kind:
            raise bad(f"event is {str(kind)[:40]!r}; it must be a text")


def media(stream_sid: str, samples: NDArray[np.int16]) -> str:
    """Return the message that has Twilio play `samples`, int16 at `SAMPLE_RATE`, after what it has."""
    payload = b64encode(mulaw_encode(samples)).decode("ascii")
    return _write("media", stream_sid, {"media": {"payload": payload}})


def mark(stream_sid: str, name: str) -> str:
    """Return the message that Twilio sends back once what was sent before it has been played."""
    return _write("mark", stream_sid, {"mark": {"name": name}})


def clear(stream_sid: str) -> str:
    """Return the message that has Twilio drop what it has not played, and send back all marks."""
    return _write("clear", stream_sid, {})


def _write(event: str, stream_sid: str, more: Mapping[str, object]) -> str:
    return json.dumps({"event": event, "streamSid": stream_sid, **more}, separators=(",", ":"))


def _read_start(message: Mapping[object, object]) -> Start:
    start = _table(message, "start")
    shape = _table(start, "mediaFormat")
    found = (shape.get("encoding"), shape.get("sampleRate"), shape.get("channels"))
    if found != (ENCODING, SAMPLE_RATE, 1):
        raise RefusedError(
            415, "bad_media", f"audio of {str(found)[:80]}; it must be {(ENCODING, SAMPLE_RATE, 1)}"
        )
    parameters = _parameters(start.get("customParameters") or {})
    return Start(
        PhoneCall(
            call_sid=_text(start, "callSid"),
            stream_sid=_text(start, "streamSid"),
            account_sid=_text(start, "accountSid"),
            caller=parameters.get("from", ""),
            called=parameters.get("to", ""),
            parameters=parameters,
        )
    )


def _parameters(told: object) -> Mapping[str, str]:
    if not isinstance(told, Mapping) or len(told) > MOST_PARAMETERS:
        raise bad(f"customParameters is no object of at most {MOST_PARAMETERS} texts")
    return {str(name)[:LONGEST_NAME]: _text(told, name, 4096) for name in told}


def _read_media(table: Mapping[object, object]) -> Media | Other:
    if table.get("track", "inbound") != "inbound":
        return Other()
    payload = table.get("payload")
    if not isinstance(payload, str):
        raise bad(f"payload is of type {type(payload).__name__}; it must be a text")
    if len(payload) > LONGEST * 4 / 3 + 4:
        raise RefusedError(
            413, "message_too_large", f"a payload of {len(payload)} characters; allowed is a second"
        )
    try:
        data = b64decode(payload, validate=True)
    except (binascii.Error, ValueError):
        raise bad("payload is no base64") from None
    if not data:
        raise bad("payload is empty; it holds one sample or more")
    return Media(mulaw_decode(data))


def _table(message: Mapping[object, object], key: str) -> Mapping[object, object]:
    found = message.get(key)
    if not isinstance(found, Mapping):
        raise bad(f"{key} is of type {type(found).__name__}; it must be an object")
    return found


def _text(table: Mapping[object, object], key: object, longest: int = LONGEST_NAME) -> str:
    found = table.get(key)
    if not isinstance(found, str) or len(found) > longest:
        raise bad(
            f"{str(key)[:40]} is {str(found)[:40]!r}; it must be a text of at most {longest} characters"
        )
    return found
