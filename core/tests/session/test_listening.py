"""What the hearing side of a session gives to its turn detector."""

from __future__ import annotations

from typing import Any

import numpy as np

from beluga_voice.testing import ScriptedTurnDetector


async def test_a_detector_that_judges_by_sound_gets_the_audio_of_the_open_turn_alone(running: Any) -> None:
    detector = ScriptedTurnDetector(audio_seconds=8)
    hears = ["hello there", "once more"]
    async with running(turn_detector=detector, hears=hears, agent=None, turns={"pre_roll": 0.2}) as rig:
        await rig.line.speak(2.0)
        await rig.line.silence(1.5)
        await rig.line.speak(1.0)
        await rig.line.silence(1.5)
    frames = [context.audio for context in detector.asked]
    assert all(frame is not None and frame.sample_rate == 16000 for frame in frames)
    voiced = [round(np.count_nonzero(frame.samples) / 16000, 1) for frame in frames]
    lengths = [len(frame.samples) / 16000 for frame in frames]
    assert (voiced[0], voiced[-1]) == (2.0, 1.0), "the turn before is not in it"
    assert 2.2 < lengths[0] < 3.5
    assert 1.2 < lengths[-1] < 2.5


async def test_a_long_turn_is_judged_by_its_end(running: Any) -> None:
    detector = ScriptedTurnDetector(audio_seconds=3)
    async with running(turn_detector=detector, agent=None) as rig:
        await rig.line.speak(7.0)
        await rig.line.silence(1.0)
    assert {len(context.audio.samples) for context in detector.asked} == {48000}


async def test_a_detector_that_judges_words_gets_no_audio(running: Any) -> None:
    detector = ScriptedTurnDetector()
    async with running(turn_detector=detector, agent=None) as rig:
        await rig.line.speak(1.0)
        await rig.line.silence(1.0)
    assert [context.audio for context in detector.asked] == [None]
