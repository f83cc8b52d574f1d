"""Files that a call is written to."""

from __future__ import annotations

import errno
import os
import runpy
import sys
from pathlib import Path

import pytest

from beluga_voice.audio import output
from beluga_voice.audio.output import create_file
from beluga_voice.errors import ConfigurationError


def test_a_file_is_created_or_emptied(tmp_path: Path) -> None:
    path = tmp_path / "call"
    path.write_bytes(b"what was there before")
    with create_file(path) as file:
        file.write(b"new")
    assert path.read_bytes() == b"new"
    with create_file(tmp_path / "another") as file:
        assert (tmp_path / "another").read_bytes() == b""


@pytest.mark.skipif(sys.platform == "win32", reason="no owners")
def test_a_private_file_is_its_owners(tmp_path: Path) -> None:
    create_file(tmp_path / "private", private=True).close()
    assert (tmp_path / "private").stat().st_mode & 0o777 == 0o600


@pytest.mark.skipif(sys.platform == "win32", reason="no locks")
def test_a_file_that_is_being_written_is_refused_and_unharmed_until_it_is_closed(tmp_path: Path) -> None:
    path = tmp_path / "call"
    with create_file(path) as file:
        file.write(b"mine")
        with pytest.raises(ConfigurationError, match="call: another call is being written to it; give each"):
            create_file(path)
        assert path.read_bytes() == b"mine"
    create_file(path).close()
    assert path.read_bytes() == b""


@pytest.mark.parametrize("name", [".", "gone/call"])
def test_what_cannot_be_written_is_named(tmp_path: Path, name: str) -> None:
    with pytest.raises(
        ConfigurationError, match=r"cannot write .*; name a file in a folder that can be written"
    ):
        create_file(tmp_path / name)


@pytest.mark.skipif(sys.platform == "win32", reason="no devices")
def test_a_device_is_written_to_and_not_emptied() -> None:
    with create_file(Path(os.devnull)) as file:
        assert file.write(b"gone") == 4


def test_on_a_system_without_locks_files_are_written_all_the_same(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setitem(sys.modules, "fcntl", None)  # importing it fails, as on Windows
    without_locks = runpy.run_path(output.__file__)["create_file"]
    path = tmp_path / "call"
    with without_locks(path) as first, without_locks(path) as second:
        assert (first.write(b"one"), second.write(b"two")) == (3, 3)
    assert path.read_bytes() == b"two"


@pytest.mark.skipif(sys.platform == "win32", reason="no locks")
def test_on_a_file_system_without_locks_files_are_written_all_the_same(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    def flock(*_: object) -> None:
        raise OSError(errno.ENOLCK, os.strerror(errno.ENOLCK))

    monkeypatch.setattr("fcntl.flock", flock)
    path = tmp_path / "call"
    with create_file(path) as file:
        file.write(b"new")
    assert path.read_bytes() == b"new"
