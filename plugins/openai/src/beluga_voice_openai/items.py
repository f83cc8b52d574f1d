"""Messages of the Realtime interface that its codecs share: events, items, errors."""

from __future__ import annotations

import base64
import json
from collections.abc import Iterator, Mapping
from typing import Any

import numpy as np
from numpy.typing import NDArray

from beluga_voice.connection import Service
from beluga_voice.contracts import AssistantMessage, CallerMessage, ToolMessage
from beluga_voice.errors import ProviderError
from beluga_voice_openai.account import error_in_stream
from beluga_voice_openai.chat import clean

SHORTEST = 0.12
"""Seconds of audio that are surely enough to commit: the vendor refuses less than 0.1."""

FATAL = {
    "model_not_found": "not_found",
    "invalid_api_key": "authentication_error",
    "insufficient_quota": "quota_exceeded",
    "session_expired": "stream_closed",
}
"""Codes of errors after which the vendor ends the connection, and ours."""


def event(kind: str, name: str = "", **fields: object) -> str:
    """Return an event of the client's; `name` comes back in an error that it causes."""
    named: dict[str, object] = {"type": kind, "event_id": name} if name else {"type": kind}
    return json.dumps(named | fields)


def append(samples: NDArray[np.int16]) -> str:
    """Return the event that holds audio."""
    data = base64.b64encode(samples.astype("<i2", copy=False).tobytes()).decode("ascii")
    return f'{{"type": "input_audio_buffer.append", "audio": "{data}"}}'  # as json.dumps would, ten times as fast


def transcription(model: str, language: str | None, prompt: str | None = None) -> dict[str, object]:
    """Return how speech is to be transcribed."""
    given = {"model": model, "language": language, "prompt": prompt}
    return {name: value for name, value in given.items() if value}


def message_item(message: CallerMessage | AssistantMessage) -> dict[str, object]:
    """Return what was said or written as an item."""
    caller = isinstance(message, CallerMessage)
    part = {"type": "input_text" if caller else "output_text", "text": clean(message.text)}
    return {"type": "message", "role": "user" if caller else "assistant", "content": [part]}


def call_items(message: AssistantMessage) -> Iterator[dict[str, object]]:
    """Yield the calls of a message as items."""
    for call in message.calls:
        yield {
            "type": "function_call",
            "call_id": call.id,
            "name": call.name,
            "arguments": clean(call.arguments),
        }


def result_item(result: ToolMessage) -> dict[str, object]:
    """Return a tool's result as an item."""
    return {"type": "function_call_output", "call_id": result.call_id, "output": clean(result.text)}


def error_of(service: Service, error: Mapping[str, Any]) -> ProviderError | None:
    """Return what an error of the vendor's own accord means for the connection; None if it goes on."""
    code = FATAL.get(str(error.get("code")))
    if code is not None:
        words = str(error.get("message"))[:200]
        return ProviderError(
            f"{service.name}: {words}", kind=service.kind, code=code, retryable=code == "stream_closed"
        )
    if error.get("type") == "server_error":
        return error_in_stream(service, error)
    return None
