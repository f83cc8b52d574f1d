"""Audio on its way to the wire."""

from __future__ import annotations

import asyncio
from collections.abc import Sequence
from itertools import pairwise

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from numpy.typing import NDArray

from beluga_voice import events as ev
from beluga_voice.audio import AudioFrame
from beluga_voice.contracts import Speech
from beluga_voice.errors import ContractError
from beluga_voice.session.playout import Playout, Track
from beluga_voice.words import Word

RATE = 24000
FRAME = RATE // 50


def _audio(samples: int, start: int = 0) -> NDArray[np.int16]:
    return (np.arange(start, start + samples) % 30000).astype(np.int16)


class Wire:
    """A playout, what it sent and when, and what it told."""

    def __init__(self) -> None:
        self.frames: list[tuple[float, AudioFrame]] = []
        self.told: list[ev.Observed] = []
        self.playout = Playout(RATE, self._send, self.told.append)

    def _send(self, frame: AudioFrame) -> None:
        self.frames.append((asyncio.get_running_loop().time(), frame))

    def track(
        self, utterance: int, audio: NDArray[np.int16], *, rate: int = RATE, ahead: float = 100
    ) -> Track:
        track = self.playout.open(utterance, rate, ahead)
        track.begin("words")
        track.put(Speech(AudioFrame(audio, rate)))
        return track

    @property
    def sent(self) -> NDArray[np.int16]:
        return np.concatenate([np.zeros(0, np.int16), *(frame.samples for _, frame in self.frames)])

    def names(self) -> list[str]:
        return [type(event).__name__ for event in self.told]


async def test_an_utterance_leaves_as_it_came_20_ms_at_a_time() -> None:
    wire, audio = Wire(), _audio(5 * FRAME + 100)
    wire.track(1, audio).finish()
    assert not wire.frames
    wire.playout.play(1)
    assert len(wire.frames) == 1
    await asyncio.sleep(1)
    assert np.array_equal(wire.sent, audio)
    assert [at for at, _ in wire.frames] == pytest.approx([n * 0.02 for n in range(6)])
    assert [frame.position for _, frame in wire.frames] == [n * FRAME for n in range(6)]
    assert wire.names() == ["PlayoutStarted", "PlayoutFinished"]
    assert wire.told[-1].at == pytest.approx(0.12)


async def test_the_first_frame_leaves_in_the_instant_of_the_first_audio() -> None:
    wire = Wire()
    track = wire.playout.open(1, RATE, 10)
    wire.playout.play(1)
    await asyncio.sleep(0.333)
    track.begin("words")
    track.put(Speech(AudioFrame(_audio(FRAME), RATE)))
    assert [at for at, _ in wire.frames] == [0.333]


async def test_what_is_ducked_goes_on_12_db_lower_and_counts_as_heard() -> None:
    wire, audio = Wire(), _audio(20 * FRAME)
    track = wire.track(1, audio)
    track.finish()
    wire.playout.play(1)
    await asyncio.sleep(0.05)
    wire.playout.duck()
    await asyncio.sleep(0.1)
    assert track.ledger.heard_samples == len(wire.sent) == 8 * FRAME
    wire.playout.resume()
    await asyncio.sleep(1)
    assert [at for at, _ in wire.frames] == pytest.approx([n * 0.02 for n in range(20)])
    low = 10 ** (-12 / 20)
    levels = np.ones(20 * FRAME)
    levels[3 * FRAME : 4 * FRAME] = np.linspace(1, low, FRAME + 1)[1:]  # no step: that would click
    levels[4 * FRAME : 8 * FRAME] = low
    levels[8 * FRAME : 9 * FRAME] = np.linspace(low, 1, FRAME + 1)[1:]
    assert np.array_equal(wire.sent, np.rint(audio * levels))


async def test_the_next_utterance_after_one_that_was_ducked_has_full_level() -> None:
    wire, audio = Wire(), _audio(5 * FRAME)
    wire.track(1, audio)
    wire.track(2, audio).finish()
    wire.playout.play(1)
    wire.playout.duck()
    wire.playout.close(1)
    wire.playout.play(2)
    await asyncio.sleep(1)
    assert np.array_equal(wire.sent[FRAME:], audio)


@settings(max_examples=40)
@given(
    st.lists(st.integers(1, 3 * FRAME), min_size=1, max_size=12),
    st.lists(st.tuples(st.floats(0, 0.1), st.floats(0, 0.1)), max_size=6),
    st.floats(0, 0.05),
)
async def test_pauses_lose_and_repeat_nothing(
    parts: list[int], pauses: list[tuple[float, float]], delay: float
) -> None:
    wire, audio = Wire(), _audio(sum(parts))
    track = wire.playout.open(1, RATE, 100)
    track.begin("words")
    wire.playout.play(1)

    async def give() -> None:
        start = 0
        for part in parts:
            await asyncio.sleep(delay)
            track.put(Speech(AudioFrame(audio[start : start + part], RATE)))
            start += part
        track.finish()

    giving = asyncio.create_task(give())
    for until, length in pauses:
        await asyncio.sleep(until)
        wire.playout.pause()
        before = len(wire.frames)
        await asyncio.sleep(length)
        assert len(wire.frames) == before
        wire.playout.resume()
    await giving
    await asyncio.sleep(10)
    assert np.array_equal(wire.sent, audio)
    assert track.ledger.heard_samples == len(audio)
    assert wire.names()[-1] == "PlayoutFinished"
    assert wire.names().count("PlayoutStarted") == 1
    times = [at for at, _ in wire.frames]
    assert all(b - a > 0.0189 for a, b in pairwise(times))


async def test_starved_and_continued_are_told_once_each() -> None:
    wire = Wire()
    track = wire.track(1, _audio(2 * FRAME))
    wire.playout.play(1)
    await asyncio.sleep(1)
    assert wire.names() == ["PlayoutStarted", "PlayoutStarved"]
    track.put(Speech(AudioFrame(_audio(FRAME // 2), RATE)))
    await asyncio.sleep(1)
    assert wire.names() == ["PlayoutStarted", "PlayoutStarved"], "half a frame waits for its other half"
    track.put(Speech(AudioFrame(_audio(FRAME), RATE)))
    track.finish()
    await asyncio.sleep(1)
    assert wire.names()[2:] == ["PlayoutContinued", "PlayoutFinished"]
    assert len(wire.sent) == 3.5 * FRAME


async def test_an_utterance_that_is_paused_within_its_last_frame_ends_when_it_goes_on() -> None:
    wire = Wire()
    wire.track(1, _audio(2 * FRAME)).finish()
    wire.playout.play(1)
    await asyncio.sleep(0.03)
    wire.playout.pause()
    await asyncio.sleep(1)
    assert wire.names() == ["PlayoutStarted"]
    wire.playout.resume()
    assert wire.names() == ["PlayoutStarted", "PlayoutFinished"]


async def test_after_a_cut_there_is_silence_and_no_timer() -> None:
    wire = Wire()
    wire.track(1, _audio(100 * FRAME)).finish()
    wire.playout.play(1)
    await asyncio.sleep(0.1)
    ledger = wire.playout.close(1)
    count = len(wire.frames)
    assert ledger is not None
    assert ledger.heard_samples == len(wire.sent)
    await asyncio.sleep(1)
    assert len(wire.frames) == count
    assert wire.names() == ["PlayoutStarted"]
    assert not [t for t in asyncio.get_running_loop()._scheduled if not t.cancelled()]  # type: ignore[attr-defined]


async def test_the_next_utterance_follows_without_a_gap() -> None:
    wire = Wire()
    told = wire.told

    def feed(event: ev.Observed) -> None:
        told.append(event)
        if isinstance(event, ev.PlayoutFinished) and event.utterance == 1:
            wire.playout.close(1)
            wire.playout.play(2)

    wire.playout._feed = feed
    first, second = _audio(2 * FRAME), _audio(2 * FRAME, 7777)
    wire.track(1, first).finish()
    wire.track(2, second).finish()
    wire.playout.play(1)
    await asyncio.sleep(1)
    assert np.array_equal(wire.sent, np.concatenate([first, second]))
    assert [at for at, _ in wire.frames] == pytest.approx([0, 0.02, 0.04, 0.06])
    finished = [event.utterance for event in told if isinstance(event, ev.PlayoutFinished)]
    assert finished == [1, 2]


async def test_an_utterance_at_another_rate_keeps_its_length() -> None:
    wire = Wire()
    wire.track(1, _audio(16000), rate=16000).finish()
    wire.playout.play(1)
    await asyncio.sleep(2)
    assert len(wire.sent) == RATE


@pytest.mark.parametrize(
    "frame",
    [
        AudioFrame(np.zeros(10, np.int16), 8000),
        AudioFrame(np.zeros(10, np.float32), RATE),  # type: ignore[arg-type]
        AudioFrame(np.zeros((10, 2), np.int16), RATE),
    ],
)
async def test_audio_that_the_tts_did_not_declare_is_refused(frame: AudioFrame) -> None:
    track = Wire().playout.open(1, RATE, 1)
    track.begin("words")
    with pytest.raises(ContractError, match="24000"):
        track.put(Speech(frame))


async def test_audio_waits_for_the_ear_and_goes_on_when_it_is_dropped() -> None:
    wire = Wire()
    track = wire.track(1, _audio(RATE), ahead=0.5)
    waiting = asyncio.create_task(track.wait_for_space())
    await asyncio.sleep(1)
    assert not waiting.done()
    wire.playout.play(1)
    await asyncio.sleep(0.47)
    assert not waiting.done()
    await asyncio.sleep(0.03)
    assert waiting.done()

    track.put(Speech(AudioFrame(_audio(RATE), RATE)))
    waiting = asyncio.create_task(track.wait_for_space())
    await asyncio.sleep(0.1)
    wire.playout.close(1)
    await asyncio.sleep(0)
    assert waiting.done()
    track.put(Speech(AudioFrame(_audio(RATE), RATE)))
    await track.wait_for_space()


async def test_a_question_is_known_while_and_after_it_is_heard() -> None:
    wire = Wire()
    track = wire.playout.open(1, RATE, 10)
    for text in ("Really? ", "Well."):
        track.begin(text)
        track.put(Speech(AudioFrame(_audio(RATE), RATE)))
    track.finish()
    assert not wire.playout.asks(0)
    wire.playout.play(1)
    await asyncio.sleep(0.5)
    assert wire.playout.asks(0)
    await asyncio.sleep(0.7)
    assert (wire.playout.asks(0), wire.playout.asks(0.5)) == (False, True)


@given(st.lists(st.integers(0, 1000), max_size=20), st.lists(st.integers(1, 700), max_size=30))
def test_a_track_gives_what_it_got_in_order(parts: Sequence[int], takes: Sequence[int]) -> None:
    track = Track(RATE, RATE, 100, lambda: None)
    track.begin("words")
    audio = _audio(sum(parts))
    start = 0
    for part in parts:
        track.put(Speech(AudioFrame(audio[start : start + part], RATE)))
        start += part
    taken = [samples for take in takes if (samples := track.take(take)) is not None]
    assert all(len(samples) in takes for samples in taken)
    track.finish()
    rest = track.take(10**6)
    assert rest is not None
    assert np.array_equal(np.concatenate([*taken, rest]), audio)
    assert track.exhausted
    assert track.empty is (len(audio) == 0)


async def test_words_that_were_heard_in_the_last_three_seconds_may_be_an_echo() -> None:
    wire = Wire()
    track = wire.playout.open(1, RATE, 100)
    track.begin("One two, three four five six. ")
    words = [Word(text, at, at + 1) for at, text in enumerate(("One", "two", "three", "four", "five", "six"))]
    track.put(Speech(AudioFrame(_audio(6 * RATE), RATE), tuple(words)))
    track.finish()
    wire.playout.play(1)
    assert not wire.playout.echoes("five six", 0)
    await asyncio.sleep(4.0)
    texts = ("One two", "TWO three", "three, four", "four three", "five six", "")
    assert [text for text in texts if wire.playout.echoes(text, 4.0)] == ["TWO three", "three, four"]
    assert wire.playout.echoes("one two three four", 2.0)
    await asyncio.sleep(3.0)
    wire.playout.close(1)
    assert wire.playout.echoes("five six", 7.0)
    await asyncio.sleep(3.5)
    assert not wire.playout.echoes("five six", 10.5)


async def test_an_echo_may_reach_over_two_utterances() -> None:
    wire = Wire()
    for number, text in ((1, "Hello there."), (2, "How are you?")):
        track = wire.playout.open(number, RATE, 100)
        track.begin(text)
        track.put(Speech(AudioFrame(_audio(RATE), RATE)))
        track.finish()
        wire.playout.play(number)
        await asyncio.sleep(1.1)
        if number == 1:
            wire.playout.close(1)
    assert wire.playout.echoes("there how are", 2.2)
