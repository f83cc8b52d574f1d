"""The recognizer, over the real engine with a tiny Whisper, and over a scripted one where the audio matters."""

from __future__ import annotations

import asyncio
import shutil
import threading
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager
from pathlib import Path
from types import SimpleNamespace

import numpy as np
import pytest
from numpy.typing import NDArray
from pydantic import ValidationError

import beluga_voice_faster_whisper
from beluga_voice.audio import AudioFrame
from beluga_voice.contracts import Transcript
from beluga_voice.errors import ClosedError, ConfigurationError, ProviderError
from beluga_voice.plugins import Plugins
from beluga_voice.testing import check_import_hygiene, check_stt
from beluga_voice_faster_whisper.engine import Model
from beluga_voice_faster_whisper.settings import FasterWhisperSettings
from beluga_voice_faster_whisper.stt import FasterWhisperStream, FasterWhisperSTT

Settings = Callable[..., FasterWhisperSettings]


@pytest.fixture
def tiny(whisper: Path) -> Settings:
    """Makes settings for the tiny model."""

    def tiny(**changes: object) -> FasterWhisperSettings:
        given = {"model": whisper, "compute_type": "float32", "threads": 1}
        return FasterWhisperSettings.model_validate(given | changes)

    return tiny


class Scripted:
    """Stands in for the engine: says how long the audio is that it hears, in tenths of a second."""

    def __init__(self) -> None:
        self.heard: list[NDArray[np.float32]] = []
        self.go = threading.Event()
        self.go.set()

    def transcribe(self, audio: NDArray[np.float32], **_: object) -> tuple[list[object], object]:
        assert self.go.wait(20)
        self.heard.append(audio)
        return [SimpleNamespace(text=f" {len(audio) / 1600:g}", words=None)], SimpleNamespace(language="en")


@asynccontextmanager
async def scripted(**changes: object) -> AsyncIterator[tuple[Scripted, FasterWhisperStream]]:
    settings, whisper = FasterWhisperSettings.model_validate(changes), Scripted()
    stt = FasterWhisperSTT(settings)
    stt._model = Model(whisper, settings)
    yield whisper, await stt.open_stream()
    await stt.aclose()


def buzz(seconds: float) -> NDArray[np.int16]:
    samples = np.full(round(seconds * 16000), 1000, np.int16)
    samples[::2] = -1000
    return samples


async def send(stream: FasterWhisperStream, samples: NDArray[np.int16]) -> None:
    for at in range(0, len(samples), 1600):
        await stream.send(AudioFrame(samples[at : at + 1600], 16000, at))


async def answer(stream: FasterWhisperStream) -> list[Transcript]:
    came = [await stream.receive()]
    while not came[-1].answers_finalize:
        came.append(await stream.receive())
    return came


@pytest.mark.parametrize("changes", [{}, {"interim_interval": 0.4, "word_timestamps": True}])
async def test_keeps_the_contract_of_a_recognizer(
    tiny: Settings, speech: AudioFrame, changes: dict[str, object]
) -> None:
    await check_stt(lambda: FasterWhisperSTT(tiny(**changes)), speech=speech, words="hello world")


async def test_words_have_times_on_the_streams_line(tiny: Settings, speech: AudioFrame) -> None:
    async with FasterWhisperSTT(tiny(word_timestamps=True)) as stt:
        stream = await stt.open_stream()
        finals = []
        for _ in range(2):
            await send(stream, speech.samples)
            await stream.finalize()
            finals.append((await answer(stream))[-1])
    assert [(word.text, round(word.start, 1)) for final in finals for word in final.words] == [
        ("hello", 0.0),
        ("world.", 0.4),
        ("hello", 1.0),
        ("world.", 1.4),
    ]


async def test_the_engine_hears_each_utterance_whole_and_once() -> None:
    async with scripted() as (whisper, stream):
        texts = []
        for seconds in (0.5, 1.2):
            await send(stream, buzz(seconds))
            await stream.finalize()
            texts.append((await answer(stream))[-1])
    assert [final.text for final in texts] == ["5", "12"]
    assert [(final.start, final.end) for final in texts] == [(0, 0.5), (0.5, pytest.approx(1.7))]
    assert np.array_equal(whisper.heard[1] * 32768, buzz(1.2))


async def test_silence_is_not_given_to_the_engine() -> None:
    async with scripted() as (whisper, stream):
        for seconds in (0.0, 1.0):
            await send(stream, np.zeros(round(seconds * 16000), np.int16))
            await stream.finalize()
            assert [final.text for final in await answer(stream)] == [""]
    assert whisper.heard == []


async def test_interims_are_made_of_what_was_heard_so_far() -> None:
    async with scripted(interim_interval=0.5) as (_, stream):
        came = []
        for _ in range(3):
            await send(stream, buzz(0.5))
            came.append(await stream.receive())
        await stream.finalize()
        came += await answer(stream)
    assert [(each.text, each.final) for each in came] == [
        ("5", False),
        ("10", False),
        ("15", False),
        ("15", True),
    ]


async def test_a_long_utterance_is_cut_where_it_is_quietest() -> None:
    """29 s with a silence from 25.0 to 25.2 s: 28 are more than Whisper should hear at once."""
    samples = buzz(29)
    samples[25 * 16000 : 25 * 16000 + 3200] = 0
    async with scripted() as (whisper, stream):
        await send(stream, samples)
        await stream.finalize()
        first, last = await answer(stream)
    assert (first.final, first.answers_finalize, last.answers_finalize) == (True, False, True)
    assert 25 <= first.end <= 25.2  # type: ignore[operator]
    assert last.start == first.end
    assert sum(map(len, whisper.heard)) == len(samples)


async def test_no_more_than_a_long_utterance_waits_for_the_engine() -> None:
    async with scripted() as (whisper, stream):
        whisper.go.clear()
        minute = [AudioFrame(buzz(1), 16000) for _ in range(120)]
        accepted = [stream.send_nowait(frame) for frame in minute]
        assert 56 <= sum(accepted) <= 90
        assert not accepted[-1]
        whisper.go.set()
        await stream.send(minute[0])


async def test_an_utterance_that_takes_too_long_is_given_up() -> None:
    async with scripted(deadline=0.5) as (_, stream):
        stream._working = (
            asyncio.get_running_loop().create_future()
        )  # no thread's, so that virtual time goes on
        stream._timer = asyncio.get_running_loop().call_later(0.5, stream._on_deadline)
        with pytest.raises(ProviderError, match="has not recognized an utterance within"):
            await stream.receive()


async def test_what_the_engine_raises_fails_the_stream() -> None:
    async with scripted() as (whisper, stream):
        whisper.transcribe = lambda *_, **__: 1 / 0  # type: ignore[assignment,method-assign,return-value]
        await send(stream, buzz(0.1))
        await stream.finalize()
        with pytest.raises(ProviderError, match="faster-whisper failed: division by zero"):
            await stream.receive()
        with pytest.raises(ProviderError, match="faster-whisper failed"):
            stream.send_nowait(AudioFrame(buzz(0.1), 16000))


async def test_too_many_finalizes_are_refused() -> None:
    async with scripted() as (whisper, stream):
        whisper.go.clear()
        await send(stream, buzz(0.1))
        for _ in range(101):  # one is at work, a hundred wait
            await stream.finalize()
        with pytest.raises(ProviderError, match="100 utterances wait"):
            await stream.finalize()
        whisper.go.set()


async def test_closing_ends_the_thread(tiny: Settings) -> None:
    before = set(threading.enumerate())
    stt = FasterWhisperSTT(tiny())
    await stt.open()
    stream = await stt.open_stream()
    await send(stream, buzz(0.2))
    await stream.finalize()
    await stt.aclose()
    await stt.aclose()
    assert not [thread for thread in set(threading.enumerate()) - before if "whisper" in thread.name]
    with pytest.raises(ClosedError):
        await stream.receive()
    with pytest.raises(ClosedError, match="make another"):
        await stt.open()


async def test_a_name_of_a_hub_is_an_error_and_asks_nobody(
    tiny: Settings, monkeypatch: pytest.MonkeyPatch
) -> None:
    for name in ("base.en", "Systran/faster-whisper-base.en"):
        with pytest.raises(ConfigurationError, match="which is no folder; give the path"):
            await FasterWhisperSTT(tiny(model=Path(name))).open()


@pytest.mark.parametrize("gone", ["model.bin", "config.json", "tokenizer.json"])
async def test_a_file_that_is_missing_is_named(
    tiny: Settings, whisper: Path, tmp_path: Path, gone: str
) -> None:
    shutil.copytree(whisper, tmp_path, dirs_exist_ok=True)
    (tmp_path / gone).unlink()
    with pytest.raises(ConfigurationError, match=f"holds no {gone}; a Whisper for CTranslate2 has it"):
        await FasterWhisperSTT(tiny(model=tmp_path)).open()


async def test_a_file_that_is_no_model_is_an_error(tiny: Settings, whisper: Path, tmp_path: Path) -> None:
    shutil.copytree(whisper, tmp_path, dirs_exist_ok=True)
    (tmp_path / "model.bin").write_bytes(b"<html>not found</html>")
    with pytest.raises(ProviderError, match="faster-whisper cannot load"):
        await FasterWhisperSTT(tiny(model=tmp_path)).open()


async def test_a_language_that_the_model_does_not_know_is_an_error(tiny: Settings) -> None:
    with pytest.raises(ConfigurationError, match=r"language is 'de'; the model in .* knows en"):
        await FasterWhisperSTT(tiny(language="de")).open()


async def test_a_model_that_was_not_fetched_is_named_with_the_command(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("BELUGA_VOICE_MODELS", str(tmp_path))
    with pytest.raises(ConfigurationError, match="beluga-voice models fetch whisper-base-en"):
        await FasterWhisperSTT().open()


def test_registers_what_it_has() -> None:
    plugins = Plugins()
    plugins.register(beluga_voice_faster_whisper, "faster-whisper")
    assert isinstance(plugins.create("stt", "faster-whisper", FasterWhisperSettings()), FasterWhisperSTT)
    assert plugins.problems == ()
    assert plugins.models["whisper-base-en"].licence == "MIT"


def test_loading_it_imports_neither_the_engine_nor_pydantic() -> None:
    check_import_hygiene("beluga_voice_faster_whisper")


@pytest.mark.parametrize(
    "wrong", [{"beam_size": 0}, {"compute_type": "int4"}, {"hub": True}, {"deadline": 0}]
)
def test_settings_are_bounded(wrong: dict[str, object]) -> None:
    with pytest.raises(ValidationError):
        FasterWhisperSettings.model_validate(wrong)
