"""Models that do not come with a plugin: fetched by a command, kept in one folder, and held to their hash.

Nothing here is called while a session runs or starts: a model that is missing is an error with the command that
fetches it, never a download.
"""

from __future__ import annotations

import hashlib
import json
import os
import shutil
import sys
import tarfile
import urllib.error
import urllib.parse
import urllib.request
import zipfile
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from http.client import HTTPResponse
from pathlib import Path

from beluga_voice.errors import ConfigurationError, ProviderError
from beluga_voice.plugins import Model
from beluga_voice.plugins.model import FOLDER_VARIABLE

LOCK = "fetched.json"
"""The file in a model's folder that records the hash of each of its files, once all are there."""

TIMEOUT = 30.0
"""Seconds in which a server has to answer, and to send the next part."""

_PART = 1 << 18
_ARCHIVES = (".tar.bz2", ".tar.gz", ".tgz", ".tar.xz", ".zip")

Progress = Callable[[str, int, int | None], None]
"""Takes a file's name, how many bytes came since the last call, and how many it has in all, if that is known."""


class ModelStore:
    """The folder of fetched models.

    Args:
        folder: where they are; by default what ``BELUGA_VOICE_MODELS`` names, else a folder of the user's data.
    """

    def __init__(self, folder: Path | None = None) -> None:
        self.folder = folder or _folder()

    def find(self, name: str) -> Path | None:
        """Return the folder of a model that was fetched whole, None if it was not. Reads no hash."""
        folder = self.folder / name
        return folder if (folder / LOCK).is_file() else None

    def fetch(self, model: Model, progress: Progress | None = None) -> Path:
        """Fetch a model, unless it is there, and return its folder. What is there stays until all has come.

        Raises:
            ConfigurationError: an address is none that may be fetched.
            ProviderError: it cannot be had, or is not what it was when it was fetched first.
        """
        if (found := self.find(model.name)) is not None:
            return found
        target, partial = self.folder / model.name, self.folder / f".{model.name}.{os.getpid()}"
        shutil.rmtree(partial, ignore_errors=True)
        partial.mkdir(parents=True)
        try:
            hashes = self._fetch_into(partial, model, progress or (lambda *_: None))
            (partial / LOCK).write_text(json.dumps({"fetched": hashes, "files": _hashes(partial)}, indent=2))
            self._remember(model.name, hashes)
            shutil.rmtree(target, ignore_errors=True)
            partial.replace(target)
        finally:
            shutil.rmtree(partial, ignore_errors=True)
        return target

    def verify(self, name: str) -> tuple[str, ...]:
        """Return what is wrong with a fetched model, a sentence for each file; empty if it is whole.

        Raises:
            ConfigurationError: it was not fetched.
        """
        folder = self.find(name)
        if folder is None:
            raise ConfigurationError(f"model {name!r} was not fetched. Try: beluga-voice models fetch {name}")
        recorded: dict[str, str] = json.loads((folder / LOCK).read_text())["files"]
        found = _hashes(folder)
        gone = [f"{file} is missing" for file in sorted(recorded.keys() - found.keys())]
        changed = [
            f"{file} has changed"
            for file in sorted(recorded)
            if found.get(file, recorded[file]) != recorded[file]
        ]
        return (*gone, *changed)

    def remove(self, name: str) -> None:
        """Delete a fetched model; its hash stays known."""
        shutil.rmtree(self.folder / name, ignore_errors=True)

    def _fetch_into(self, folder: Path, model: Model, progress: Progress) -> dict[str, str]:
        hashes = {}
        known = self._known().get(model.name, {})
        for place, url in enumerate(model.urls):
            name = Path(urllib.parse.urlparse(url).path).name
            _download(url, folder / name, progress)
            hashes[url] = _sha256(folder / name)
            published = model.sha256[place] if place < len(model.sha256) else ""
            expected = published or known.get(url, "")
            if expected and hashes[url] != expected:
                raise ProviderError(
                    f"{url} has sha256 {hashes[url]}, not {expected}"
                    f"{'' if published else ' as when it was fetched first'}; it was not kept",
                    retryable=False,
                )
            if name.endswith(_ARCHIVES):
                _unpack(folder / name, folder)
        return hashes

    def _known(self) -> dict[str, dict[str, str]]:
        """The hashes of all that was ever fetched, by model and address."""
        file = self.folder / "hashes.json"
        known: dict[str, dict[str, str]] = json.loads(file.read_text()) if file.is_file() else {}
        return known

    def _remember(self, name: str, hashes: dict[str, str]) -> None:
        known = self._known()
        known[name] = known.get(name, {}) | hashes
        partial = self.folder / f".hashes.{os.getpid()}"
        partial.write_text(json.dumps(known, indent=2))
        partial.replace(self.folder / "hashes.json")


def _folder() -> Path:
    named = os.environ.get(FOLDER_VARIABLE)
    if named:
        return Path(named).expanduser()
    home = Path.home()
    if sys.platform == "win32":
        data = Path(os.environ.get("LOCALAPPDATA") or home / "AppData/Local")
    elif sys.platform == "darwin":
        data = home / "Library/Application Support"
    else:
        data = Path(os.environ.get("XDG_DATA_HOME") or home / ".local/share")
    return data / "beluga-voice" / "models"


def _download(url: str, target: Path, progress: Progress) -> None:
    parts = urllib.parse.urlparse(url)
    if parts.scheme != "https" and not (
        parts.scheme == "http" and parts.hostname in {"127.0.0.1", "localhost"}
    ):
        raise ConfigurationError(f"{url!r} may not be fetched; allowed are https addresses")
    try:
        with _asked(url) as answer, target.open("wb") as file:
            length = answer.headers.get("Content-Length")
            total = int(length) if length else None
            came = 0
            while part := answer.read(_PART):
                file.write(part)
                came += len(part)
                progress(target.name, len(part), total)
    except (OSError, urllib.error.URLError) as error:
        raise ProviderError(
            f"{url} cannot be had: {error}. Try again, or fetch it elsewhere and name its path"
        ) from error
    if total is not None and came != total:
        raise ProviderError(f"{url} broke off after {came} of {total} bytes; try again")


@contextmanager
def _asked(url: str) -> Iterator[HTTPResponse]:
    request = urllib.request.Request(url, headers={"User-Agent": "beluga-voice"})  # noqa: S310 - the scheme is checked
    with urllib.request.urlopen(request, timeout=TIMEOUT) as answer:  # noqa: S310
        yield answer


def _unpack(archive: Path, folder: Path) -> None:
    """Unpack into `folder`, which nothing in the archive may leave, and delete the archive."""
    try:
        if archive.name.endswith(".zip"):
            with zipfile.ZipFile(archive) as zipped:
                zipped.extractall(folder)  # noqa: S202 - it keeps within the folder by itself
        else:
            with tarfile.open(archive) as packed:
                packed.extractall(folder, filter="data")
    except (tarfile.TarError, zipfile.BadZipFile, EOFError) as error:
        raise ProviderError(f"{archive.name} cannot be unpacked: {error}", retryable=False) from error
    archive.unlink()


def _hashes(folder: Path) -> dict[str, str]:
    files = sorted(path for path in folder.rglob("*") if path.is_file() and path.name != LOCK)
    return {path.relative_to(folder).as_posix(): _sha256(path) for path in files}


def _sha256(path: Path) -> str:
    with path.open("rb") as file:
        return hashlib.file_digest(file, "sha256").hexdigest()
