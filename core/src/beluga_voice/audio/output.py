"""Files that a call is written to: each by one writer at a time."""

from __future__ import annotations

from io import FileIO
from pathlib import Path

from beluga_voice.errors import ConfigurationError

try:
    import fcntl
except ImportError:  # Windows
    fcntl = None  # type: ignore[assignment,unused-ignore]


def create_file(path: Path, *, private: bool = False) -> FileIO:
    """Create a file to be written, without a buffer; one that is there is emptied.

    Until it is closed it belongs to this writer, where the system has locks: another one, be it of another process,
    would write into the midst of it.

    Args:
        path: of the file.
        private: a new file can be read by its owner only, where the system knows owners.

    Raises:
        ConfigurationError: it cannot be opened for writing, or another call is being written to it.
    """
    try:
        path.touch(0o600 if private else 0o666)
        file = path.open("r+b", buffering=0)
    except OSError as error:
        raise ConfigurationError(
            f"cannot write {path}: {error.strerror}; name a file in a folder that can be written"
        ) from error
    try:
        _lock(file)
    except BlockingIOError:
        file.close()
        raise ConfigurationError(
            f"cannot write {path}: another call is being written to it; give each a file of its own"
        ) from None
    if path.is_file():
        file.truncate(0)
    return file


def _lock(file: FileIO) -> None:
    if fcntl is not None:
        try:
            fcntl.flock(file, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError:
            raise
        except OSError:  # a file system without locks
            return
