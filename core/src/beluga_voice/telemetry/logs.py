"""Structured logs of sessions, by the standard library: one line for each thing that matters, with its fields."""

from __future__ import annotations

import json
import logging
from collections.abc import Callable
from datetime import UTC, datetime
from typing import Any

from beluga_voice import events as ev
from beluga_voice.session import VoiceSession

logger = logging.getLogger("beluga_voice")

FIELDS = "beluga_voice"
"""The attribute of a record under which the fields of its event stand together."""

PERSONAL = "personal_data"

Fields = dict[str, object]
Tell = Callable[[Any], Fields]


class SessionLog:
    """Logs what happens in a session, at level INFO, and models and tools at DEBUG; of failures the session warns.

    Each record has the attributes `session_id` and `turn`, and `beluga_voice` with all fields of the event. What
    was said is left out.

    Args:
        session: is watched from now on.
        content: whether records hold what was said, marked as ``personal_data``.
    """

    def __init__(self, session: VoiceSession, *, content: bool = False) -> None:
        self._session_id = session.session_id
        self._content = content
        self._turn = 0
        session.on_event(self.see)

    def see(self, event: ev.Event) -> None:
        """Take an event."""
        kind = type(event)
        if kind in _TURNS:
            self._turn = getattr(event, "turn", 0)
        told = _TOLD.get(kind)
        if told is None:
            return
        level = logging.DEBUG if kind in _DETAILS else logging.INFO
        if logger.isEnabledFor(level):
            name, tell, said = told
            fields: Fields = {"event": name, "at": round(event.at, 4), **tell(event)}
            if self._content and said is not None:
                fields |= {**said(event), PERSONAL: True}
            extra = {"session_id": self._session_id, "turn": self._turn, FIELDS: fields}
            logger.log(level, "session %s: %s", self._session_id, name, extra=extra)


def _usage(event: ev.UsageMeasured) -> Fields:
    names = ("stt_seconds", "tts_characters", "input_tokens", "output_tokens", "cost", "currency")
    return {name: getattr(event, name) for name in names}


def _measured(event: ev.TurnMeasured) -> Fields:
    names = ("silence", "detection", "endpoint", "transcript", "agent", "tool", "sentence", "tts", "playout")
    return {"utterance": event.utterance, **{name: round(getattr(event, name), 4) for name in names}}


def _answered(event: ev.ModelAnswered) -> Fields:
    names = ("utterance", "agent", "provider", "model", "input_tokens", "output_tokens", "finish")
    return {name: getattr(event, name) for name in names}


_TOLD: dict[type[ev.Event], tuple[str, Tell, Tell | None]] = {
    ev.SessionOpened: ("session opened", lambda e: {"duration": e.duration, "failed": bool(e.error)}, None),
    ev.TurnClosed: ("turn closed", lambda e: {"speech_end": e.speech_end}, lambda e: {"text": e.text}),
    ev.TurnDropped: ("turn dropped", lambda e: {"reason": e.reason}, None),
    ev.TurnMeasured: ("turn measured", _measured, None),
    ev.ModelAnswered: ("model answered", _answered, None),
    ev.ToolFinished: ("tool finished", lambda e: {"tool": e.name, "outcome": str(e.outcome)}, None),
    ev.BargeIn: ("barge-in", lambda e: {"utterance": e.utterance}, None),
    ev.UtteranceEnded: (
        "utterance ended",
        lambda e: {"utterance": e.utterance, "source": str(e.source), "outcome": str(e.outcome)},
        lambda e: {"heard": e.heard, "unheard": e.unheard},
    ),
    ev.UsageMeasured: ("usage measured", _usage, None),
    ev.SessionEnded: ("session ended", lambda e: {"reason": str(e.reason)}, None),
}
"""What is logged: its name, its fields, and those that hold what was said."""


_TURNS = {ev.SessionStarted, ev.TurnOpened, ev.TurnClosed, ev.ReplyStarted}
"""What a turn begins with; before the first it is 0."""

_DETAILS = {ev.ModelAnswered, ev.ToolFinished}

_encode = json.JSONEncoder(
    ensure_ascii=False, default=str
).encode  # `json.dumps` would make one for each line


class JsonFormatter(logging.Formatter):
    """Writes a record as one object on one line: time, level, logger, message, and a session's fields."""

    def format(self, record: logging.LogRecord) -> str:
        """Write a record."""
        table: Fields = {
            "time": datetime.fromtimestamp(record.created, UTC).isoformat(timespec="milliseconds"),
            "level": record.levelname.lower(),
            "logger": record.name,
            "message": record.getMessage(),
        }
        for name in ("session_id", "turn"):
            if hasattr(record, name):
                table[name] = getattr(record, name)
        fields = getattr(record, FIELDS, None)
        if isinstance(fields, dict):
            table |= fields
        if record.exc_info:
            table["exception"] = self.formatException(record.exc_info)
        return _encode(table)
