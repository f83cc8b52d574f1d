"""What an ONNX file says of itself, read without the engine.

sherpa-onnx ends the process when a model lacks what it has to tell, so that it is looked at first. The form is
that of onnx.proto: fields of a message, each with a number and a wire type; the model's metadata are number 14.
"""

from __future__ import annotations

import os
from collections.abc import Iterator
from io import BytesIO
from pathlib import Path
from typing import BinaryIO

from beluga_voice.errors import ProviderError

_METADATA, _GRAPH = 14, 7
_VARINT, _FIXED64, _BYTES, _FIXED32 = 0, 1, 2, 5
_LONGEST = 1 << 24
"""Bytes of one metadata entry that are read at most."""


def metadata(path: Path) -> dict[str, str]:
    """Return the metadata of a model.

    Raises:
        ProviderError: the file is no ONNX model.
    """
    found: dict[str, str] = {}
    fields = set()
    try:
        with path.open("rb") as file:
            for number, value in _fields(file):
                fields.add(number)
                if number == _METADATA:
                    entry = dict(_fields(BytesIO(value)))
                    found[entry.get(1, b"").decode()] = entry.get(2, b"").decode()
    except (EOFError, UnicodeDecodeError) as error:
        raise ProviderError(f"{str(path)!r} is no ONNX model: {error}", retryable=False) from error
    if _GRAPH not in fields:
        raise ProviderError(f"{str(path)!r} is no ONNX model: it holds no graph", retryable=False)
    return found


def _fields(file: BinaryIO) -> Iterator[tuple[int, bytes]]:
    """Yield each field's number, with its bytes if it is short enough to be text; others are skipped unread."""
    end = file.seek(0, os.SEEK_END)
    file.seek(0)
    while file.tell() < end:
        number, kind = divmod(_varint(file), 8)
        value = b""
        if kind == _VARINT:
            _varint(file)
        elif kind == _BYTES:
            length = _varint(file)
            if file.tell() + length > end:
                raise EOFError("a field goes beyond its end")
            value = file.read(length) if length < _LONGEST and number != _GRAPH else b""
            file.seek(length - len(value), os.SEEK_CUR)
        elif kind in (_FIXED64, _FIXED32):
            file.seek(8 if kind == _FIXED64 else 4, os.SEEK_CUR)
        else:
            raise EOFError(f"a field of kind {kind}")
        yield number, value


def _varint(file: BinaryIO) -> int:
    value = 0
    for shift in range(0, 70, 7):
        byte = file.read(1)
        if not byte:
            raise EOFError("it breaks off")
        value |= (byte[0] & 0x7F) << shift
        if not byte[0] & 0x80:
            return value
    raise EOFError("a number of more than 64 bits")
