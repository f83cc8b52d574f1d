from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from numpy.typing import NDArray
from pydantic import ValidationError

import beluga_voice.events as ev
from beluga_voice import VoiceSession
from beluga_voice.audio import AudioFrame, Resampler
from beluga_voice.testing import (
    AmplitudeVAD,
    LoopbackTransport,
    ScriptedAgent,
    ScriptedSTT,
    ScriptedTTS,
    check_noise_suppressor,
    sounds,
)
from beluga_voice_webrtc_audio.settings import WebRTCAudioSettings
from beluga_voice_webrtc_audio.suppressor import WebRTCNoiseSuppressor, WebRTCStream

RATE = 16000


def level(samples: NDArray[np.int16]) -> float:
    """Power in dB."""
    return 10 * float(np.log10(np.mean(samples.astype(float) ** 2) + 1e-9))


def run(
    stream: WebRTCStream, near: NDArray[np.int16], far: NDArray[np.int16] | None = None
) -> NDArray[np.int16]:
    out = []
    for at in range(0, len(near), 320):
        played = None if far is None else AudioFrame(far[at : at + 320], RATE)
        out.append(stream.process(AudioFrame(near[at : at + 320], RATE, at), played).samples)
    return np.concatenate(out)


def voice_like(seconds: float, seed: int = 1) -> NDArray[np.int16]:
    """Noise in syllables: wide-band, and never the same."""
    rng = np.random.default_rng(seed)
    count = round(seconds * RATE)
    syllables = np.clip(np.sin(2 * np.pi * 3 * np.arange(count) / RATE), 0, 1)
    samples: NDArray[np.int16] = (rng.standard_normal(count) * syllables * 4000).astype(np.int16)
    return samples


@pytest.mark.parametrize(
    "changes", [{}, {"gain": True}, {"echo": False, "noise": "off"}, {"noise": "very-high"}]
)
async def test_it_keeps_the_contract(changes: dict[str, object]) -> None:
    await check_noise_suppressor(lambda: WebRTCNoiseSuppressor(WebRTCAudioSettings.model_validate(changes)))


@pytest.mark.parametrize("delay", [0.0, 0.06, 0.2])
def test_an_echo_is_taken_out_whatever_its_delay(delay: float) -> None:
    far = voice_like(8)
    near = np.roll(far, round(delay * RATE)) // 2
    out = run(WebRTCStream(WebRTCAudioSettings(noise="off")), near, far)
    assert level(near[-3 * RATE :]) - level(out[-3 * RATE :]) > 15


def test_an_echo_stays_where_nothing_is_known_of_what_was_played_or_it_is_turned_off() -> None:
    far = voice_like(4)
    for stream, played in (
        (WebRTCStream(WebRTCAudioSettings(noise="off")), None),
        (WebRTCStream(WebRTCAudioSettings(noise="off", echo=False)), far),
    ):
        out = run(stream, far // 2, played)
        assert level(far[-2 * RATE :] // 2) - level(out[-2 * RATE :]) < 3


def test_more_noise_is_taken_out_at_each_level() -> None:
    noise = sounds.noise(5, RATE, level=0.02)
    left = [
        level(
            run(WebRTCStream(WebRTCAudioSettings.model_validate({"noise": name, "echo": False})), noise)[
                -RATE:
            ]
        )
        for name in ("off", "low", "moderate", "high")
    ]
    assert left == sorted(left, reverse=True)
    assert left[0] - left[2] > 9


def test_a_quiet_caller_is_made_louder() -> None:
    quiet = (sounds.speech_like(8, RATE) * 0.02).astype(np.int16)
    plain = run(WebRTCStream(WebRTCAudioSettings(echo=False, noise="off")), quiet)
    louder = run(WebRTCStream(WebRTCAudioSettings(echo=False, noise="off", gain=True)), quiet)
    assert level(louder[-RATE:]) - level(plain[-RATE:]) > 6


@settings(max_examples=20, deadline=None)
@given(st.lists(st.integers(1, 700), min_size=1, max_size=12))
def test_frames_of_any_length_give_the_same_audio_at_most_10_ms_later(lengths: list[int]) -> None:
    lengths = [*lengths, *[320] * 10]
    total = sum(lengths)
    near, far = voice_like(1, 2)[:total], voice_like(1, 3)[:total]
    stream, out, at = WebRTCStream(WebRTCAudioSettings()), [], 0
    for length in lengths:
        part = slice(at, min(at + length, len(near)))
        if part.start < part.stop:
            frame = AudioFrame(near[part], RATE, at)
            got = stream.process(frame, AudioFrame(far[part], RATE, at))
            assert (len(got), got.position) == (len(frame), at)
            out.append(got.samples)
            at = part.stop
    found = np.concatenate(out)
    whole = len(near) - len(near) % 320
    expected = run(WebRTCStream(WebRTCAudioSettings()), near[:whole], far[:whole])
    ends = [len(found) - late for late in range(160)]
    assert any(
        np.array_equal(found[late + end - 1600 : late + end], expected[end - 1600 : end])
        for late in range(160)
        for end in [min(ends[late], len(expected))]
    )


async def echoing(*, echo: bool, barge_in: bool) -> list[ev.Event]:
    """The agent speaks; its voice comes back 60 ms later and 6 dB quieter. The events of the session."""
    suppressor = WebRTCNoiseSuppressor(WebRTCAudioSettings(echo=echo))
    line = LoopbackTransport()
    events: list[ev.Event] = []
    tts = ScriptedTTS(audio=[Resampler(RATE, 24000).process(voice_like(6))])
    async with AmplitudeVAD() as vad, suppressor:
        session = VoiceSession(
            stt=ScriptedSTT(["wait stop"] * 20), tts=tts, vad=vad, noise_suppressor=suppressor,
            agent=ScriptedAgent(["well"] * 20), transport=line,
        )  # fmt: skip
        session.on_event(events.append)
        async with session:
            await line.silence(0.1)
            session.say("a long announcement")
            await echo_back(line, 6.5, barge_in=barge_in)
    return events


async def echo_back(line: LoopbackTransport, seconds: float, *, barge_in: bool) -> None:
    began = len(line.heard) * 2 // 3
    for step in range(round(seconds / 0.02)):
        heard = Resampler(24000, RATE).process(line.heard)
        end = (step + 1) * 320 - 960 + began
        near = np.zeros(320, np.int16)
        part = heard[max(0, end - 320) : max(0, end)] // 2
        near[320 - len(part) :] = part
        if barge_in and 200 <= step < 280:
            near = near + sounds.speech_like(2, RATE)[(step - 200) * 320 :][:320]
        await line.play(near)


async def test_the_agents_own_voice_interrupts_it_without_and_not_with_echo_cancellation() -> None:
    assert any(isinstance(event, ev.SpeechStarted) for event in await echoing(echo=False, barge_in=False))
    assert not any(isinstance(event, ev.SpeechStarted) for event in await echoing(echo=True, barge_in=False))


async def test_a_caller_is_heard_over_the_agents_echo() -> None:
    events = await echoing(echo=True, barge_in=True)
    assert any(isinstance(event, ev.BargeIn) for event in events)


@pytest.mark.parametrize("wrong", [{"noise": "extreme"}, {"max_gain": 90}, {"delay": 2}, {"strange": 1}])
def test_settings_that_cannot_be_are_refused(wrong: dict[str, object]) -> None:
    with pytest.raises(ValidationError):
        WebRTCAudioSettings.model_validate(wrong)
