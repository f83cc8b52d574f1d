from __future__ import annotations

import asyncio
from collections.abc import Callable, Sequence

import pytest

from beluga_voice.audio import AudioFrame
from beluga_voice.contracts import STT, Listens, STTStream, Transcript, Word
from beluga_voice.errors import ClosedError, ProviderError
from beluga_voice.resilience import FallbackSTT, Switched
from beluga_voice.resilience.notices import listen
from beluga_voice.testing import ScriptedSTT, check_stt, sounds

RATE = 16000


class LevelSTT(STT):
    """Hears a word ``wN`` in each 200 ms at level N, and can be broken in all ways at any time.

    Attributes:
        broken: fails to open, and to take or finalize.
        mute: takes all, and answers nothing.
        final_every: seconds after which a final comes by itself; 0 for never.
    """

    finalizes = True
    word_timestamps = True

    def __init__(self, *, sample_rate: int = RATE, finalizes: bool = True, final_every: float = 0.0) -> None:
        self.sample_rate = sample_rate
        self.finalizes = finalizes
        self.final_every = final_every
        self.broken = self.mute = False
        self.streams: list[LevelStream] = []
        self.closed = 0

    async def open_stream(self) -> LevelStream:
        if self.broken:
            raise ProviderError("it is broken", retryable=True)
        self.streams.append(LevelStream(self))
        return self.streams[-1]

    async def aclose(self) -> None:
        self.closed += 1


class LevelStream(STTStream):
    def __init__(self, stt: LevelSTT) -> None:
        self.stt = stt
        self.samples: list[int] = []
        self.done = 0
        self.out: asyncio.Queue[Transcript | Exception] = asyncio.Queue()
        self.closed = False

    async def send(self, frame: AudioFrame) -> None:
        self.check()
        self.samples += frame.samples.tolist()
        every = round(self.stt.final_every * self.stt.sample_rate)
        if every and len(self.samples) - self.done >= every:
            self.final(answers=False)

    async def finalize(self) -> None:
        self.check()
        if self.stt.finalizes:
            self.final(answers=True)

    def check(self) -> None:
        if self.closed:
            raise ClosedError("closed")
        if self.stt.broken:
            raise ProviderError("it is broken", retryable=True)

    def final(self, *, answers: bool) -> None:
        rate, size = self.stt.sample_rate, self.stt.sample_rate // 5
        start, self.done = self.done, len(self.samples)
        words = []
        for first in range(-(-start // size) * size, self.done, size):
            level = round(self.samples[min(first + size // 2, self.done - 1)] / 1000)
            if level:
                words.append(Word(f"w{level}", first / rate, min(first + size, self.done) / rate))
        text = " ".join(word.text for word in words)
        if not self.stt.mute:
            self.out.put_nowait(
                Transcript(text, True, start / rate, self.done / rate, tuple(words), answers_finalize=answers)
            )

    async def receive(self) -> Transcript:
        if self.closed:
            raise ClosedError("closed")
        item = await self.out.get()
        if isinstance(item, Exception):
            raise item
        return item

    async def aclose(self) -> None:
        self.closed = True
        self.out.put_nowait(ClosedError("closed"))


def frames(first: int, last: int, rate: int = RATE) -> list[AudioFrame]:
    """Speech of the words from `first` to `last`."""
    size, position, made = rate // 50, 0, []
    for level in range(first, last + 1):
        for _ in range(10):
            samples = sounds.silence(0.02, rate) + level * 1000
            made.append(AudioFrame(samples.astype("int16"), rate, position))
            position += size
    return made


class Talk:
    """A caller who speaks in real time to a recognizer, and what comes of it."""

    def __init__(self, stream: STTStream) -> None:
        self.stream = stream
        self.finals: list[Transcript] = []

    async def say(self, first: int, last: int, meanwhile: Callable[[int], None] = lambda _: None) -> None:
        for number, frame in enumerate(frames(first, last)):
            if number % 10 == 0:
                meanwhile(first + number // 10)
            await self.stream.send(frame)
            await asyncio.sleep(0.02)

    async def answer(self) -> float:
        """Ask for the final words; return the seconds that they took."""
        loop = asyncio.get_running_loop()
        asked = loop.time()
        await self.stream.finalize()
        async with asyncio.timeout(30):
            while True:
                self.finals.append(await self.stream.receive())
                if self.finals[-1].answers_finalize:
                    return loop.time() - asked

    @property
    def text(self) -> str:
        return " ".join(t.text for t in self.finals if t.text)


def expected(first: int, last: int) -> str:
    return " ".join(f"w{i}" for i in range(first, last + 1))


def told() -> list[Switched]:
    notices: list[Switched] = []
    listen(notices.append)
    return notices


def pair(**arguments: object) -> tuple[LevelSTT, LevelSTT, FallbackSTT]:
    first, second = LevelSTT(**arguments), LevelSTT()  # type: ignore[arg-type]
    return first, second, FallbackSTT([first, second], names=["first", "second"])


async def test_keeps_the_contract_of_a_recognizer() -> None:
    def make() -> STT:
        return FallbackSTT([ScriptedSTT(["hello world"] * 5), ScriptedSTT(["other"])])

    await check_stt(make, speech=AudioFrame(sounds.tone(1.0), RATE), words="hello world")


@pytest.mark.parametrize("fault", ["broken", "mute"])
async def test_an_outage_in_mid_turn_costs_a_second_at_most_and_no_word(fault: str) -> None:
    first, second, both = pair(final_every=1.0)
    notices = told()
    async with both:
        talk = Talk(await both.open_stream())
        await talk.say(1, 12, lambda word: setattr(first, fault, word >= 8))
        assert await talk.answer() <= 1.0
        assert talk.text == expected(1, 12)
        times = [word.start for final in talk.finals for word in final.words]
        assert times == [pytest.approx(i * 0.2) for i in range(12)]
        await talk.stream.aclose()
    assert [(n.kind, n.old, n.new) for n in notices] == [("stt", "first", "second")]
    assert all(stream.closed for stream in (*first.streams, *second.streams))
    assert (first.closed, second.closed) == (1, 1)


async def test_who_is_well_again_hears_the_next_turn() -> None:
    first, _, both = pair()
    notices = told()
    async with both:
        talk = Talk(await both.open_stream())
        await talk.say(1, 3, lambda word: setattr(first, "broken", word == 2))
        await talk.answer()
        first.broken = False
        await asyncio.sleep(both.policy.cooldown + 0.1)
        for turn in (4, 7):
            await talk.say(turn, turn + 2)
            await talk.answer()
        assert talk.text == expected(1, 9)
        await talk.stream.aclose()
    assert [(n.old, n.new, bool(n.reason)) for n in notices] == [
        ("first", "second", True),
        ("second", "first", False),
    ]


async def test_a_recognizer_that_is_down_at_the_start_costs_nothing() -> None:
    first, _, both = pair()
    first.broken = True
    async with both:
        talk = Talk(await both.open_stream())
        await talk.say(1, 2)
        await talk.answer()
        assert talk.text == expected(1, 2)
        await talk.stream.aclose()


async def test_when_all_fail_the_first_error_is_told() -> None:
    first, second, both = pair()
    first.broken = second.broken = True
    async with both:
        with pytest.raises(ProviderError, match="it is broken"):
            await both.open_stream()


async def test_all_that_fail_in_mid_stream_end_it_with_the_error_and_do_not_spin() -> None:
    first, second, both = pair()
    async with both:
        talk = Talk(await both.open_stream())
        first.broken = second.broken = True
        await talk.stream.send(frames(1, 1)[0])
        with pytest.raises(ProviderError, match="it is broken"):
            await talk.stream.receive()
        await talk.stream.aclose()
    assert len(first.streams) == 1


async def test_one_that_never_answers_finalize_is_answered_for_where_another_does() -> None:
    _, second, both = pair(finalizes=False, final_every=0.2)
    async with both:
        talk = Talk(await both.open_stream())
        await talk.say(1, 3)
        assert await talk.answer() < 0.5
        assert talk.text == expected(1, 3)
        await talk.stream.aclose()
    assert not second.streams


async def test_a_slow_recognizer_with_nobody_behind_it_is_waited_for() -> None:
    only = ScriptedSTT(["at last"], delay=1.5)
    only.p99_delay = 0.1
    async with FallbackSTT([only]) as both:
        stream = await both.open_stream()
        for frame in sounds.frames(sounds.tone(1.0), RATE):
            await stream.send(frame)
        await stream.finalize()
        assert (await stream.receive()).text == "at last"
        await stream.aclose()


async def test_audio_is_turned_to_each_recognizer_s_rate() -> None:
    first, second = LevelSTT(sample_rate=8000), LevelSTT()
    both = FallbackSTT([first, second])
    assert (both.sample_rate, both.finalizes, both.listens) == (RATE, True, Listens.SPEECH)
    async with both:
        talk = Talk(await both.open_stream())
        await talk.say(1, 4)
        await talk.answer()
        assert talk.text == expected(1, 4)
        await talk.stream.aclose()
    assert abs(len(first.streams[0].samples) - 0.8 * 8000) < 40


async def test_a_fallback_of_nothing_is_refused() -> None:
    providers: Sequence[STT] = []
    with pytest.raises(ValueError, match="give at least one"):
        FallbackSTT(providers)
