"""`beluga-voice run` over recordings of people and, where there are none, over synthesised speech."""

from __future__ import annotations

import json
import wave
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from click.testing import CliRunner

from beluga_voice.audio import Resampler
from beluga_voice.cli import main
from beluga_voice.clock import run_virtual
from beluga_voice.demo.sounds import synthesise
from beluga_voice_espeak.settings import EspeakSettings
from beluga_voice_espeak.tts import EspeakTTS

RECORDINGS = Path(__file__).resolve().parents[2] / "shared" / "audio"

CARDS = """#JSGF V1.0;
grammar cards;
<rank> = ace | two | three | four | five | six | seven | eight | nine | ten | jack | queen | king;
<suit> = clubs | diamonds | hearts | spades;
public <cards> = (<rank> of <suit>)+;
"""
BY_GRAMMAR = {
    "ps_cards_001": "ten of clubs",
    "ps_cards_003": "seven of clubs",
    "ps_cards_005": "eight of spades four of clubs seven of hearts",
}
BY_DICTATION = {
    "lk_hello_world": "hello world",
    "lk_weather_question": "what is the weather in paris",
    "ps_goforward": "go forward ten meters",
    "ps_tidigits_dhd_2934z": "two nine three four zero",
}
HARD = (
    "jfk",
    "librivox_sense_0880",
    "librivox_sense_0930",
)  # dictation by this engine gets words of these wrong


def call(file: Path, *options: str) -> dict[str, Any]:
    """Let `file` call, and return what `run --json` says of it."""
    done = CliRunner().invoke(main, ["run", "--fast", "--json", *options, str(file)], catch_exceptions=False)
    assert done.exit_code == 0, done.output
    result: dict[str, Any] = json.loads(done.stdout)["files"][0]
    return result


def heard(result: dict[str, Any]) -> list[str]:
    assert result["failures"] == []
    for turn in result["turns"]:
        assert turn["reply"] == f"You said {turn['transcript']}."
        segments = turn["latency"]
        parts = sum(value for name, value in segments.items() if name != "total")
        assert parts == pytest.approx(segments["total"], abs=0.0005)
    return [turn["transcript"] for turn in result["turns"]]


def recording(name: str) -> Path:
    file = RECORDINGS / f"{name}.wav"
    if not file.exists():
        pytest.skip(f"no recording {file.name}: the folder of recordings is not beside the project")
    return file


@pytest.fixture
def grammar(tmp_path: Path) -> str:
    file = tmp_path / "cards.gram"
    file.write_text(CARDS, encoding="utf-8")
    return f"stt.grammar={file}"


@pytest.mark.parametrize(("name", "words"), BY_DICTATION.items())
def test_a_recording_is_understood_and_answered(name: str, words: str) -> None:
    assert heard(call(recording(name))) == [words]


@pytest.mark.parametrize(("name", "words"), BY_GRAMMAR.items())
def test_a_recording_is_understood_by_a_grammar(name: str, words: str, grammar: str) -> None:
    assert heard(call(recording(name), "--set", grammar)) == [words]


@pytest.mark.parametrize("name", HARD)
def test_a_hard_recording_is_heard_to_its_end(name: str) -> None:
    result = call(recording(name))
    assert result["failures"] == []
    assert result["turns"]
    assert all(turn["transcript"] for turn in result["turns"])


def test_every_recording_is_used() -> None:
    recording("jfk")
    assert {file.stem for file in RECORDINGS.glob("*.wav")} == {*BY_DICTATION, *BY_GRAMMAR, *HARD}


@pytest.mark.parametrize("rate", [16000, 22050, 24000, 44100, 48000])
def test_synthesised_speech_is_understood_at_each_rate(rate: int, tmp_path: Path, grammar: str) -> None:
    file = tmp_path / "said.wav"
    speak("king of diamonds five of hearts", file, rate)
    record = tmp_path / "call.wav"
    result = call(file, "--set", grammar, "--record", str(record))
    assert heard(result) == ["king of diamonds five of hearts"]
    assert frames(record) > frames(file)


def test_two_files_are_two_calls(tmp_path: Path, grammar: str) -> None:
    files = [tmp_path / "first.wav", tmp_path / "second.wav"]
    said = ["king of diamonds", "five of hearts"]
    for file, words in zip(files, said, strict=True):
        speak(words, file, 16000)
    arguments = ["run", "--fast", "--json", "--set", grammar, *map(str, files)]
    done = CliRunner().invoke(main, arguments, catch_exceptions=False)
    assert [heard(each) for each in json.loads(done.stdout)["files"]] == [[words] for words in said]


def speak(text: str, file: Path, rate: int) -> None:
    """Write `text`, spoken, with a second of the room's noise before it."""

    async def synthesised() -> tuple[Any, int]:
        async with EspeakTTS(EspeakSettings(rate=150)) as tts:
            return await synthesise(tts, text), tts.sample_rate

    samples, own = run_virtual(synthesised())
    if own != rate:
        resampler = Resampler(own, rate)
        samples = np.concatenate([resampler.process(samples), resampler.flush()])
    samples = np.concatenate([np.zeros(rate, np.int16), samples])
    noise = np.random.default_rng(0).normal(0, 6, len(samples))
    with wave.open(str(file), "wb") as wav:
        wav.setparams((1, 2, rate, 0, "NONE", ""))
        wav.writeframes(np.clip(samples + noise, -32768, 32767).astype("<i2").tobytes())


def frames(file: Path) -> int:
    with wave.open(str(file), "rb") as wav:
        return wav.getnframes()
