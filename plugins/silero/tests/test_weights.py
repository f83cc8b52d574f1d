"""The tensors come out of the vendor's file, and other files are refused with what is wrong."""

from __future__ import annotations

from collections.abc import Iterable
from pathlib import Path

import numpy as np
import pytest

from beluga_voice.errors import ConfigurationError
from beluga_voice_silero.settings import SileroSettings
from beluga_voice_silero.vad import SileroVAD
from beluga_voice_silero.weights import SHAPES, load_weights


def number(value: int) -> bytes:
    low, rest = value & 0x7F, value >> 7
    return bytes([low | 0x80]) + number(rest) if rest else bytes([low])


def field(key: int, content: bytes | int) -> bytes:
    if isinstance(content, int):
        return number(key << 3) + number(content)
    return number(key << 3 | 2) + number(len(content)) + content


def tensor(name: str, values: np.ndarray, *, packed: bool) -> bytes:
    sizes = values.shape
    dims = field(1, b"".join(map(number, sizes))) if packed else b"".join(field(1, size) for size in sizes)
    return dims + field(2, 1) + field(8, name.encode()) + field(9, values.astype("<f4").tobytes())


def model(tensors: Iterable[bytes]) -> bytes:
    version_and_seed = field(1, 8) + number(3 << 3 | 5) + b"four"
    return version_and_seed + field(7, b"".join(field(5, content) for content in tensors))


@pytest.mark.parametrize("packed", [False, True])
def test_reads_what_was_written(tmp_path: Path, packed: bool) -> None:
    rng = np.random.default_rng(1)
    written = {name: rng.normal(size=shape).astype(np.float32) for name, shape in SHAPES.items()}
    whole_numbers = field(1, 1) + field(2, 7) + field(8, b"shape") + field(9, bytes(8))
    path = tmp_path / "model.onnx"
    path.write_bytes(model([whole_numbers, *(tensor(n, v, packed=packed) for n, v in written.items())]))
    read = load_weights(path)
    assert read.keys() == written.keys()
    assert all(np.array_equal(read[name], written[name]) for name in written)


async def test_says_how_to_get_a_model_that_is_missing(tmp_path: Path) -> None:
    vad = SileroVAD(SileroSettings(model=tmp_path / "none.onnx"))
    with pytest.raises(ConfigurationError, match=r"none\.onnx.* cannot be read: No such file.*reinstall"):
        await vad.open()


@pytest.mark.parametrize("content", [b"RIFF....WAVEfmt ", b"\x3a\xff\xff\xff\x7f", b"\x80"])
def test_refuses_a_file_that_is_no_onnx(tmp_path: Path, content: bytes) -> None:
    path = tmp_path / "model.onnx"
    path.write_bytes(content)
    with pytest.raises(ConfigurationError, match=r"is no ONNX file"):
        load_weights(path)


def test_refuses_another_network_and_names_the_tensor_that_differs(tmp_path: Path) -> None:
    path = tmp_path / "model.onnx"
    path.write_bytes(
        model([tensor("model.encoder.0.reparam_conv.weight", np.zeros((128, 65, 3)), packed=True)])
    )
    with pytest.raises(ConfigurationError, match=r"encoder\.0\.reparam_conv\.weight' is \(128, 65, 3\), not"):
        load_weights(path)
