"""The rules of docs/reference/websocket-protocol.md, as far as they need no socket. Pure."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

from beluga_voice.contracts.server import INPUT_SAMPLE_RATE, OUTPUT_SAMPLE_RATE
from beluga_voice.errors import RefusedError
from beluga_voice_server.messages import bad

VERSION = 1
"""Of the protocol."""

SUBPROTOCOL = "beluga-voice.1"
"""Name of the protocol in the WebSocket handshake (RFC 6455, section 1.9); may be left out."""

SAMPLE_RATES = (8000, 16000, 24000, 48000)
"""Hz that a caller may choose, for each direction."""


def close_code(status: int) -> int:
    """Return the code that closes a connection which is refused: 4000 and the status that HTTP would have."""
    return 4000 + status


@dataclass(frozen=True, slots=True)
class Hello:
    """What a caller says first.

    Attributes:
        token: what lets the caller in, or back to a session; empty where none is needed.
        profile: of the settings; None for those at the top.
        input_rate: Hz of the audio that the caller sends.
        output_rate: Hz of the audio that the caller wants.
    """

    token: str = ""
    profile: str | None = None
    input_rate: int = INPUT_SAMPLE_RATE
    output_rate: int = OUTPUT_SAMPLE_RATE


def read_hello(message: object) -> Hello:
    """Read the first message.

    Raises:
        RefusedError: it is no hello, or of another version.
    """
    if not isinstance(message, Mapping) or message.get("type") != "hello":
        raise bad("the first message is no hello")
    version = message.get("version")
    if version != VERSION or isinstance(version, bool):
        raise RefusedError(
            426, "version", f"version {str(version)[:40]} of the protocol; this server speaks {VERSION}"
        )
    token, profile = message.get("token", ""), message.get("profile")
    if not isinstance(token, str) or not isinstance(profile, (str, type(None))):
        raise bad("token and profile of a hello; they must be texts")
    input_rate = _rate(message, "input", INPUT_SAMPLE_RATE)
    return Hello(token, profile, input_rate, _rate(message, "output", OUTPUT_SAMPLE_RATE))


def read_played(message: object, sent: int) -> int | None:
    """Return the samples that a message acknowledges as played; None if it is another message.

    Args:
        message: as JSON has read it.
        sent: samples that were sent.

    Raises:
        RefusedError: the message acknowledges what was not sent.
    """
    if not isinstance(message, Mapping) or message.get("type") != "played":
        return None
    samples = message.get("samples")
    if not isinstance(samples, int) or isinstance(samples, bool) or not 0 <= samples <= sent:
        raise bad(f"samples of a played message are {str(samples)[:40]}; they must be 0 to {sent}")
    return samples


def check_audio(data: bytes, most: int) -> None:
    """See that a binary message is 16-bit audio.

    Raises:
        RefusedError: it is empty, of odd length, or too long.
    """
    if not data or len(data) % 2:
        raise bad(f"a binary message of {len(data)} bytes; it holds 16-bit samples, one at least")
    if len(data) > most:
        raise RefusedError(
            413, "message_too_large", f"a binary message of {len(data)} bytes; allowed are {most}"
        )


def _rate(message: Mapping[object, object], side: str, default: int) -> int:
    described = message.get(side, {})
    rate = described.get("sample_rate", default) if isinstance(described, Mapping) else described
    if rate not in SAMPLE_RATES or isinstance(rate, bool) or not isinstance(rate, int):
        allowed = ", ".join(map(str, SAMPLE_RATES))
        raise bad(f"{side}.sample_rate is {str(rate)[:40]!r}; allowed are {allowed}")
    return rate
