"""Every event and command, whatever it holds, is read as it was written; anything else is refused."""

from __future__ import annotations

import json
from dataclasses import dataclass, fields
from enum import Enum
from functools import cache
from typing import Any, Literal, get_args, get_origin, get_type_hints

import numpy as np
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from beluga_voice import commands as do
from beluga_voice import events as ev
from beluga_voice.errors import JournalError
from beluga_voice.journal import codec
from beluga_voice.turns import OBSERVED

FLOATS = st.floats(allow_nan=False, allow_infinity=False) | st.integers(-(2**53), 2**53)
SEEN = st.none() | st.booleans() | st.integers(-(2**60), 2**60) | FLOATS | st.text()


def values(hint: Any) -> st.SearchStrategy[Any]:
    if hint == do.Seen:
        return st.dictionaries(st.text(), SEEN, max_size=3).map(lambda table: tuple(table.items()))
    if hint is ev.Decided:
        return st.sampled_from(DECIDED).flatmap(made)
    if get_origin(hint) is tuple:
        return st.lists(values(get_args(hint)[0]), max_size=3).map(tuple)
    if get_origin(hint) is Literal:
        return st.sampled_from(get_args(hint))
    if isinstance(hint, type) and issubclass(hint, Enum):
        return st.sampled_from(list(hint))
    if get_args(hint):
        return st.one_of(*map(values, get_args(hint)))
    simple = {
        int: st.integers(-(2**63), 2**63),
        float: FLOATS,
        str: st.text(),
        bool: st.booleans(),
        type(None): st.none(),
    }
    return simple[hint]


@cache
def made(kind: type[Any]) -> st.SearchStrategy[Any]:
    hints = get_type_hints(kind)
    return st.builds(kind, **{spec.name: values(hints[spec.name]) for spec in fields(kind)})


thorough = settings(
    max_examples=100, suppress_health_check=[HealthCheck.too_slow]
)  # first draws the Unicode table

DECIDED = [kind for kind in codec.EVENTS.values() if issubclass(kind, ev.Decided)]


def test_knows_every_event_that_the_engine_takes_and_every_command() -> None:
    assert set(OBSERVED) <= set(codec.EVENTS.values())
    assert len(codec.EVENTS) >= 34
    assert {"SetTimer", "Announce", "EndSession"} <= codec.COMMANDS.keys()
    assert not {"Event", "Observed", "Decided", "Reported", "Command"} & {*codec.EVENTS, *codec.COMMANDS}


@thorough
@given(st.sampled_from(list(codec.EVENTS.values())).flatmap(made))
def test_an_event_is_read_as_it_was_written(event: ev.Event) -> None:
    written = codec.dumps(codec.encode_event(event))
    read = codec.decode_event(codec.loads(written.encode("ascii")))
    assert read == event
    assert type(read) is type(event)
    assert codec.dumps(codec.encode_event(read)) == written


@thorough
@given(st.sampled_from(list(codec.COMMANDS.values())).flatmap(made))
def test_a_command_is_read_as_it_was_written(command: do.Command) -> None:
    written = codec.dumps(codec.encode_command(command))
    read = codec.decode_command(codec.loads(written.encode("ascii")))
    assert read == command
    assert codec.dumps(codec.encode_command(read)) == written


@pytest.mark.parametrize("value", [float("nan"), float("inf"), float("-inf")])
def test_a_number_that_json_does_not_know_is_written_all_the_same(value: float) -> None:
    written = codec.dumps(codec.encode_event(ev.TurnPredicted(1.0, 1, value)))
    json.loads(written, parse_constant=pytest.fail)
    read = codec.decode_event(codec.loads(written.encode()))
    assert isinstance(read, ev.TurnPredicted)
    assert repr(read.probability) == repr(value)


def test_numbers_of_numpy_are_numbers() -> None:
    event = ev.TurnPredicted(np.float64(1.5), np.int64(3), np.float32(0.25))  # type: ignore[arg-type]
    assert codec.decode_event(json.loads(codec.dumps(codec.encode_event(event)))) == ev.TurnPredicted(
        1.5, 3, 0.25
    )


def test_what_is_no_value_of_an_event_is_refused_in_writing() -> None:
    with pytest.raises(TypeError, match=r"b'hello' of type bytes has no place in a journal"):
        codec.dumps(codec.encode_event(ev.TextReceived(0.0, b"hello")))  # type: ignore[arg-type]


@pytest.mark.parametrize(
    ("value", "error"),
    [
        ([], r"\[\] is no event"),
        ({"type": "Party", "at": 1.0}, "no event named 'Party'"),
        ({"type": ["SessionStarted"]}, "no event named"),
        ({"at": 1.0}, "no event named None"),
        ({"type": "SessionStarted"}, "SessionStarted lacks 'at'"),
        ({"type": "SessionStarted", "at": 1.0, "by": "me"}, "SessionStarted has no field 'by'"),
        ({"type": "SessionStarted", "at": "1"}, "SessionStarted.at: '1' is no number"),
        ({"type": "SessionStarted", "at": True}, "SessionStarted.at: True is no whole number"),
        ({"type": "SessionStarted", "at": 10**30}, "is too large"),
        ({"type": "StopRequested", "at": 1, "drain": 1}, "StopRequested.drain: 1 is no true or false"),
        ({"type": "StopRequested", "at": 1, "reason": "tea"}, "'tea' is none of stopped, timeout"),
        ({"type": "StopRequested", "at": 1, "reason": {}}, "{} is none of stopped"),
        ({"type": "SpeechStarted", "at": 1, "start": 1, "position": 1.5}, "1.5 is no whole number"),
        ({"type": "TurnPredicted", "at": 1, "request": 1, "probability": "x"}, "'x' is no number"),
        ({"type": "TextReceived", "at": 1, "text": 7}, "TextReceived.text: 7 is no text"),
    ],
)
def test_what_is_no_event_is_refused(value: object, error: str) -> None:
    with pytest.raises(JournalError, match=error):
        codec.decode_event(value)


@pytest.mark.parametrize(
    ("value", "error"),
    [
        ({"type": "Announce", "event": {"type": "SessionStarted", "at": 1}}, "is no Decided event"),
        ({"type": "Play", "utterance": 1, "saw": {"a": []}}, r"\[\] is no number, text, true, false or null"),
        ({"type": "Play", "utterance": 1, "saw": [["a", 1]]}, "is no object"),
        ({"type": "SetTimer", "timer": "egg", "due": 1}, "'egg' is none of endpoint"),
    ],
)
def test_what_is_no_command_is_refused(value: object, error: str) -> None:
    with pytest.raises(JournalError, match=error):
        codec.decode_command(value)


@pytest.mark.parametrize(
    "line", [b"{", b"\xff", b'{"a":1,"a":2}', b"NaN", b"1e999", b"[" * 100_000, b"1" * 5000, b"", b"{} {}"]
)
def test_what_is_no_json_is_refused(line: bytes) -> None:
    with pytest.raises(JournalError, match="no JSON"):
        codec.loads(line)


def test_a_field_of_a_type_without_a_form_is_found_when_it_is_added() -> None:
    with pytest.raises(TypeError, match="has no form in a journal"):
        codec.decode_fields(Unknown, {})


@dataclass
class Unknown:
    """An event as it must not be."""

    things: dict[str, int]
