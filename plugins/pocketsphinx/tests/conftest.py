"""Recordings, a grammar, and how they are sent to a stream as a session would."""

from __future__ import annotations

import json
import wave
from collections.abc import Callable
from pathlib import Path

import numpy as np
import pytest
from numpy.typing import NDArray

from beluga_voice.audio import AudioFrame, Resampler
from beluga_voice_pocketsphinx.settings import PocketSphinxSettings
from beluga_voice_pocketsphinx.stt import PocketSphinxSTT

ROOT = Path(__file__).parents[3]
RECORDINGS = ROOT.parent / "shared" / "audio"
PRE_ROLL, TAIL = 6400, 4800
ANSWERS = """#JSGF V1.0;
grammar answers;
public <answer> = yes | no | hello world | stop | cancel | help | goodbye;
"""
CARDS = """#JSGF V1.0;
grammar cards;
public <cards> = <card>+;
<card> = <rank> of <suit>;
<rank> = ace | two | three | four | five | six | seven | eight | nine | ten | jack | queen | king;
<suit> = clubs | spades | hearts | diamonds;
"""

DICTIONARY = """yes Y EH S
no N OW
hello HH AH L OW
hello(2) HH EH L OW
world W ER L D
stop S T AA P
cancel K AE N S AH L
help HH EH L P
goodbye G UH D B AY
"""

Say = Callable[[str], list[AudioFrame]]
Make = Callable[..., PocketSphinxSTT]


@pytest.fixture
def answers(tmp_path: Path) -> Path:
    """A small grammar."""
    path = tmp_path / "answers.gram"
    path.write_text(ANSWERS)
    return path


@pytest.fixture
def dictionary(tmp_path: Path) -> Path:
    """The words of the small grammar, with which a worker starts in a third of the time."""
    path = tmp_path / "answers.dict"
    path.write_text(DICTIONARY)
    return path


@pytest.fixture
def cards(tmp_path: Path) -> Path:
    path = tmp_path / "cards.gram"
    path.write_text(CARDS)
    return path


@pytest.fixture
def make(answers: Path, dictionary: Path) -> Make:
    """Makes a provider with one worker and, unless told otherwise, the small grammar and its dictionary."""

    def make(**settings: object) -> PocketSphinxSTT:
        defaults: dict[str, object] = {"workers": 1}
        if "grammar" not in settings:
            defaults |= {"grammar": answers, "dictionary": dictionary}
        return PocketSphinxSTT(PocketSphinxSettings.model_validate(defaults | settings))

    return make


@pytest.fixture
def say() -> Say:
    """Gives a recording as the frames that a session sends of it; skips where the recordings are not."""

    def say(name: str) -> list[AudioFrame]:
        path = RECORDINGS / name
        if not path.exists():
            pytest.skip(f"no recording {path}; the recordings are not part of the repository")
        return frames(_speech(_read(path)))

    return say


@pytest.fixture
def transcript() -> Callable[[str], str]:
    """Tells what is said in a recording."""

    def transcript(name: str) -> str:
        manifest = json.loads((RECORDINGS / "manifest.json").read_text())
        return next(str(entry["transcript"]) for entry in manifest if entry["file"] == name)

    return transcript


@pytest.fixture
def buzz() -> list[AudioFrame]:
    """Five vowels of 0.3 s, a, i and o in turn, by harmonics of 120 Hz: sound as of a voice, but no words."""
    formants = {
        "a": (730, 1090, 2440),
        "i": (270, 2290, 3010),
        "o": (570, 840, 2410),
    }  # Peterson, Barney 1952
    t = np.arange(4800) / 16000
    vowels = []
    for vowel in "aioai":
        sound = np.zeros(len(t))
        for frequency in range(120, 4000, 120):
            gain = sum(1 / (1 + ((frequency - formant) / 80) ** 2) for formant in formants[vowel])
            sound += gain * np.sin(2 * np.pi * frequency * t)
        vowels.append(2500 * np.sin(np.pi * t / t[-1]) * sound)
    return frames(np.concatenate(vowels).astype(np.int16))


def frames(samples: NDArray[np.int16]) -> list[AudioFrame]:
    return [AudioFrame(samples[at : at + 320], 16000, at) for at in range(0, len(samples), 320)]


def _read(path: Path) -> NDArray[np.int16]:
    with wave.open(str(path)) as file:
        data = np.frombuffer(file.readframes(file.getnframes()), "<i2").reshape(-1, file.getnchannels())
        resampler = Resampler(file.getframerate(), 16000)
    mono = data.astype(np.int32).mean(axis=1).astype(np.int16)
    return np.concatenate([resampler.process(mono), resampler.flush()])


def _speech(samples: NDArray[np.int16]) -> NDArray[np.int16]:
    """Cut from 0.4 s before the first loud 20 ms to 0.3 s after the last."""
    whole = samples[: len(samples) // 320 * 320].astype(np.float64).reshape(-1, 320)
    level = 10 * np.log10((whole**2).mean(axis=1) + 1)
    loud = np.nonzero(level > max(np.percentile(level, 5) + 12, level.max() - 38))[0]
    start, stop = loud[0] * 320, (loud[-1] + 1) * 320
    return samples[max(0, start - PRE_ROLL) : stop + TAIL]
