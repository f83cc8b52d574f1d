"""Where each side's samples stand in a recording."""

from __future__ import annotations

import wave
from pathlib import Path

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from numpy.typing import NDArray

from beluga_voice.recording import CallRecording

RATE = 1000
FRAME = 20


def tracks(path: Path) -> tuple[list[int], list[int]]:
    with wave.open(str(path)) as read:
        both = np.frombuffer(read.readframes(read.getnframes()), "<i2").reshape(-1, 2)
    return both[:, 0].tolist(), both[:, 1].tolist()


def block(value: int, count: int = FRAME) -> NDArray[np.int16]:
    return np.full(count, value, np.int16)


@pytest.fixture
def path(tmp_path: Path) -> Path:
    return tmp_path / "call.wav"


def test_both_sides_stand_where_they_were_said(path: Path) -> None:
    recording = CallRecording(path, RATE)
    for value in range(1, 6):
        recording.add_caller(block(value))
    recording.add_agent(block(-1), 33)
    recording.close()
    caller, agent = tracks(path)
    assert caller == [value for value in range(1, 6) for _ in range(FRAME)]
    assert agent == [0] * 33 + [-1] * FRAME + [0] * 47


def test_an_agent_who_speaks_last_is_recorded_to_the_end(path: Path) -> None:
    recording = CallRecording(path, RATE)
    recording.add_caller(block(1))
    recording.add_agent(block(2), 20)
    recording.close()
    assert tracks(path) == ([1] * FRAME + [0] * FRAME, [0] * FRAME + [2] * FRAME)


def test_frames_of_one_utterance_abut_though_the_timer_is_late_or_early(path: Path) -> None:
    recording = CallRecording(path, RATE)
    for value, position in [(1, 100), (2, 121), (3, 139), (4, 169)]:
        recording.add_agent(block(value), position)
    recording.close()
    assert tracks(path)[1] == [0] * 100 + [value for value in (1, 2, 3, 4) for _ in range(FRAME)]


def test_a_pause_is_kept_to_the_sample(path: Path) -> None:
    recording = CallRecording(path, RATE)
    recording.add_agent(block(1), 0)
    recording.add_agent(block(2), 31)
    recording.close()
    assert tracks(path)[1] == [1] * FRAME + [0] * 11 + [2] * FRAME


def test_after_a_short_frame_the_next_stands_where_it_was_sent(path: Path) -> None:
    recording = CallRecording(path, RATE)
    recording.add_agent(block(1, 15), 0)
    recording.add_agent(block(2), 20)
    recording.close()
    assert tracks(path)[1] == [1] * 15 + [0] * 5 + [2] * FRAME


def test_utterances_do_not_overlap(path: Path) -> None:
    recording = CallRecording(path, RATE)
    recording.add_agent(block(1, 15), 5)
    recording.add_agent(block(2), 10)
    recording.close()
    assert tracks(path)[1] == [0] * 5 + [1] * 15 + [2] * FRAME


@given(starts=st.lists(st.integers(0, 400), max_size=8), frames=st.integers(0, 420))
def test_a_long_call_is_written_as_it_was_spoken(
    tmp_path_factory: pytest.TempPathFactory, starts: list[int], frames: int
) -> None:
    path = tmp_path_factory.mktemp("call") / "call.wav"
    recording = CallRecording(path, RATE)
    agent = np.zeros(FRAME * max([frames, *(start + 1 for start in starts)]), np.int16)
    caller = np.zeros_like(agent)
    for index in range(len(agent) // FRAME):
        span = slice(index * FRAME, (index + 1) * FRAME)
        if index in starts:
            agent[span] = -index - 1
            recording.add_agent(agent[span], span.start)
        if index < frames:
            caller[span] = index + 1
            recording.add_caller(caller[span])
    recording.close()
    assert tracks(path) == (caller.tolist(), agent.tolist())


def test_an_agent_who_is_far_ahead_is_recorded_once(path: Path) -> None:
    recording = CallRecording(path, RATE)
    recording.add_agent(block(7, 4 * RATE), 0)
    for _ in range(1000):
        recording.add_caller(block(1))
    recording.close()
    assert tracks(path)[1] == [7] * 4000 + [0] * 16000


def test_what_is_killed_opens_and_lacks_two_seconds_at_most(path: Path) -> None:
    recording = CallRecording(path, RATE)
    for index in range(500):
        recording.add_agent(block(-1), index * FRAME)
        recording.add_caller(block(index))
    caller, agent = tracks(path)
    assert len(caller) > 500 * FRAME - 2 * RATE
    assert caller == [index // FRAME for index in range(len(caller))]
    assert set(agent) == {-1}
    recording.close()


def test_closes_twice(path: Path) -> None:
    recording = CallRecording(path, RATE)
    recording.add_caller(block(1))
    recording.close()
    recording.close()
    assert tracks(path)[0] == [1] * FRAME


def test_a_call_without_a_sample_is_a_file_without_a_sample(path: Path) -> None:
    CallRecording(path, RATE).close()
    assert tracks(path) == ([], [])


def test_the_caller_s_frames_abut_though_they_come_late(path: Path) -> None:
    recording = CallRecording(path, RATE)
    for value, position in [(1, 0), (2, 27), (3, 41), (4, 150)]:
        recording.add_caller(block(value), position)
    recording.close()
    assert tracks(path)[0] == [value for value in (1, 2, 3, 4) for _ in range(FRAME)]


def test_a_silent_line_is_silence_of_its_length(path: Path) -> None:
    recording = CallRecording(path, RATE)
    recording.add_caller(block(1), 100)
    recording.add_caller(block(2), 120_000)
    recording.add_agent(block(3), 119_990)
    recording.close()
    caller, agent = tracks(path)
    assert caller == [0] * 100 + [1] * FRAME + [0] * (120_000 - 120) + [2] * FRAME
    assert agent == [0] * 119_990 + [3] * FRAME + [0] * 10


def test_a_caller_who_comes_all_at_once_does_not_fill_the_memory(path: Path) -> None:
    recording = CallRecording(path, RATE)
    for index in range(90):
        recording.add_caller(block(index, RATE), 0)
    kept = recording._pending.nbytes
    recording.close()
    assert kept <= 80 * RATE * 4
    assert tracks(path)[0] == [index for index in range(90) for _ in range(RATE)]
