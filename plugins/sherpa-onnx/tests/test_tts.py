"""The voice, over the real engine and a model that spells."""

from __future__ import annotations

import shutil
from pathlib import Path

import numpy as np
import onnx
import pytest
from numpy.typing import NDArray

from beluga_voice.contracts import SpeechOptions
from beluga_voice.errors import ClosedError, ConfigurationError, ProviderError
from beluga_voice.testing import check_tts
from beluga_voice_sherpa_onnx.settings import SherpaTTSSettings
from beluga_voice_sherpa_onnx.tts import SherpaTTS

LETTER_SAMPLES = 800


async def say(tts: SherpaTTS, text: str, options: SpeechOptions | None = None) -> NDArray[np.int16]:
    stream = await tts.open_stream()
    parts = [part.frame.samples async for part in stream.synthesize(text, options or SpeechOptions())]
    return np.concatenate([np.zeros(0, np.int16), *parts])


async def test_keeps_the_contract_of_a_voice(voice: Path) -> None:
    await check_tts(
        lambda: SherpaTTS(SherpaTTSSettings(model=voice)),
        text="The time is ten past four.",
        voices=["0", "1"],
    )


async def test_each_letter_is_said_by_the_engine(voice: Path) -> None:
    async with SherpaTTS(SherpaTTSSettings(model=voice)) as tts:
        assert tts.sample_rate == 16000
        audio = await say(tts, "abc.")
    assert len(audio) == 4 * LETTER_SAMPLES
    time = np.arange(len(audio))
    expected = 0.5 * np.sin(2 * np.pi * 40 / 16000 * np.repeat([1, 2, 3, 29], LETTER_SAMPLES) * time) * 32767
    assert np.abs(audio - expected).max() < 700  # the engine's floats are short


async def test_speed_of_settings_and_of_a_text_multiply(voice: Path) -> None:
    async with SherpaTTS(SherpaTTSSettings(model=voice, speed=0.5)) as tts:
        assert len(await say(tts, "abcd")) == 4 * 2 * LETTER_SAMPLES
        assert len(await say(tts, "abcd", SpeechOptions(speed=2.0))) == 4 * LETTER_SAMPLES


async def test_the_settings_speaker_speaks_unless_a_text_names_one(voice: Path) -> None:
    async with SherpaTTS(SherpaTTSSettings(model=voice, voice=1)) as tts:
        own, first, second = [
            await say(tts, "hello", each and SpeechOptions(voice=each)) for each in (None, "0", "1")
        ]
    assert np.array_equal(own, second)
    assert not np.array_equal(own, first)


async def test_a_speaker_that_the_model_does_not_have_is_refused(voice: Path) -> None:
    async with SherpaTTS(SherpaTTSSettings(model=voice)) as tts:
        for wrong in ("2", "-1", "amy", "²"):
            with pytest.raises(ConfigurationError, match="speakers of this model are 0 to 1"):
                tts.check_options(SpeechOptions(voice=wrong))
            with pytest.raises(ConfigurationError, match="speakers of this model are 0 to 1"):
                await say(tts, "hello", SpeechOptions(voice=wrong))
    with pytest.raises(ConfigurationError, match="voice is '2'; speakers of this model are 0 to 1"):
        await SherpaTTS(SherpaTTSSettings(model=voice, voice=2)).open()


async def test_audio_comes_in_parts_of_a_tenth_of_a_second(voice: Path) -> None:
    async with SherpaTTS(SherpaTTSSettings(model=voice)) as tts:
        stream = await tts.open_stream()
        sizes = [len(part.frame) async for part in stream.synthesize("hello")]
    assert sizes == [1600, 1600, 800]


async def test_what_the_engine_raises_is_the_providers_error(voice: Path) -> None:
    class Broken:
        sample_rate, num_speakers = 16000, 1

        def generate(self, text: str, **_: object) -> None:
            raise RuntimeError("out of memory")

    async with SherpaTTS(SherpaTTSSettings(model=voice)) as tts:
        tts._voice = Broken()  # type: ignore[assignment]
        with pytest.raises(ProviderError, match="sherpa-onnx failed: out of memory"):
            await say(tts, "hello")


async def test_closing_ends_a_synthesis_with_closed_error(voice: Path) -> None:
    tts = SherpaTTS(SherpaTTSSettings(model=voice))
    await tts.open()
    stream = await tts.open_stream()
    speech = stream.synthesize("one. two. three.")
    await anext(speech)
    await tts.aclose()
    await tts.aclose()
    with pytest.raises(ClosedError):
        await anext(speech)


async def test_words_of_a_lexicon_are_said_and_others_left_out(voice: Path, tmp_path: Path) -> None:
    """The way of VITS voices in sherpa-onnx 2: no espeak-ng, a lexicon beside the folder that was unpacked."""
    inner = tmp_path / "vits-tones"
    shutil.copytree(voice, inner)
    model = onnx.load(inner / "model.onnx")
    kept = [each for each in model.metadata_props if each.key != "frontend"]
    del model.metadata_props[:]
    model.metadata_props.extend(kept)
    onnx.save(model, inner / "model.onnx")
    with pytest.raises(ConfigurationError, match=r"holds no lexicon\*\.txt"):
        await SherpaTTS(SherpaTTSSettings(model=tmp_path)).open()
    (tmp_path / "lexicon-en-us.txt").write_text("cab c a b\nbad b a d\n", encoding="utf-8")
    async with SherpaTTS(SherpaTTSSettings(model=tmp_path)) as tts:
        one, two, unknown = [len(await say(tts, text)) for text in ("cab", "cab bad", "cab zygote")]
    assert one >= 3 * LETTER_SAMPLES
    assert two > one
    assert unknown < two


async def test_a_voice_that_was_not_fetched_is_named_with_the_command(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("BELUGA_VOICE_MODELS", str(tmp_path))
    with pytest.raises(ConfigurationError, match="beluga-voice models fetch sherpa-kitten-en"):
        await SherpaTTS().open()
