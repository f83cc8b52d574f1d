"""Reads the tensors out of Silero's ONNX file, without onnx or protobuf.

An ONNX file is a protobuf message. Of its schema (onnx.proto of the ONNX project) only the way to the
weights is known here: model -> graph -> initializers, each a tensor with a name, dimensions and raw
little-endian data.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from beluga_voice.errors import ConfigurationError

Tensor = NDArray[np.float32]

SHAPES: Mapping[str, tuple[int, ...]] = {
    "model.encoder.0.reparam_conv.weight": (128, 129, 3),
    "model.encoder.0.reparam_conv.bias": (128,),
    "model.encoder.1.reparam_conv.weight": (64, 128, 3),
    "model.encoder.1.reparam_conv.bias": (64,),
    "model.encoder.2.reparam_conv.weight": (64, 64, 3),
    "model.encoder.2.reparam_conv.bias": (64,),
    "model.encoder.3.reparam_conv.weight": (128, 64, 3),
    "model.encoder.3.reparam_conv.bias": (128,),
    "model.decoder.rnn.weight_ih": (512, 128),
    "model.decoder.rnn.weight_hh": (512, 128),
    "model.decoder.rnn.bias_ih": (512,),
    "model.decoder.rnn.bias_hh": (512,),
    "model.decoder.decoder.2.weight": (1, 128, 1),
    "model.decoder.decoder.2.bias": (1,),
}
"""The tensors of Silero v5 and v6 for 16 kHz, by their names in ``silero_vad_16k_op15.onnx``."""

# Field numbers of onnx.proto.
_MODEL_GRAPH = 7
_GRAPH_INITIALIZER = 5
_TENSOR_DIMS, _TENSOR_DATA_TYPE, _TENSOR_NAME, _TENSOR_RAW_DATA = 1, 2, 8, 9
_FLOAT32 = 1

# Wire types of protobuf.
_VARINT, _FIXED64, _BYTES, _FIXED32 = 0, 1, 2, 5


def load_weights(path: Path) -> dict[str, Tensor]:
    """Read the tensors named in `SHAPES` from an ONNX file of Silero for 16 kHz.

    Raises:
        ConfigurationError: there is no such file, it is no ONNX file, or its tensors are not those of Silero.
    """
    try:
        tensors = dict(_initializers(memoryview(path.read_bytes())))
    except OSError as error:
        raise ConfigurationError(
            f"the Silero model {str(path)!r} cannot be read: {error.strerror}; reinstall beluga-voice-silero "
            "(with uv: uv sync --reinstall-package beluga-voice-silero), or give the path of another file"
        ) from error
    except (ValueError, IndexError) as error:
        raise ConfigurationError(f"{str(path)!r} is no ONNX file: {error}") from error
    for name, shape in SHAPES.items():
        found = tensors[name].shape if name in tensors else None
        if found != shape:
            raise ConfigurationError(
                f"{str(path)!r} is not Silero's model for 16 kHz: tensor {name!r} is {found}, not {shape}; "
                "give silero_vad_16k_op15.onnx of the silero-vad distribution, 5.1 or later"
            )
    return {name: tensors[name] for name in SHAPES}


def _initializers(model: memoryview) -> Iterator[tuple[str, Tensor]]:
    for field, graph in _fields(model):
        if field == _MODEL_GRAPH and isinstance(graph, memoryview):
            for number, tensor in _fields(graph):
                if number == _GRAPH_INITIALIZER and isinstance(tensor, memoryview):
                    yield from _float_tensor(tensor)


def _float_tensor(message: memoryview) -> Iterator[tuple[str, Tensor]]:
    """Yield the tensor's name and values, or nothing where it is of another type than float32."""
    dims: list[int] = []
    data_type, name, raw = 0, "", memoryview(b"")
    for field, value in _fields(message):
        if isinstance(value, int):
            if field == _TENSOR_DIMS:
                dims.append(value)
            elif field == _TENSOR_DATA_TYPE:
                data_type = value
        elif field == _TENSOR_DIMS:  # repeated numbers may be packed
            dims.extend(_varints(value))
        elif field == _TENSOR_NAME:
            name = bytes(value).decode()
        elif field == _TENSOR_RAW_DATA:
            raw = value
    if data_type == _FLOAT32:
        yield name, np.frombuffer(raw, "<f4").reshape(dims).astype(np.float32)


def _fields(message: memoryview) -> Iterator[tuple[int, int | memoryview]]:
    """Yield the number and value of each field of a protobuf message."""
    position = 0
    while position < len(message):
        key, position = _varint(message, position)
        wire_type = key & 7
        if wire_type == _VARINT:
            value, position = _varint(message, position)
            yield key >> 3, value
            continue
        if wire_type == _BYTES:
            size, position = _varint(message, position)
        elif wire_type in (_FIXED32, _FIXED64):
            size = 4 if wire_type == _FIXED32 else 8
        else:
            raise ValueError(f"wire type {wire_type} at byte {position}")
        if position + size > len(message):
            raise ValueError(f"a field of {size} bytes ends beyond the message's {len(message)}")
        yield key >> 3, message[position : position + size]
        position += size


def _varints(packed: memoryview) -> Iterator[int]:
    position = 0
    while position < len(packed):
        value, position = _varint(packed, position)
        yield value


def _varint(message: memoryview, position: int) -> tuple[int, int]:
    """Return the number that starts at `position`, and the position after it."""
    value = shift = 0
    while True:
        byte = message[position]
        value |= (byte & 0x7F) << shift
        position += 1
        if byte < 0x80:
            return value, position
        shift += 7
