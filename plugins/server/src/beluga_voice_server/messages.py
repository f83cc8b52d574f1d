"""The messages between caller and session, of all transports: events as JSON, and what a caller asks. Pure."""

from __future__ import annotations

import json
from collections.abc import Iterable, Mapping
from dataclasses import dataclass

import beluga_voice.events as ev
from beluga_voice.conversation import Message
from beluga_voice.errors import RefusedError

VERSION = 1
"""Of the protocol."""

LONGEST_TEXT = 4000
"""Characters of a text that a caller may send at once."""

KEYS = "0123456789*#ABCD"
"""The keys of a telephone (ITU-T Q.23)."""

SEGMENTS = ("detection", "endpoint", "transcript", "agent", "tool", "sentence", "tts", "playout")
"""The parts of `TurnMeasured` that sum to the silence."""

MOST_KEYS = 64
"""Keys that a caller may send at once."""


def message_of(event: ev.Event, zero: float) -> dict[str, object] | None:
    """Return what the caller is told of `event`; None if nothing.

    Args:
        event: of the session.
        zero: when the session began: times are told in seconds since then.
    """
    told = _told(event, zero)
    return None if told is None else {"type": told[0], "at": round(event.at - zero, 4), **told[1]}


def _told(event: ev.Event, zero: float) -> tuple[str, dict[str, object]] | None:
    match event:
        case ev.StateChanged():
            return "state", {"state": event.new}
        case ev.SpeechStarted():
            return "speech_started", {"start": round(event.start - zero, 4)}
        case ev.SpeechStopped():
            return "speech_stopped", {"end": round(event.end - zero, 4)}
        case ev.TranscriptReceived() if event.text:
            return "transcript", {"text": event.text, "final": event.final}
        case ev.TurnOpened():
            return "turn_opened", {"turn": event.turn}
        case ev.TurnClosed():
            end = round(event.speech_end - zero, 4)
            return "turn_closed", {"turn": event.turn, "text": event.text, "speech_end": end}
        case ev.TurnDropped():
            return "turn_dropped", {"turn": event.turn, "reason": event.reason}
        case ev.BackchannelHeard():
            return "backchannel", {"text": event.text}
        case ev.DtmfEntered():
            return "dtmf", {"keys": event.text}
        case _:
            return _told_of_speaking(event)


def _told_of_speaking(event: ev.Event) -> tuple[str, dict[str, object]] | None:
    match event:
        case ev.ReplyStarted():
            return "reply_started", {"turn": event.turn, "utterance": event.utterance}
        case ev.TextGiven():
            return "text", {"utterance": event.utterance, "text": event.text}
        case ev.AudioReceived():
            return "audio_received", {"utterance": event.utterance}
        case ev.PlayoutStarted():
            return "playout_started", {"utterance": event.utterance}
        case ev.UtterancePaused():
            return "paused", {"utterance": event.utterance}
        case ev.UtteranceResumed():
            return "resumed", {"utterance": event.utterance, "reason": event.reason}
        case ev.TurnMeasured():
            parts = {name: round(getattr(event, name), 6) for name in SEGMENTS}
            return "measured", {"turn": event.turn, "utterance": event.utterance, "segments": parts}
        case ev.BargeIn():
            return "barge_in", {"utterance": event.utterance, "reason": event.reason}
        case ev.ToolStarted():
            return "tool_started", {"utterance": event.utterance, "tool": event.tool, "name": event.name}
        case ev.ToolFinished():
            return "tool_finished", {
                "utterance": event.utterance, "tool": event.tool, "name": event.name, "outcome": event.outcome,
            }  # fmt: skip
        case ev.UtteranceEnded():
            return "utterance_ended", {
                "utterance": event.utterance, "source": event.source, "outcome": event.outcome,
                "heard": event.heard, "unheard": event.unheard, "reason": event.reason,
            }  # fmt: skip
        case ev.ProviderFailed():
            # The error's own text may name hosts and files: it is for the log.
            return "failed", {"kind": event.kind, "fatal": event.fatal}
        case ev.SessionEnded():
            return "ended", {"reason": event.reason}
        case _:
            return None


def history_of(messages: Iterable[Message]) -> list[dict[str, object]]:
    """Return the conversation as the caller is told it."""
    return [
        {"role": each.role, "text": each.text, "turn": each.turn, "interrupted": each.interrupted}
        for each in messages
    ]


DEEPEST = 16
"""Levels of a control message; JSON as deep as its parser's stack is refused."""


def read_json(text: str, most: int) -> object:
    """Read a control message.

    Raises:
        RefusedError: it is too long, or no JSON.
    """
    if len(text) > most or len(text.encode("utf-8", "surrogatepass")) > most:
        raise RefusedError(413, "message_too_large", f"a control message of more than {most} bytes")
    if text.count("{") + text.count("[") > DEEPEST:
        raise bad(f"a control message of more than {DEEPEST} objects and lists")
    try:
        return json.loads(text, parse_constant=_no_constant)
    except (ValueError, RecursionError):
        raise bad("a control message that is no JSON") from None


def _no_constant(text: str) -> object:
    raise ValueError(text)


@dataclass(frozen=True, slots=True)
class Text:
    """The caller wrote `text`, in place of saying it."""

    text: str


@dataclass(frozen=True, slots=True)
class Keys:
    """The caller pressed `keys`."""

    keys: str


@dataclass(frozen=True, slots=True)
class Ping:
    """The caller wants an answer with the same `id`."""

    id: object


@dataclass(frozen=True, slots=True)
class Bye:
    """The caller hangs up."""


def read(message: object) -> Text | Keys | Ping | Bye:
    """Read a caller's message.

    Args:
        message: as JSON has read it.

    Raises:
        RefusedError: ``bad_message``: it is none that there is; the text says why.
    """
    if not isinstance(message, Mapping):
        raise bad(f"a message of type {type(message).__name__}; a message is a JSON object")
    match message.get("type"):
        case "text":
            return Text(_text(message, "text", LONGEST_TEXT))
        case "dtmf":
            keys = _text(message, "keys", MOST_KEYS)
            if not set(keys) <= set(KEYS):
                raise bad(f"keys are {keys!r}; the keys are {KEYS}")
            return Keys(keys)
        case "ping":
            identity = message.get("id")
            if not isinstance(identity, (int, str, type(None))) or len(str(identity)) > 64:
                raise bad("id of a ping; it is a number or a text of at most 64 characters")
            return Ping(identity)
        case "bye":
            return Bye()
        case kind:
            raise bad(f"no message of type {str(kind)[:40]!r}; there are: text, dtmf, ping, bye")


def bad(text: str) -> RefusedError:
    """Return the refusal of a message."""
    return RefusedError(400, "bad_message", text)


def _text(message: Mapping[object, object], key: str, longest: int) -> str:
    text = message.get(key)
    if not isinstance(text, str) or not text.strip():
        raise bad(f"{key} is {str(text)[:40]!r}; it must be a text with at least one character")
    if len(text) > longest:
        raise bad(f"{key} of {len(text)} characters; allowed are {longest}")
    return text
