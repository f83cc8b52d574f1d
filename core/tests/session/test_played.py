"""The reference of an echo canceller: what was played, at the time of what is heard."""

from __future__ import annotations

import asyncio

import numpy as np
import pytest
from numpy.typing import NDArray

from beluga_voice import VoiceSession
from beluga_voice.audio import AudioFrame, Resampler
from beluga_voice.session.played import BEHIND, KEPT, Played
from beluga_voice.testing import (
    AmplitudeVAD,
    LoopbackTransport,
    ScriptedNoiseSuppressor,
    ScriptedSTT,
    ScriptedTTS,
    sounds,
)

RATE = 16000
FRAME = 320


def frame_of(samples: NDArray[np.int16]) -> AudioFrame:
    return AudioFrame(samples, RATE)


def talk(seconds: float = 1.0) -> list[AudioFrame]:
    return list(sounds.frames(sounds.speech_like(seconds, RATE), RATE))


def read(played: Played, since: float, count: int = FRAME) -> AudioFrame | None:
    return played.read(frame_of(np.zeros(count, np.int16)), since)


def behind(samples: NDArray[np.int16], by: float = BEHIND) -> NDArray[np.int16]:
    count = round(by * RATE)
    return np.concatenate([np.zeros(count, np.int16), samples[: len(samples) - count]])


def test_nothing_is_known_before_anything_was_played() -> None:
    assert read(Played(RATE, RATE), 7.0) is None


@pytest.mark.parametrize("order", ["played first", "heard first"])
@pytest.mark.parametrize("late", [0.0, 0.003, -0.001])
def test_frames_are_read_without_gap_or_repeat(order: str, late: float) -> None:
    played, found = Played(RATE, RATE), []
    frames = talk()
    for number, frame in enumerate(frames):
        now = 5 + number * 0.02
        if order == "played first":
            played.add(frame, now + (late if number % 3 else 0))
        if number:
            found.append(read(played, now - 0.02))
        if order == "heard first":
            played.add(frame, now + (late if number % 3 else 0))
    reference = np.concatenate([each.samples for each in found if each is not None])
    said = np.concatenate([each.samples for each in frames])
    assert len(reference) == len(said) - FRAME
    lags = [
        lag for lag in range(400) if np.array_equal(reference[400 + lag : 12000], said[400 : 12000 - lag])
    ]
    assert len(lags) == 1, "the delay is not always the same"
    assert BEHIND * RATE <= lags[0] + 0 <= (BEHIND + 0.01) * RATE


def test_a_frame_after_a_pause_stands_at_its_time() -> None:
    played = Played(RATE, RATE)
    one, two = talk(0.04)
    played.add(one, 1.0)
    played.add(two, 3.5)
    assert read(played, 2.0) is not None, "silence within what is kept"
    heard = read(played, 3.5)
    assert heard is not None
    assert np.array_equal(heard.samples, behind(two.samples))


def test_the_short_last_frame_of_an_utterance_is_followed_at_the_pacers_next_frame() -> None:
    played = Played(24000, RATE)
    sound = sounds.speech_like(0.02, 24000)
    played.add(AudioFrame(sound[:312], 24000), 1.0)
    played.add(AudioFrame(sound, 24000), 1.02)
    heard = read(played, 1.0, 2 * FRAME)
    assert heard is not None
    first = Resampler(24000, RATE)
    begun = np.concatenate([first.process(sound[:312]), first.flush()])
    whole = Resampler(24000, RATE).process(sound)
    expected = np.concatenate([begun, np.zeros(FRAME - len(begun), np.int16), whole])
    assert np.array_equal(heard.samples[:600], behind(expected)[:600])


def test_what_is_long_over_is_not_kept() -> None:
    played = Played(RATE, RATE)
    for number, frame in enumerate(talk(3)):
        played.add(frame, number * 0.02)
    assert read(played, 0.1) is None
    assert read(played, 3.0 - KEPT + 0.1) is not None
    assert read(played, 9.0) is None


def test_a_long_pause_takes_no_memory_or_time() -> None:
    played = Played(RATE, RATE)
    (frame,) = talk(0.02)
    played.add(frame, 0.0)
    played.add(frame, 1e5)
    heard = read(played, 1e5)
    assert heard is not None
    assert np.array_equal(heard.samples, behind(frame.samples))


def test_the_reading_follows_a_jump_of_the_callers_time() -> None:
    played = Played(RATE, RATE)
    frames = talk()
    for number, frame in enumerate(frames):
        played.add(frame, number * 0.02)
    said = np.concatenate([each.samples for each in frames])
    read(played, 0.1)
    drifted, jumped = read(played, 0.125), read(played, 0.5)
    assert drifted is not None
    assert jumped is not None
    at = round((0.12 - BEHIND) * RATE)
    assert np.array_equal(drifted.samples, said[at : at + FRAME])
    at = round((0.5 - BEHIND) * RATE)
    assert np.array_equal(jumped.samples, said[at : at + FRAME])


@pytest.mark.parametrize("rate", [8000, 24000, 48000])
def test_another_rate_is_converted(rate: int) -> None:
    played, found = Played(rate, RATE), []
    sound = sounds.speech_like(1.0, rate)
    for number, frame in enumerate(sounds.frames(sound, rate)):
        played.add(frame, number * 0.02)
        if number:
            found.append(read(played, (number - 1) * 0.02))
    reference = np.concatenate([each.samples for each in found if each is not None])
    expected = behind(Resampler(rate, RATE).process(sound))
    assert np.array_equal(reference[640:], expected[640 : len(reference)])


async def hear_the_agent(*, cancels_echo: bool) -> tuple[list[AudioFrame | None], NDArray[np.int16]]:
    suppressor = ScriptedNoiseSuppressor(cancels_echo=cancels_echo)
    line, tts = LoopbackTransport(), ScriptedTTS()
    async with AmplitudeVAD() as vad, suppressor:
        session = VoiceSession(
            stt=ScriptedSTT([]), tts=tts, vad=vad, noise_suppressor=suppressor, transport=line
        )
        async with session:
            await line.silence(0.1)
            session.say("one two three four")
            await asyncio.sleep(0)
            await line.silence(1.5)
    sent = np.concatenate([each.frame.samples for each in line.sent])
    return list(suppressor.streams[0].played), Resampler(24000, RATE).process(sent)


async def test_a_session_tells_an_echo_canceller_what_it_has_played() -> None:
    told, sent = await hear_the_agent(cancels_echo=True)
    first = next(number for number, each in enumerate(told) if each is not None)
    assert first * 0.02 == pytest.approx(0.1, abs=0.021)
    known = np.concatenate([np.zeros(FRAME, np.int16) if each is None else each.samples for each in told])
    at = int(np.argmax(known != 0))
    skip = int(np.argmax(sent != 0))
    assert np.array_equal(known[at : at + len(sent) - skip], sent[skip:])
    assert told[-1] is None, "nothing was played any more"


async def test_a_suppressor_that_cancels_no_echo_is_told_nothing() -> None:
    told, _ = await hear_the_agent(cancels_echo=False)
    assert told == [None] * len(told)
