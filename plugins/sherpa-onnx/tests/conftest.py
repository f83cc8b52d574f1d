"""Models of a few kilobytes, in the form that sherpa-onnx takes, whose weights are written by hand.

The recognizer hears tones: each of four frequencies is a token, where its band is louder than a threshold.
The voice says each letter as a tone of its own, longer or shorter as the speed says, higher for the second speaker.
"""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import numpy as np
import onnx
import pytest
from numpy.typing import NDArray
from onnx import TensorProto, helper
from onnx import numpy_helper as values

from beluga_voice.audio import AudioFrame

BANDS = 80
HERTZ = (400, 800, 1500, 3000)
TOKENS = "<blk> 0\n▁HELLO 1\n▁WOR 2\nLD 3\n▁NOW 4\n"
CHUNK = 16  # frames of 10 ms that one step decodes, of which it makes four
LETTERS = "abcdefghijklmnopqrstuvwxyz ,.?!"
LETTER_SAMPLES = 800

Say = Callable[..., NDArray[np.int16]]


def tones(*spoken: tuple[int, float], silence: float = 0.1) -> NDArray[np.int16]:
    """Tones of so many seconds, with silence between and around."""
    pause = np.zeros(round(silence * 16000))
    parts = [pause]
    for hertz, seconds in spoken:
        parts += [0.3 * np.sin(2 * np.pi * hertz * np.arange(round(seconds * 16000)) / 16000), pause]
    return (np.concatenate(parts) * 32767).astype(np.int16)


@pytest.fixture
def say() -> Say:
    """Makes tones of so many seconds, with silence between and around."""
    return tones


@pytest.fixture
def speech() -> AudioFrame:
    """Says "hello world now" to the recognizer."""
    return AudioFrame(tones((400, 0.3), (800, 0.2), (1500, 0.2), (3000, 0.3)), 16000)


@pytest.fixture(scope="session")
def recognizer(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The folder of a streaming Zipformer CTC model."""
    folder = tmp_path_factory.mktemp("recognizer")
    (folder / "tokens.txt").write_text(TOKENS, encoding="utf-8")
    hearing(folder / "model.onnx", [helper.make_node("LogSoftmax", ["scores"], ["out"], axis=-1)])
    return folder


@pytest.fixture(scope="session")
def transducer(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The folder of a streaming Zipformer transducer, which gives no token twice in a row."""
    folder = tmp_path_factory.mktemp("transducer")
    (folder / "tokens.txt").write_text(TOKENS, encoding="utf-8")
    hearing(folder / "encoder.int8.onnx", [helper.make_node("Identity", ["scores"], ["out"])])
    once = np.zeros((5, 5), np.float32)
    once[range(1, 5), range(1, 5)] = -100
    decoder = helper.make_graph(
        [
            helper.make_node("Gather", ["y", "last"], ["token"], axis=1),
            helper.make_node("Squeeze", ["token", "axis"], ["number"]),
            helper.make_node("Gather", ["once", "number"], ["decoder_out"]),
        ],
        "decoder",
        [_integers("y", ("N", 2))],
        [_floats("decoder_out", ("N", 5))],
        [values.from_array(once, "once"), *_constants({"last": 1, "axis": 1})],
    )
    save(decoder, folder / "decoder.onnx", {"vocab_size": "5", "context_size": "2"})
    joiner = helper.make_graph(
        [helper.make_node("Add", ["encoder_out", "decoder_out"], ["logit"])],
        "joiner",
        [_floats("encoder_out", ("N", 5)), _floats("decoder_out", ("N", 5))],
        [_floats("logit", ("N", 5))],
    )
    save(joiner, folder / "joiner.int8.onnx", {"joiner_dim": "5"})
    return folder


def hearing(path: Path, last: list[onnx.NodeProto]) -> None:
    """Write a Zipformer2 that scores tones; its many states it only hands on."""
    states: list[tuple[str, tuple[int, ...]]] = [
        ("key", (4, 1, 4)),
        ("nonlin", (1, 1, 4, 3)),
        ("value1", (4, 1, 4)),
        ("value2", (4, 1, 4)),
        ("conv1", (1, 4, 1)),
        ("conv2", (1, 4, 1)),
        ("embed", (1, 128, 3, 19)),
    ]
    weights = np.zeros((BANDS, 5), np.float32)
    for token, hertz in enumerate(HERTZ, 1):
        weights[_band(hertz), token] = 1
    graph = helper.make_graph(
        [
            helper.make_node("Slice", ["x", "from", "to", "axis", "step"], ["every4"]),
            helper.make_node("MatMul", ["every4", "weights"], ["product"]),
            helper.make_node("Add", ["product", "bias"], ["scores"]),
            *last,
            *(helper.make_node("Identity", [name], [f"new_{name}"]) for name, _ in states),
            helper.make_node("Identity", ["lens"], ["new_lens"]),
        ],
        "tones",
        [_floats("x", ("N", CHUNK, BANDS)), *(_floats(*each) for each in states), _integers("lens", ("N",))],
        [
            _floats("out", ("N", CHUNK // 4, 5)),
            *(_floats(f"new_{name}", shape) for name, shape in states),
            _integers("new_lens", ("N",)),
        ],
        [
            values.from_array(weights, "weights"),
            values.from_array(np.array([2, 0, 0, 0, 0], np.float32), "bias"),
            *_constants({"from": 0, "to": CHUNK, "axis": 1, "step": 4}),
        ],
    )
    one = dict.fromkeys(("encoder_dims", "query_head_dims", "value_head_dims", "left_context_len"), "4")
    one |= {"num_heads": "1", "num_encoder_layers": "1", "cnn_module_kernels": "3"}
    steps = {"T": str(CHUNK), "decode_chunk_len": str(CHUNK)}
    save(graph, path, {"model_type": "zipformer2", **one, **steps})


@pytest.fixture(scope="session")
def voice(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The folder of a VITS model of two speakers that spells."""
    folder = tmp_path_factory.mktemp("voice")
    rows = "".join(f"{letter} {number}\n" for number, letter in enumerate(LETTERS, 1))
    (folder / "tokens.txt").write_text(rows, encoding="utf-8")
    nodes = [
        helper.make_node("Mul", ["letter_samples", "length_scale"], ["each_float"]),
        helper.make_node("Cast", ["each_float"], ["each"], to=TensorProto.INT64),
        helper.make_node("Mul", ["x_length", "each"], ["total1"]),
        helper.make_node("Squeeze", ["total1"], ["total"]),
        helper.make_node("Range", ["zero", "total", "unit"], ["samples"]),
        helper.make_node("Div", ["samples", "each"], ["which"]),
        helper.make_node("Squeeze", ["x", "batch"], ["tokens"]),
        helper.make_node("Gather", ["tokens", "which"], ["said"]),
        helper.make_node("Cast", ["said"], ["pitch"], to=TensorProto.FLOAT),
        helper.make_node("Cast", ["sid"], ["speaker"], to=TensorProto.FLOAT),
        helper.make_node("Add", ["pitch", "speaker"], ["higher"]),
        helper.make_node("Cast", ["samples"], ["time"], to=TensorProto.FLOAT),
        helper.make_node("Mul", ["higher", "time"], ["turns"]),
        helper.make_node("Mul", ["turns", "radians"], ["phase"]),
        helper.make_node("Sin", ["phase"], ["wave"]),
        helper.make_node("Mul", ["wave", "loudness"], ["audio"]),
        helper.make_node("Unsqueeze", ["audio", "batches"], ["y"]),
    ]
    scale = [_floats(name, (1,)) for name in ("noise_scale", "length_scale", "noise_scale_w")]
    graph = helper.make_graph(
        nodes,
        "spelling",
        [_integers("x", (1, "L")), _integers("x_length", (1,)), *scale, _integers("sid", (1,))],
        [_floats("y", (1, 1, "S"))],
        [
            *_constants({"batch": 0}),
            values.from_array(np.array([0, 1], np.int64), "batches"),
            values.from_array(np.array(0, np.int64), "zero"),
            values.from_array(np.array(1, np.int64), "unit"),
            values.from_array(np.array([LETTER_SAMPLES], np.float32), "letter_samples"),
            values.from_array(np.array([2 * np.pi * 40 / 16000], np.float32), "radians"),
            values.from_array(np.array([0.5], np.float32), "loudness"),
        ],
    )
    told = {"sample_rate": "16000", "n_speakers": "2", "language": "English", "comment": "tones"}
    save(
        graph,
        folder / "model.onnx",
        {"model_type": "vits", "frontend": "characters", "use_eos_bos": "0"} | told,
    )
    return folder


def save(graph: onnx.GraphProto, path: Path, told: dict[str, str]) -> None:
    model = helper.make_model(graph, opset_imports=[helper.make_opsetid("", 13)], ir_version=8)
    helper.set_model_props(model, told)
    onnx.checker.check_model(model)
    onnx.save(model, path)


def _band(hertz: float) -> int:
    """The mel band of Kaldi's filter bank, from 20 Hz to 7600 Hz, in which a tone is loudest."""
    mel = 1127 * np.log(1 + np.array([20, 7600, hertz]) / 700)
    return round(float((mel[2] - mel[0]) / ((mel[1] - mel[0]) / (BANDS + 1)))) - 1


def _floats(name: str, shape: tuple[int | str, ...]) -> onnx.ValueInfoProto:
    return helper.make_tensor_value_info(name, TensorProto.FLOAT, shape)


def _integers(name: str, shape: tuple[int | str, ...]) -> onnx.ValueInfoProto:
    return helper.make_tensor_value_info(name, TensorProto.INT64, shape)


def _constants(given: dict[str, int]) -> list[onnx.TensorProto]:
    return [values.from_array(np.array([value], np.int64), name) for name, value in given.items()]
