"""The caller's audio on its way to VAD and STT."""

from __future__ import annotations

import asyncio
from collections.abc import Sequence

import numpy as np
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from numpy.typing import NDArray

from beluga_voice import commands as do
from beluga_voice import events as ev
from beluga_voice.audio import AudioFrame
from beluga_voice.contracts import (
    VAD,
    Listens,
    NoiseSuppressor,
    NoiseSuppressorStream,
    ScoreSink,
    VADStream,
)
from beluga_voice.errors import AudioError, ClosedError, ProviderError
from beluga_voice.session import VoiceSession
from beluga_voice.session.hearing import Hearing
from beluga_voice.testing import AmplitudeVAD, ScriptedSTT, ScriptedTTS
from beluga_voice.testing.sounds import noise, silence
from beluga_voice.turns import TurnPolicy

RATE = 16000


class FailsOnce(ScriptedSTT):
    """Its first stream breaks down, the next ones do not."""

    async def open_stream(self):  # type: ignore[no-untyped-def]
        if self.streams:
            self.fails_after = None
        return await super().open_stream()


class Spans:
    """Which samples the session was told to send: from each speech start less the pre-roll to the close."""

    def __init__(self, session: VoiceSession, pre_roll: int) -> None:
        self.spans: list[tuple[int, int]] = []
        self._session = session
        self._start: int | None = None
        self._pre_roll = pre_roll
        session.on_decision(self._decided)

    def _decided(self, _: ev.Observed, commands: Sequence[do.Command]) -> None:
        for command in commands:
            if isinstance(command, do.StartHearing) and self._start is None:
                self._start = max(0, command.position - self._pre_roll)
            elif isinstance(command, do.StopHearing):
                self.close()

    def close(self) -> None:
        if self._start is not None:
            assert self._session._call is not None
            self.spans.append((self._start, self._session._call._listening.hearing.ring.end))
            self._start = None


def _caller(bursts: Sequence[tuple[float, float]]) -> NDArray[np.int16]:
    """Silence and noise by turns: no two stretches of it are alike, loud or soft."""
    parts = []
    for number, (gap, burst) in enumerate(bursts):
        parts.append(noise(gap, seed=2 * number, level=0.0005))
        parts.append(noise(burst, seed=2 * number + 1))
    return np.concatenate([*parts, noise(1.0, seed=999, level=0.0005)])


async def _hear(
    stt: ScriptedSTT, vad_delay: float, audio: NDArray[np.int16], sizes: Sequence[int], pre_roll: float
) -> Spans:
    vad = AmplitudeVAD(delay=vad_delay)
    async with vad:
        session = VoiceSession(
            stt=stt, tts=ScriptedTTS(), vad=vad, turns=TurnPolicy(pre_roll=pre_roll, transcript_deadline=0.5)
        )
        spans = Spans(session, round(pre_roll * RATE))
        async with session:
            at = number = 0
            while at < len(audio):
                part = audio[at : at + sizes[number % len(sizes)]]
                await asyncio.sleep(len(part) / RATE)
                session.process_audio(AudioFrame(part, RATE, at))
                at, number = at + len(part), number + 1
            await asyncio.sleep(5)
            spans.close()
    return spans


def _positions(stt: ScriptedSTT, audio: NDArray[np.int16]) -> NDArray[np.int64]:
    """Where in `audio` what the streams got stood, each once; it must be there as it was, in order.

    The stream that follows one that failed may have got again what was in no final.
    """
    positions = np.zeros(0, np.int64)
    for stream in stt.streams:
        spans = [np.zeros(0, np.int64)]
        for frame in stream.frames:
            assert np.array_equal(frame.samples, audio[frame.position : frame.position + len(frame)])
            spans.append(np.arange(frame.position, frame.position + len(frame)))
        got = np.concatenate(spans)
        assert np.all(np.diff(got) > 0), "once, and in order"
        positions = np.union1d(positions, got)
    return positions


BURSTS = st.lists(st.tuples(st.floats(0.02, 1.2), st.floats(0.03, 0.8)), min_size=1, max_size=4)
SIZES = st.lists(
    st.sampled_from([1, 7, 160, 320, 333, 480, 960, 4000, 20000]), min_size=1, max_size=5
).filter(lambda sizes: sum(sizes) >= 150 * len(sizes))


@settings(max_examples=20, deadline=None, suppress_health_check=[HealthCheck.too_slow])
@given(
    bursts=BURSTS,
    sizes=SIZES,
    vad_delay=st.sampled_from([0.0, 0.03, 0.4, 1.1]),
    pre_roll=st.sampled_from([0.0, 0.4, 1.0]),
    listens=st.sampled_from(Listens),
    send_delay=st.sampled_from([0.0, 0.005]),
    fails_after=st.sampled_from([None, None, 0.3]),
)
async def test_each_sample_of_a_turn_reaches_the_stt_once_and_in_order(
    bursts: Sequence[tuple[float, float]],
    sizes: Sequence[int],
    vad_delay: float,
    pre_roll: float,
    listens: Listens,
    send_delay: float,
    fails_after: float | None,
) -> None:
    audio = _caller(bursts)
    stt = FailsOnce(
        ["one", "two", "three"], listens=listens, send_delay=send_delay, fails_after=fails_after, delay=0.01
    )
    spans = await _hear(stt, vad_delay, audio, sizes, pre_roll)
    positions = _positions(stt, audio)
    if listens is Listens.ALL:
        assert np.array_equal(positions, np.arange(len(audio)))
        return
    got = np.zeros(len(audio), bool)
    got[positions] = True
    wanted = np.zeros(len(audio), bool)
    for start, end in spans.spans:
        wanted[start:end] = True
        assert got[start:end].all(), f"of {start} to {end}"
    assert not (got & ~wanted).any(), "and no sample beyond"


async def test_a_burst_of_speech_reaches_the_stt_with_its_first_syllable() -> None:
    audio = _caller([(1.0, 0.7)])
    stt = ScriptedSTT(["one"])
    await _hear(stt, 0.05, audio, [320], 0.4)
    positions = _positions(stt, audio)
    assert positions[0] == pytest.approx(RATE - 0.4 * RATE, abs=512)
    assert positions[-1] > 1.7 * RATE


@pytest.mark.parametrize("delay", [0.0, 0.02, 1.0])
async def test_a_megabyte_at_once_is_split_and_heard_whole(delay: float) -> None:
    audio = _caller([(20.0, 5.0), (4.0, 0.5)])[: 1 << 19]
    stt = ScriptedSTT(["one"])
    async with AmplitudeVAD(delay=delay) as vad:
        session = VoiceSession(stt=stt, tts=ScriptedTTS(), vad=vad)
        async with session:
            session.process_audio(audio.astype("<i2").tobytes())
            await asyncio.sleep(5)
    positions = _positions(stt, audio)
    assert np.all(np.diff(positions) > 0)
    assert np.isin(np.arange(round(19.7 * RATE), 25 * RATE), positions).all()


async def test_audio_at_another_rate_is_heard_at_16_khz() -> None:
    stt = ScriptedSTT(listens=Listens.ALL)
    session = VoiceSession(stt=stt, tts=ScriptedTTS())
    async with session:
        for _ in range(50):
            session.process_audio(noise(0.02, 48000).tobytes(), 48000)
    assert sum(len(frame) for frame in stt.streams[0].frames) == pytest.approx(RATE, abs=32)


class _Halves(NoiseSuppressor):
    """Makes all audio half as loud, until it breaks down."""

    def __init__(self, fails_after: int = 10**9) -> None:
        self.fails_after = fails_after
        self.streams: list[_HalvesStream] = []

    def open_stream(self) -> NoiseSuppressorStream:
        stream = _HalvesStream(self)
        self.streams.append(stream)
        return stream


class _HalvesStream(NoiseSuppressorStream):
    def __init__(self, parent: _Halves) -> None:
        self.parent, self.frames, self.closed = parent, 0, False

    def process(self, frame: AudioFrame, played: AudioFrame | None) -> AudioFrame:
        self.frames += 1
        if self.frames > self.parent.fails_after:
            raise ProviderError("the script says so")
        return AudioFrame(frame.samples // 2, frame.sample_rate, frame.position)

    def close(self) -> None:
        self.closed = True


def _hearing(**parts: object) -> tuple[Hearing, list[object]]:
    told: list[object] = []
    arguments: dict[str, object] = {
        "vad": None,
        "noise_suppressor": None,
        "policy": TurnPolicy(),
        "clock": lambda: 0.0,
        "feed": told.append,
        "asks": lambda _: False,
        "scored": None,
        "passed": lambda _: None,
        "failed": lambda kind, error: told.append((kind, error)),
        "deaf": lambda: told.append("deaf"),
        **parts,
    }
    return Hearing(**arguments), told  # type: ignore[arg-type]


def test_a_noise_suppressor_that_fails_is_left_out_from_then_on() -> None:
    suppressor = _Halves(fails_after=2)
    hearing, told = _hearing(noise_suppressor=suppressor)
    loud = np.full(320, 1000, np.int16)
    for number in range(4):
        hearing.process(AudioFrame(loud, RATE, number * 320))
    assert [hearing.ring.read(n * 320, n * 320 + 1)[0] for n in range(4)] == [500, 500, 1000, 1000]
    assert [kind for kind, _ in told] == ["noise_suppressor"]  # type: ignore[misc]
    assert suppressor.streams[0].closed


@pytest.mark.parametrize(
    ("samples", "rate", "text"),
    [
        (np.zeros(0, np.int16), RATE, "shape"),
        (np.zeros(9, np.float32), RATE, "float32"),
        (np.zeros((9, 2), np.int16), RATE, "shape"),
        (np.zeros(9, np.int16), 1000, "1000 Hz"),
        (np.zeros(9, np.int16), 400_000, "400000 Hz"),
    ],
)
def test_audio_that_is_none_is_refused_and_leaves_no_trace(
    samples: NDArray[np.int16], rate: int, text: str
) -> None:
    hearing, _ = _hearing()
    with pytest.raises(AudioError, match=text):
        hearing.process(AudioFrame(samples, rate))
    hearing.process(AudioFrame(np.zeros(10, np.int16), 8000))
    with pytest.raises(AudioError, match="16000 Hz in a call at 8000 Hz"):
        hearing.process(AudioFrame(np.zeros(10, np.int16), 16000))


async def test_closing_closes_both_streams_and_so_does_a_suppressor_that_cannot_be_had() -> None:
    class Unavailable(_Halves):
        def open_stream(self) -> NoiseSuppressorStream:
            raise ClosedError("not open")

    async with AmplitudeVAD() as vad:
        suppressor = _Halves()
        hearing, _ = _hearing(vad=vad, noise_suppressor=suppressor)
        hearing.close()
        hearing.close()
        assert (vad.streams[0].closed, suppressor.streams[0].closed) == (True, True)
        with pytest.raises(ClosedError):
            _hearing(vad=vad, noise_suppressor=Unavailable())
        assert vad.streams[1].closed


async def test_what_is_kept_for_a_late_vad_is_bounded() -> None:
    async with AmplitudeVAD(delay=1000) as vad:
        hearing, _ = _hearing(vad=vad)
        for number in range(300):
            hearing.process(AudioFrame(silence(1), RATE, number * RATE))
        assert hearing.ring.capacity == 120 * RATE


class _Recites(VAD):
    """Its streams score every frame as scripted, then fail."""

    def __init__(self, scores: Sequence[float], *, fails_to_close: bool = False) -> None:
        self.scores = scores
        self.fails_to_close = fails_to_close
        self.streams: list[_RecitesStream] = []

    def open_stream(self, scored: ScoreSink) -> VADStream:
        stream = _RecitesStream(self, scored)
        self.streams.append(stream)
        return stream


class _RecitesStream(VADStream):
    def __init__(self, parent: _Recites, scored: ScoreSink) -> None:
        self.parent, self.scored, self.fed, self.closed = parent, scored, 0, 0

    def feed(self, frame: AudioFrame) -> None:
        if self.fed >= len(self.parent.scores):
            raise ProviderError("the script is over")
        self.scored(frame.position, frame.position + len(frame), self.parent.scores[self.fed])
        self.fed += 1

    def close(self) -> None:
        self.closed += 1
        if self.parent.fails_to_close:
            raise ProviderError("it does not even close")


@pytest.mark.parametrize("fails_to_close", [False, True])
@pytest.mark.parametrize("speaks", [False, True])
def test_a_vad_that_fails_ends_the_speech_it_heard_and_the_stt_alone_hears_on(
    speaks: bool, fails_to_close: bool
) -> None:
    vad = _Recites([1.0 if speaks else 0.0] * 50, fails_to_close=fails_to_close)
    passed: list[AudioFrame] = []
    hearing, told = _hearing(vad=vad, passed=passed.append)
    for number in range(60):
        hearing.process(AudioFrame(silence(0.02), RATE, number * 320))
    kinds = [each[0] if isinstance(each, tuple) else each if each == "deaf" else type(each) for each in told]
    if speaks:
        assert kinds == [ev.SpeechStarted, "vad", ev.SpeechStopped, "deaf"]
    else:
        assert kinds == ["vad", "deaf"]
    assert (vad.streams[0].fed, vad.streams[0].closed) == (50, 1)
    assert [frame.position for frame in passed] == [number * 320 for number in range(60)]


def test_each_score_of_the_vad_is_told_with_its_window() -> None:
    scores: list[tuple[int, int, float]] = []
    hearing, _ = _hearing(vad=_Recites([0.1, 0.4]), scored=lambda *score: scores.append(score))
    for number in range(2):
        hearing.process(AudioFrame(silence(0.02), RATE, number * 320))
    assert scores == [(0, 320, 0.1), (320, 640, 0.4)]
