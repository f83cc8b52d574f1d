"""What comes back: recorded events, without a socket."""

from __future__ import annotations

from pathlib import Path

import pytest

from beluga_voice.connection import EventParser, ServerEvent
from beluga_voice.contracts import Finished, FinishReason, TextDelta, ToolCallDelta, Usage
from beluga_voice.contracts.llm import LLMChunk
from beluga_voice.errors import ProviderError
from beluga_voice_anthropic.events import AnswerReader
from beluga_voice_anthropic.llm import SERVICE

RECORDED = Path(__file__).parent / "wire/two_calls.sse"


def read(*events: str) -> list[LLMChunk]:
    reader = AnswerReader(SERVICE)
    return [chunk for data in events for chunk in reader.read(ServerEvent(data))]


def test_an_answer_with_thoughts_words_and_two_calls() -> None:
    reader, parser = AnswerReader(SERVICE), EventParser()
    body = RECORDED.read_bytes()
    chunks = [
        chunk
        for at in range(0, len(body), 100)
        for event in parser.feed(body[at : at + 100])
        for chunk in reader.read(event)
    ]
    assert chunks == [
        TextDelta("One moment"),
        TextDelta(", Zoë."),
        ToolCallDelta(0, "toolu_01A", "order_status"),
        ToolCallDelta(0, arguments='{"order": '),
        ToolCallDelta(0, arguments='"7"}'),
        ToolCallDelta(1, "toolu_01B", "opening_hours"),
        ToolCallDelta(1, arguments="{}"),
        Usage(4412, 97, 4100),
        Finished(FinishReason.TOOL_CALLS),
    ]
    assert reader.done


@pytest.mark.parametrize(
    ("reason", "finished"),
    [
        ("end_turn", FinishReason.STOP),
        ("max_tokens", FinishReason.LENGTH),
        ("refusal", FinishReason.CONTENT_FILTER),
        ("pause_turn", FinishReason.OTHER),
    ],
)
def test_reasons_to_stop(reason: str, finished: FinishReason) -> None:
    chunks = read(
        f'{{"type": "message_delta", "delta": {{"stop_reason": "{reason}"}}, "usage": {{"output_tokens": 3}}}}',
        '{"type": "message_stop"}',
    )
    assert chunks == [Usage(0, 3), Finished(finished)]


def test_what_the_vendor_adds_is_passed_over() -> None:
    assert read('{"type": "unheard_of", "index": 0}', '{"type": "ping"}') == []
    server_tool = '{"type": "content_block_start", "index": 0, "content_block": {"type": "server_tool_use"}}'
    assert read(server_tool) == []
    assert read('{"type": "content_block_delta", "index": 0, "delta": {"type": "unheard_of"}}') == []


@pytest.mark.parametrize(
    ("kind", "retryable", "code"),
    [
        ("overloaded_error", True, "internal_error"),
        ("rate_limit_error", True, "rate_limit"),
        ("invalid_request_error", False, "invalid_request"),
        ("unheard_of_error", True, "internal_error"),
    ],
)
def test_an_error_in_mid_answer(kind: str, retryable: bool, code: str) -> None:
    with pytest.raises(ProviderError, match="Too busy") as caught:
        read(f'{{"type": "error", "error": {{"type": "{kind}", "message": "Too busy"}}}}')
    assert (caught.value.retryable, caught.value.code) == (retryable, code)


@pytest.mark.parametrize(
    "data",
    [
        '{"type": "',
        "[]",
        "{}",
        '{"type": "message_start"}',
        '{"type": "content_block_delta", "index": "x"}',
    ],
)
def test_what_cannot_be_read_is_the_vendors_fault(data: str) -> None:
    with pytest.raises(ProviderError, match="cannot be read") as caught:
        read(data)
    assert caught.value.retryable
    assert caught.value.code == "malformed_response"
