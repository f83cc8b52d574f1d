"""A folder to work in, callers' files, and the command line as users meet it."""

from __future__ import annotations

import os
import subprocess
import sys
import wave
from collections.abc import Callable, Iterator
from pathlib import Path

import numpy as np
import pytest
from click.testing import CliRunner, Result
from numpy.typing import NDArray

from beluga_voice.audio import Resampler
from beluga_voice.cli import main
from beluga_voice.clock import run_virtual
from beluga_voice.demo.sounds import synthesise
from beluga_voice_espeak.settings import EspeakSettings
from beluga_voice_espeak.tts import EspeakTTS

GRAMMAR = """#JSGF V1.0;
grammar cards;
<rank> = two | five | seven | jack | queen | king;
<suit> = clubs | diamonds | hearts | spades;
public <cards> = (<rank> of <suit>)+;
"""

RATE = 16000

Run = Callable[..., Result]


@pytest.fixture(autouse=True)
def folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Path]:
    """Work in an empty folder and environment; forget the modules that were imported from it."""
    monkeypatch.chdir(tmp_path)
    monkeypatch.setattr(sys, "path", list(sys.path))
    for name in [name for name in os.environ if name.startswith("BELUGA_VOICE_")]:
        monkeypatch.delenv(name)
    yield tmp_path
    for name, module in list(sys.modules.items()):
        if (getattr(module, "__file__", None) or "").startswith(str(tmp_path)):
            del sys.modules[name]


@pytest.fixture
def run() -> Run:
    """Run `beluga-voice` in this process; what it does not foresee is raised."""

    def run(*arguments: object, text: str | bytes | None = None) -> Result:
        return CliRunner().invoke(main, [str(each) for each in arguments], input=text, catch_exceptions=False)

    return run


@pytest.fixture
def start() -> Callable[..., subprocess.Popen[bytes]]:
    """Start `beluga-voice` as a process."""

    def start(*arguments: object, **streams: object) -> subprocess.Popen[bytes]:
        command = [sys.executable, "-m", "beluga_voice", *map(str, arguments)]
        chosen = {"stdout": subprocess.PIPE, "stderr": subprocess.PIPE} | streams
        return subprocess.Popen(command, **chosen)  # type: ignore[call-overload,no-any-return]

    return start


@pytest.fixture(scope="session")
def speech() -> NDArray[np.int16]:
    """`king of diamonds`, spoken, after half a second of the room's noise; 16 kHz."""
    return spoken("king of diamonds")


def spoken(text: str) -> NDArray[np.int16]:
    async def synthesised() -> tuple[NDArray[np.int16], int]:
        async with EspeakTTS(EspeakSettings(rate=150)) as tts:
            return await synthesise(tts, text), tts.sample_rate

    samples, own = run_virtual(synthesised())
    resampler = Resampler(own, RATE)
    said = np.concatenate([np.zeros(RATE // 2, np.int16), resampler.process(samples), resampler.flush()])
    noise = np.random.default_rng(0).normal(0, 6, len(said))
    return np.clip(said + noise, -32768, 32767).astype(np.int16)


@pytest.fixture
def caller(folder: Path, speech: NDArray[np.int16]) -> Path:
    """A WAV file of a caller."""
    return write(folder / "caller.wav", speech)


@pytest.fixture
def grammar(folder: Path) -> str:
    """The setting by which the recognizer hears cards."""
    file = folder / "cards.gram"
    file.write_text(GRAMMAR, encoding="utf-8")
    return f"stt.grammar={file}"


def write(file: Path, samples: NDArray[np.int16], rate: int = RATE) -> Path:
    with wave.open(str(file), "wb") as wav:
        wav.setparams((1, 2, rate, 0, "NONE", ""))
        wav.writeframes(samples.astype("<i2").tobytes())
    return file


def is_one_sentence(text: str) -> bool:
    """Whether `text` is one line that begins with ``error:`` and has no traceback."""
    return text.startswith("error: ") and text.count("\n") == 1 and "Traceback" not in text
