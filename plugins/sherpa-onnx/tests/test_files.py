"""Files that are not there or not right: told with the remedy, never given to an engine that ends the process."""

from __future__ import annotations

import shutil
from pathlib import Path

import onnx
import pytest
from hypothesis import given
from hypothesis import strategies as st
from pydantic import ValidationError

import beluga_voice_sherpa_onnx
from beluga_voice.errors import ConfigurationError, ProviderError
from beluga_voice.plugins import Plugins
from beluga_voice.testing import check_import_hygiene
from beluga_voice_sherpa_onnx.folder import recognizer_files, voice_files
from beluga_voice_sherpa_onnx.onnx_file import metadata
from beluga_voice_sherpa_onnx.settings import SherpaSTTSettings, SherpaTTSSettings
from beluga_voice_sherpa_onnx.stt import SherpaSTT
from beluga_voice_sherpa_onnx.tts import SherpaTTS
from beluga_voice_sherpa_onnx.words import words_of


@pytest.fixture
def folder(recognizer: Path, tmp_path: Path) -> Path:
    """A copy of the recognizer's folder, to be spoilt."""
    shutil.copytree(recognizer, tmp_path, dirs_exist_ok=True)
    return tmp_path


def test_a_folder_that_does_not_exist_is_an_error(tmp_path: Path) -> None:
    for find in (recognizer_files, voice_files):
        with pytest.raises(ConfigurationError, match="which is no folder"):
            find(tmp_path / "tiny.en")


def test_a_folder_without_tokens_is_an_error(tmp_path: Path) -> None:
    with pytest.raises(ConfigurationError, match=r"holds no tokens\.txt"):
        recognizer_files(tmp_path)


def test_two_models_in_a_folder_are_an_error(recognizer: Path, tmp_path: Path) -> None:
    for name in ("one", "two"):
        shutil.copytree(recognizer, tmp_path / name)
    with pytest.raises(ConfigurationError, match=r"more than one tokens\.txt"):
        recognizer_files(tmp_path)


def test_a_folder_without_a_model_is_an_error(folder: Path) -> None:
    (folder / "model.onnx").unlink()
    with pytest.raises(ConfigurationError, match="needed are encoder, decoder and joiner"):
        recognizer_files(folder)
    with pytest.raises(ConfigurationError, match=r"needed is the \.onnx of a voice"):
        voice_files(folder)


@pytest.mark.parametrize("content", [b"", b"hello", b"<html></html>", b"\x08\x08", b"\xff" * 40, b"\x3a\x7f"])
def test_a_file_that_is_no_model_is_an_error(folder: Path, content: bytes) -> None:
    (folder / "model.onnx").write_bytes(content)
    with pytest.raises(ProviderError, match="is no ONNX model"):
        recognizer_files(folder)


@given(st.integers(0, 3000))
def test_a_model_that_breaks_off_is_told_or_read(recognizer: Path, kept: int) -> None:
    path = recognizer / "cut.bin"
    path.write_bytes((recognizer / "model.onnx").read_bytes()[:kept])
    try:
        metadata(path)
    except ProviderError:
        pass
    finally:
        path.unlink()


def test_metadata_are_what_onnx_reads(recognizer: Path, voice: Path) -> None:
    for folder in (recognizer, voice):
        read = onnx.load(folder / "model.onnx").metadata_props
        assert metadata(folder / "model.onnx") == {each.key: each.value for each in read}


def test_a_model_that_would_end_the_process_is_an_error(folder: Path) -> None:
    model = onnx.load(folder / "model.onnx")
    kept = [each for each in model.metadata_props if each.key != "encoder_dims"]
    del model.metadata_props[:]
    model.metadata_props.extend(kept)
    onnx.save(model, folder / "model.onnx")
    with pytest.raises(ProviderError, match="its metadata lack encoder_dims"):
        recognizer_files(folder)


def test_an_encoder_of_an_unknown_kind_is_an_error(transducer: Path, voice: Path, tmp_path: Path) -> None:
    shutil.copytree(transducer, tmp_path, dirs_exist_ok=True)
    shutil.copy(voice / "model.onnx", tmp_path / "encoder.int8.onnx")
    with pytest.raises(ProviderError, match="is no streaming encoder: its model_type is 'vits'"):
        recognizer_files(tmp_path)


def test_the_quantized_of_two_models_is_taken(folder: Path) -> None:
    shutil.copy(folder / "model.onnx", folder / "model.int8.onnx")
    assert recognizer_files(folder).model.endswith("model.int8.onnx")


def test_a_recognizer_is_no_voice(folder: Path) -> None:
    with pytest.raises(
        ProviderError, match="is no vits model for sherpa-onnx: its metadata lack sample_rate"
    ):
        voice_files(folder)


TOKENS = st.lists(st.tuples(st.sampled_from([" A", "B", " CD", "E", "你", " "]), st.floats(0, 1)), max_size=8)


@given(TOKENS, st.floats(0, 30), st.floats(0, 2))
def test_words_are_in_order_within_the_audio_and_lose_no_letter(
    given_: list[tuple[str, float]], offset: float, length: float
) -> None:
    tokens, steps = [token for token, _ in given_], [step for _, step in given_]
    times = [sum(steps[: n + 1]) for n in range(len(steps))]
    words = words_of(tokens, times, offset=offset, end=offset + length, lower=True)
    assert "".join(word.text for word in words) == "".join(tokens).replace(" ", "").lower()
    spans = [time for word in words for time in (word.start, word.end)]
    assert spans == sorted(spans)
    assert all(offset <= time <= offset + length for time in spans)


def test_without_times_there_are_no_words() -> None:
    assert words_of([" HI"], [], offset=0, end=1, lower=False) == ()


def test_registers_what_it_has() -> None:
    plugins = Plugins()
    plugins.register(beluga_voice_sherpa_onnx, "sherpa-onnx")
    assert isinstance(plugins.create("stt", "sherpa-onnx", SherpaSTTSettings()), SherpaSTT)
    assert isinstance(plugins.create("tts", "sherpa-onnx", SherpaTTSSettings()), SherpaTTS)
    assert plugins.problems == ()
    assert {each.licence for each in plugins.models.values()} == {"Apache-2.0"}
    assert all(each.size > 1_000_000 for each in plugins.models.values())


def test_loading_it_imports_neither_the_engine_nor_pydantic() -> None:
    check_import_hygiene("beluga_voice_sherpa_onnx")


@pytest.mark.parametrize("wrong", [{"beam": -1}, {"tail": 3}, {"workers": 0}, {"url": "x"}, {"deadline": 0}])
def test_settings_of_the_recognizer_are_bounded(wrong: dict[str, object]) -> None:
    with pytest.raises(ValidationError):
        SherpaSTTSettings.model_validate(wrong)


@pytest.mark.parametrize("wrong", [{"voice": -1}, {"speed": 3}, {"threads": 0}, {"url": "x"}])
def test_settings_of_the_voice_are_bounded(wrong: dict[str, object]) -> None:
    with pytest.raises(ValidationError):
        SherpaTTSSettings.model_validate(wrong)
