"""The recognizer, over the real engine and a model that hears tones."""

from __future__ import annotations

import asyncio
import shutil
import threading
from collections.abc import Callable
from pathlib import Path

import numpy as np
import pytest
from numpy.typing import NDArray

from beluga_voice.audio import AudioFrame
from beluga_voice.contracts import Transcript
from beluga_voice.errors import ClosedError, ConfigurationError, ProviderError
from beluga_voice.testing import check_stt
from beluga_voice_sherpa_onnx.settings import SherpaSTTSettings
from beluga_voice_sherpa_onnx.stt import SherpaSTT, SherpaSTTStream

Say = Callable[..., NDArray[np.int16]]


async def heard(stream: SherpaSTTStream, samples: NDArray[np.int16]) -> list[Transcript]:
    """What comes up to the answer to a finalize."""
    for at in range(0, len(samples), 320):
        await stream.send(AudioFrame(samples[at : at + 320], 16000, at))
    await stream.finalize()
    came = [await stream.receive()]
    while not came[-1].answers_finalize:
        came.append(await stream.receive())
    return came


async def test_keeps_the_contract_of_a_recognizer(recognizer: Path, speech: AudioFrame) -> None:
    await check_stt(
        lambda: SherpaSTT(SherpaSTTSettings(model=recognizer)), speech=speech, words="hello world now"
    )


async def test_words_have_times_on_the_streams_line(recognizer: Path, speech: AudioFrame) -> None:
    async with SherpaSTT(SherpaSTTSettings(model=recognizer, language="en")) as stt:
        stream = await stt.open_stream()
        first, second = [(await heard(stream, speech.samples))[-1] for _ in range(2)]
    seconds = speech.duration
    assert [word.text for word in first.words] == ["hello", "world", "now"]
    assert first.language == "en"
    # The tones begin at 0.1, 0.5 and 1.1 s; the engine counts in steps of 40 ms.
    assert [word.start for word in first.words] == pytest.approx([0.1, 0.5, 1.1], abs=0.05)
    assert [word.start for word in second.words] == pytest.approx(
        [word.start + seconds for word in first.words], abs=0.05
    )
    assert all(a.end <= b.start for a, b in zip(first.words, first.words[1:], strict=False))


async def test_what_is_said_between_two_finalizes_is_one_utterance(recognizer: Path, say: Say) -> None:
    async with SherpaSTT(SherpaSTTSettings(model=recognizer)) as stt:
        stream = await stt.open_stream()
        texts = [(await heard(stream, say((hertz, 0.3))))[-1].text for hertz in (3000, 400)]
    assert texts == ["now", "hello"]


@pytest.mark.parametrize("beam", [0, 4])
async def test_a_transducer_is_known_by_its_three_files(
    transducer: Path, speech: AudioFrame, beam: int
) -> None:
    async with SherpaSTT(SherpaSTTSettings(model=transducer, beam=beam)) as stt:
        final = (await heard(await stt.open_stream(), speech.samples))[-1]
    assert final.text == "hello world now"
    assert [word.text for word in final.words] == ["hello", "world", "now"]


async def test_a_model_that_writes_small_letters_is_left_as_it_is(
    recognizer: Path, speech: AudioFrame, tmp_path: Path
) -> None:
    shutil.copytree(recognizer, tmp_path, dirs_exist_ok=True)
    tokens = (tmp_path / "tokens.txt").read_text(encoding="utf-8")
    (tmp_path / "tokens.txt").write_text(tokens.replace("HELLO", "Hello"), encoding="utf-8")
    async with SherpaSTT(SherpaSTTSettings(model=tmp_path)) as stt:
        assert (await heard(await stt.open_stream(), speech.samples))[-1].text == "Hello WORLD NOW"


async def test_decoding_is_done_outside_the_loops_thread_and_waited_for(
    recognizer: Path, speech: AudioFrame
) -> None:
    """A decoder that stands still lets two seconds in, and then no more."""
    go = threading.Event()
    async with SherpaSTT(SherpaSTTSettings(model=recognizer, workers=1)) as stt:
        assert stt._executor is not None
        blocked = stt._executor.submit(go.wait, 20)
        stream = await stt.open_stream()
        accepted = 0
        for frame in (AudioFrame(speech.samples[:320], 16000, at) for at in range(0, 64000, 320)):
            accepted += stream.send_nowait(frame)
        assert accepted == 100
        go.set()
        await stream.send(AudioFrame(speech.samples[:320], 16000))
        await stream.finalize()
        while not (await stream.receive()).answers_finalize:
            pass
    assert blocked.result() is True


async def test_a_decoder_that_takes_too_long_is_given_up(recognizer: Path) -> None:
    go = threading.Event()
    stt = SherpaSTT(SherpaSTTSettings(model=recognizer, workers=1, deadline=0.05))
    await stt.open()
    assert stt._executor is not None
    blocked = stt._executor.submit(go.wait, 20)
    stream = await stt.open_stream()
    stream._working = asyncio.get_running_loop().create_future()  # no thread's, so that virtual time goes on
    stream._timer = asyncio.get_running_loop().call_later(0.05, stream._on_deadline)
    with pytest.raises(ProviderError, match="has not decoded what was sent within"):
        await stream.receive()
    go.set()
    await stt.aclose()
    assert blocked.result() is True


async def test_what_the_engine_raises_fails_the_stream(recognizer: Path) -> None:
    async with SherpaSTT(SherpaSTTSettings(model=recognizer)) as stt:
        stream = await stt.open_stream()
        stream._decoder._utterance = object()  # type: ignore[assignment]
        stream.send_nowait(AudioFrame(np.zeros(320, np.int16), 16000))
        with pytest.raises(ProviderError, match="sherpa-onnx failed"):
            await stream.receive()
        with pytest.raises(ProviderError, match="sherpa-onnx failed"):
            await stream.finalize()


async def test_closing_the_provider_ends_streams_and_threads(recognizer: Path, speech: AudioFrame) -> None:
    before = set(threading.enumerate())
    stt = SherpaSTT(SherpaSTTSettings(model=recognizer))
    await stt.open()
    stream = await stt.open_stream()
    assert stream.send_nowait(speech)
    await stt.aclose()
    await stt.aclose()
    assert not [thread for thread in set(threading.enumerate()) - before if "sherpa" in thread.name]
    with pytest.raises(ClosedError):
        await stream.receive()
    with pytest.raises(ClosedError, match="make another"):
        await stt.open()


async def test_a_model_that_was_not_fetched_is_named_with_the_command(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("BELUGA_VOICE_MODELS", str(tmp_path))
    with pytest.raises(ConfigurationError, match="beluga-voice models fetch sherpa-zipformer-en"):
        await SherpaSTT().open()


async def test_the_fetched_model_is_found(
    transducer: Path, speech: AudioFrame, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("BELUGA_VOICE_MODELS", str(tmp_path))
    shutil.copytree(transducer, tmp_path / "sherpa-zipformer-en")
    (tmp_path / "sherpa-zipformer-en/fetched.json").write_text("{}")
    async with SherpaSTT() as stt:
        assert (await heard(await stt.open_stream(), speech.samples))[-1].text == "hello world now"
