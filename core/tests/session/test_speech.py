"""Making an utterance: text to pieces, pieces to audio."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncGenerator, Callable

import numpy as np
import pytest

from beluga_voice import events as ev
from beluga_voice.audio import AudioFrame
from beluga_voice.contracts import TTS, SpeechOptions, TTSStream
from beluga_voice.contracts import Speech as Part
from beluga_voice.contracts.tts import PLAIN_SPEECH
from beluga_voice.session.playout import Track
from beluga_voice.session.speech import Manner, Speech, Texts, saying
from beluga_voice.testing import ScriptedTTS

TEXT = "Well, hello there. How are you today? Fine."


class Fixed:
    """A speaker with one voice."""

    def __init__(self, stream: TTSStream, rate: int) -> None:
        self._stream = stream
        self._rate = rate

    def sounding(self) -> Callable[[str], str]:
        return str

    async def manner(self, options: SpeechOptions) -> Manner:
        return Manner(self._stream, self._rate, options)


class Booth:
    """A voice, a track for it, and what was told."""

    def __init__(self, stream: TTSStream, rate: int = 24000, ahead: float = 100) -> None:
        self.told: list[ev.Event] = []
        loop = asyncio.get_running_loop()
        self.speech = Speech(Fixed(stream, rate), loop.time, self.told.append, self.told.append)
        self.track = Track(rate, rate, round(ahead * rate), lambda: None)

    async def speak(self, texts: Texts) -> np.ndarray:
        await self.speech.speak(1, self.track, texts)
        samples = self.track.take(10**7)
        assert samples is not None
        return samples

    def names(self) -> list[str]:
        return [type(event).__name__ for event in self.told]


def _giving(*texts: str, then: Exception | None = None) -> Texts:
    async def give() -> AsyncGenerator[str, None]:
        for text in texts:
            yield text
        if then is not None:
            raise then

    return give


async def _open(tts: TTS) -> TTSStream:
    return await tts.open_stream()


async def test_all_text_is_spoken_in_pieces_and_in_order() -> None:
    tts = ScriptedTTS()
    booth = Booth(await _open(tts))
    samples = await booth.speak(_giving(*TEXT))
    pieces = [event.text for event in booth.told if isinstance(event, ev.TextGiven)]
    assert "".join(pieces) == TEXT
    assert len(pieces) > 1
    assert np.array_equal(samples, np.concatenate([tts.audio_of(piece) for piece in pieces]))
    assert booth.track.ledger.text == TEXT
    names = ["TextStarted", "TextGiven", "AudioAwaited", "AudioReceived", "TextAwaited"]
    assert booth.names()[:5] == names
    assert booth.told[-1] == ev.SynthesisFinished(0.0, 1, empty=False)


async def test_a_piece_is_spoken_before_the_next_is_asked_for() -> None:
    booth = Booth(await _open(ScriptedTTS()))

    async def texts() -> AsyncGenerator[str, None]:
        yield "Well, hello there. How"
        await asyncio.sleep(1)
        yield " are you?"

    speaking = asyncio.create_task(booth.speak(texts))
    await asyncio.sleep(0.5)
    names = ["TextStarted", "TextGiven", "AudioAwaited", "AudioReceived", "TextAwaited"]
    assert booth.names() == names
    await speaking


@pytest.mark.parametrize("texts", [[], ["", "  "], ["..."], ["😀", " — "]])
async def test_what_holds_no_word_is_not_given_to_the_tts(texts: list[str]) -> None:
    tts = ScriptedTTS()
    booth = Booth(await _open(tts))
    assert not len(await booth.speak(_giving(*texts)))
    assert booth.told[-1] == ev.SynthesisFinished(0.0, 1, empty=True)
    assert tts.texts == []


@pytest.mark.parametrize(
    ("fault", "error", "heard"),
    [
        ({"fails_after": 2}, "fails after 2 part", 0.2),
        ({"fails_after": 0}, "fails after 0 part", 0),
        ({"mute": True}, "the TTS gave no audio", 0),
        ({"fails_to_open": False, "word_duration": 0.0}, "the TTS gave no audio", 0),
    ],
)
async def test_a_tts_that_fails_is_told_and_what_it_gave_stays(
    fault: dict[str, object], error: str, heard: float
) -> None:
    booth = Booth(await _open(ScriptedTTS(**fault)))  # type: ignore[arg-type]
    samples = await booth.speak(saying("One two three four."))
    failed = booth.told[-1]
    assert isinstance(failed, ev.UtteranceFailed)
    assert error in failed.error
    assert len(samples) == heard * 24000
    assert booth.track.finished


async def test_a_tts_at_another_rate_than_it_declares_fails_the_utterance() -> None:
    booth = Booth(await _open(ScriptedTTS(sample_rate=16000)), rate=24000)
    await booth.speak(saying("One."))
    failed = booth.told[-1]
    assert isinstance(failed, ev.UtteranceFailed)
    assert "16000 Hz; it declares mono int16 at 24000 Hz" in failed.error


async def test_an_agent_that_raises_fails_the_utterance_after_what_it_gave() -> None:
    booth = Booth(await _open(ScriptedTTS()))
    samples = await booth.speak(_giving("One, two. And", then=ValueError("my mistake")))
    failed = booth.told[-1]
    assert isinstance(failed, ev.UtteranceFailed)
    assert failed.error == "ValueError: my mistake"
    assert len(samples)


async def test_an_agent_that_raises_before_it_gives_a_generator_fails_the_utterance() -> None:
    booth = Booth(await _open(ScriptedTTS()))

    def texts() -> AsyncGenerator[str, None]:
        raise KeyError("no such")

    await booth.speak(texts)
    assert isinstance(booth.told[-1], ev.UtteranceFailed)


async def test_a_cancellation_of_something_within_the_agent_fails_the_utterance() -> None:
    booth = Booth(await _open(ScriptedTTS()))

    async def texts() -> AsyncGenerator[str, None]:
        gone: asyncio.Future[str] = asyncio.get_running_loop().create_future()
        gone.cancel()
        yield await gone

    await booth.speak(texts)
    assert isinstance(booth.told[-1], ev.UtteranceFailed)


async def test_being_cut_closes_agent_and_tts_and_tells_nothing() -> None:
    tts = ScriptedTTS(part_delay=0.1)
    stream = await tts.open_stream()
    booth = Booth(stream)
    closed = []

    async def texts() -> AsyncGenerator[str, None]:
        try:
            yield "One two three four. "
            yield "More."
        finally:
            closed.append(True)

    speaking = asyncio.create_task(booth.speak(texts))
    await asyncio.sleep(0.25)
    told = booth.names()
    speaking.cancel()
    await asyncio.wait([speaking])
    assert (stream.cut, closed, booth.names()) == (["One two three four. "], [True], told)
    await Booth(stream).speak(saying("Again."))


def _deaf_to_cuts() -> tuple[Texts, list[str]]:
    """An agent that swallows being cut, and goes on for ever."""
    log: list[str] = []

    async def texts() -> AsyncGenerator[str, None]:
        yield "One two three four. "
        try:
            await asyncio.sleep(1000)
        except asyncio.CancelledError:
            log.append("swallowed")
        try:
            while True:
                yield "And on and on and on it goes. "
        finally:
            log.append("closed")

    return texts, log


async def test_an_agent_that_swallows_being_cut_is_closed_at_its_next_word() -> None:
    stream = await ScriptedTTS().open_stream()
    booth = Booth(stream, ahead=2)
    texts, log = _deaf_to_cuts()
    speaking = asyncio.create_task(booth.speak(texts))
    await asyncio.sleep(1)
    booth.track.drop()
    speaking.cancel()
    await asyncio.wait([speaking], timeout=1)
    assert log == ["swallowed", "closed"]
    assert speaking.done()
    await asyncio.wait_for(Booth(stream).speak(saying("Again.")), 1)


async def test_a_megabyte_without_a_mark_waits_for_the_ear() -> None:
    tts = ScriptedTTS()
    booth = Booth(await _open(tts), ahead=1)
    speaking = asyncio.create_task(booth.speak(saying("word " * 200_000)))
    await asyncio.sleep(10)
    assert booth.track._waiting <= 24000 * 1.2
    assert len(tts.texts) < 3
    assert max(len(text) for text in tts.texts) < 2000
    speaking.cancel()
    await asyncio.wait([speaking])


class _Empty(TTSStream):
    """Gives parts without a sample."""

    async def synthesize(
        self, text: str, options: SpeechOptions = PLAIN_SPEECH
    ) -> AsyncGenerator[Part, None]:
        for _ in range(3):
            yield Part(AudioFrame(np.zeros(0, np.int16), 24000))

    async def aclose(self) -> None:
        pass


async def test_parts_without_a_sample_are_no_audio() -> None:
    booth = Booth(_Empty())
    await booth.speak(saying("One."))
    failed = booth.told[-1]
    assert isinstance(failed, ev.UtteranceFailed)
    assert failed.error == "the TTS gave no audio"
