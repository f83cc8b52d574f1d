"""The messages between provider and worker."""

from __future__ import annotations

import itertools
import json

import pytest
from hypothesis import given
from hypothesis import strategies as st

from beluga_voice_pocketsphinx.messages import (
    HEADER,
    MAX_PAYLOAD,
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

messages = st.builds(Message, st.sampled_from(Kind), st.integers(0, 2**32 - 1), st.binary(max_size=200))


def cut(data: bytes, places: list[int]) -> list[bytes]:
    edges = [0, *sorted(place % (len(data) + 1) for place in places), len(data)]
    return [data[a:b] for a, b in itertools.pairwise(edges)]


@given(st.lists(messages, max_size=8), st.lists(st.integers(0), max_size=12))
def test_reads_what_was_written_however_it_was_cut(sent: list[Message], places: list[int]) -> None:
    data = b"".join(encode(m.kind, m.stream, m.payload) for m in sent)
    parser = Parser()
    assert [message for part in cut(data, places) for message in parser.feed(part)] == sent


@given(st.lists(st.binary(max_size=64), max_size=20))
def test_garbage_raises_a_message_error_or_waits_for_more(parts: list[bytes]) -> None:
    parser = Parser()
    try:
        for part in parts:
            parser.feed(part)
    except MessageError:
        return
    # What was not refused began with a header that promised more.
    assert len(b"".join(parts)) < HEADER.size or b"".join(parts)[0] in set(Kind)


def test_an_oversized_message_is_refused_at_its_header() -> None:
    with pytest.raises(MessageError, match=f"FINAL that announces {MAX_PAYLOAD + 1} bytes"):
        Parser().feed(HEADER.pack(Kind.FINAL, 1, MAX_PAYLOAD + 1))


def test_an_oversized_message_is_not_sent() -> None:
    with pytest.raises(MessageError, match="AUDIO with"):
        encode(Kind.AUDIO, 1, bytes(MAX_PAYLOAD + 1))
    assert len(encode(Kind.AUDIO, 1, bytes(MAX_PAYLOAD))) == HEADER.size + MAX_PAYLOAD


def test_an_unknown_kind_is_refused() -> None:
    with pytest.raises(MessageError, match="unknown kind 99"):
        Parser().feed(HEADER.pack(99, 0, 0))


def test_a_result_survives_the_way() -> None:
    result = {
        "text": "grüß gott",
        "start": 0.25,
        "end": 1.0,
        "words": [["grüß", 0.25, 0.5], ["gott", 0.5, 1.0]],
    }
    (message,) = Parser().feed(encode_json(Kind.FINAL, 7, result))
    read = decode_result(message.payload)
    assert read["words"] == [("grüß", 0.25, 0.5), ("gott", 0.5, 1.0)]
    assert (read["text"], read["start"], read["end"]) == ("grüß gott", 0.25, 1.0)


@pytest.mark.parametrize(
    "payload",
    [
        b"",
        b"\xff\xfe",
        b"[" * 100_000,
        b"[]",
        b"{}",
        b'{"text": "a", "start": "x", "end": null, "words": []}',
        b'{"text": "a", "start": null, "end": null, "words": [["a", 1]]}',
        b'{"text": "a", "start": null, "end": null, "words": 3}',
    ],
)
def test_a_payload_that_is_no_result_raises_a_message_error(payload: bytes) -> None:
    with pytest.raises(MessageError):
        decode_result(payload)


@given(
    st.recursive(st.none() | st.floats() | st.text(), lambda v: st.lists(v) | st.dictionaries(st.text(), v))
)
def test_any_json_is_a_result_or_a_message_error(value: object) -> None:
    try:
        decode_result(json.dumps(value).encode())
    except MessageError:
        pass
    else:
        assert isinstance(value, dict)
        assert "words" in value


def test_a_failure_tells_whose_fault_it_is() -> None:
    assert decode_failure(b'{"error": "no", "configuration": true}') == {"error": "no", "configuration": True}
    assert decode_failure(b'{"error": "no"}')["configuration"] is False
    with pytest.raises(MessageError):
        decode_failure(b"no")


def test_a_count_of_samples_has_eight_bytes() -> None:
    assert decode_samples(SAMPLES.pack(2**40)) == 2**40
    with pytest.raises(MessageError, match="3 bytes"):
        decode_samples(b"abc")


def test_only_objects_are_payloads() -> None:
    with pytest.raises(MessageError, match="int"):
        decode_json(b"3")
