"""What Twilio is told to do with a call (https://www.twilio.com/docs/voice/twiml/connect). Pure."""

from __future__ import annotations

from collections.abc import Mapping
from xml.sax.saxutils import escape


def connect(url: str, parameters: Mapping[str, str]) -> str:
    """Return TwiML that connects a call, both ways, to a media stream; at the stream's end the call is over.

    Args:
        url: of the stream, ``wss://``, without a query: Twilio takes none.
        parameters: that come with the stream's start.
    """
    inner = "".join(
        f"<Parameter name={_quoted(name)} value={_quoted(value)}/>" for name, value in parameters.items()
    )
    head = '<?xml version="1.0" encoding="UTF-8"?>'
    return f"{head}<Response><Connect><Stream url={_quoted(url)}>{inner}</Stream></Connect></Response>"


def stream_url(url: str) -> str:
    """Return the address of the WebSocket at `url`."""
    return "ws" + url.removeprefix("http")


def _quoted(text: str) -> str:
    return f'"{escape(text, {chr(34): "&quot;"})}"'
