"""The parts of a link to a speech-to-speech model, each alone."""

from __future__ import annotations

import asyncio
from typing import Any

import numpy as np
import pytest

from beluga_voice.audio import AudioFrame
from beluga_voice.contracts import CallerMessage, s2s
from beluga_voice.errors import ProviderError, ProviderTimeoutError
from beluga_voice.session.s2s.outbox import Outbox, RenewalDue
from beluga_voice.session.s2s.unanswered import Commit, Unanswered
from beluga_voice.session.s2s.words import Words


def _frame(seconds: float = 0.1, rate: int = 1000) -> AudioFrame:
    return AudioFrame(np.ones(round(seconds * rate), np.int16), rate, 0)


# -- unanswered --


def test_what_was_transcribed_is_kept_as_words_and_not_as_sound() -> None:
    kept = Unanswered(1000)
    one, two = _frame(), _frame()
    for item in (one, Commit(1), two, Commit(2)):
        kept.add(item)
    kept.transcribed(1, "hello")
    assert kept.items == (CallerMessage("hello"), two, Commit(2))
    assert kept.samples == len(two)
    kept.transcribed(2, "")
    assert kept.items == (CallerMessage("hello"),)
    kept.transcribed(7, "nobody committed this")
    assert kept.holds_speech


def test_what_came_after_the_question_outlives_its_answer() -> None:
    kept = Unanswered(1000)
    later = _frame()
    kept.add(_frame())
    kept.add(Commit(1))
    kept.asked()
    kept.add(later)
    kept.transcribed(1, "hello")
    kept.answered()
    assert kept.items == (later,)
    kept.answered()  # by itself
    assert not kept.items
    kept.add(later)
    kept.clear()
    assert not kept.items
    assert not kept.samples


def test_of_silence_the_latest_half_second_is_kept_and_of_speech_a_minute() -> None:
    kept = Unanswered(1000)
    for _ in range(20):
        kept.add(_frame(), quiet=True)
    assert kept.samples == 500
    assert not kept.holds_speech
    for _ in range(1000):
        kept.add(_frame())
    assert kept.samples == 60_000


# -- words --


async def _given(words: Words) -> list[tuple[str, bool]]:
    found = []
    while True:
        try:
            async with asyncio.timeout(0.1):
                each = await words.receive()
        except TimeoutError:
            return found
        found.append((each.text, each.answers_finalize))


async def test_each_commit_is_answered_once_and_an_overtaken_answer_comes_with_its_time() -> None:
    known: list[int] = []
    words = Words(1000, ends_alone=True, known=lambda number, _: known.append(number))
    assert [words.commit(1000), words.commit(3000)] == [1, 2]
    second = s2s.InputTranscript("second", final=True, commit=2, item="b")
    words.take(second, 0.0)
    words.take(second, 0.0)
    words.take(s2s.InputTranscript("first", final=True, commit=1, item="a"), 0.0)
    words.take(s2s.InputTranscript("first", final=True, commit=1), 0.0)
    assert known == [2]
    assert [await words.receive() for _ in range(2)][1].start == 1.0
    late = await words.receive()
    assert (late.text, late.start, late.end, late.answers_finalize) == ("first", 0.0, 1.0, False)
    assert await _given(words) == []


async def test_a_new_stream_answers_what_it_is_asked_again_and_its_times_go_on() -> None:
    words = Words(1000, ends_alone=True, known=lambda *_: None)
    for sent in (1000, 2000):
        words.commit(sent)
    words.begin_stream([2])
    words.take(s2s.InputTranscript("again", final=True, commit=2, start=0.5, end=0.9), 1.0)
    assert await words.receive() == await _empty_answer()
    again = await words.receive()
    assert (again.text, again.start, again.end) == ("again", 1.5, 1.9)


async def _empty_answer() -> Any:
    words = Words(1000, ends_alone=True, known=lambda *_: None)
    words.commit(0)
    words.begin_stream([])
    return await words.receive()


@pytest.mark.parametrize("alone", [True, False])
async def test_the_end_of_a_turn_is_told_alone_or_with_the_words_that_follow(alone: bool) -> None:
    words = Words(1000, ends_alone=alone, known=lambda *_: None)
    words.end_turn()
    words.take(s2s.InputTranscript("hello", final=True), 0.0)
    first = await words.receive()
    assert (first.text, first.end_of_turn) == ("" if alone else "hello", True)


async def test_who_waits_for_words_learns_that_there_is_no_model_any_more() -> None:
    words = Words(1000, ends_alone=True, known=lambda *_: None)
    waiting = asyncio.create_task(words.receive())
    await asyncio.sleep(0)
    words.fail(ProviderError("gone"))
    with pytest.raises(ProviderError, match="gone"):
        await waiting


# -- outbox --


async def test_commands_are_sent_in_order_until_the_stream_is_to_be_replaced() -> None:
    sent: list[int] = []
    outbox = Outbox(1000, 1.0)
    stream: Any = None

    async def send(number: int) -> None:
        sent.append(number)

    for number in range(3):
        outbox.post(lambda _, number=number: send(number))  # type: ignore[misc]
    running = asyncio.create_task(outbox.run(stream))
    await asyncio.sleep(0)
    outbox.post(lambda _: send(3))
    await asyncio.sleep(0.1)
    assert sent == [0, 1, 2, 3]
    outbox.end()
    with pytest.raises(RenewalDue):
        await running


async def test_a_model_that_takes_audio_too_slowly_is_given_up_at_the_backlog() -> None:
    outbox = Outbox(1000, 1.0)
    running = asyncio.create_task(outbox.run(None))  # type: ignore[arg-type]
    for _ in range(200):
        outbox.post(lambda _: asyncio.sleep(0.03), 20)
        await asyncio.sleep(0.02)
        if running.done():
            break
    with pytest.raises(ProviderError, match="1 s behind the caller's speech") as caught:
        await running
    assert caught.value.retryable


async def test_a_model_that_takes_nothing_is_given_up_after_five_seconds() -> None:
    outbox = Outbox(1000, 1.0)
    outbox.post(lambda _: asyncio.sleep(3600))
    began = asyncio.get_running_loop().time()
    with pytest.raises(ProviderTimeoutError, match="took nothing for 5 s"):
        await outbox.run(None)  # type: ignore[arg-type]
    assert asyncio.get_running_loop().time() - began == 5.0
