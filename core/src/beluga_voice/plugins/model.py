"""What a plugin tells of a model that can be fetched."""

from __future__ import annotations

import re
from dataclasses import dataclass

from beluga_voice.errors import PluginError

FOLDER_VARIABLE = "BELUGA_VOICE_MODELS"
"""The environment variable that names the folder where fetched models are."""

_NAME = re.compile(r"[a-z0-9][a-z0-9_-]*")
_SHA256 = re.compile(r"[0-9a-f]{64}")


@dataclass(frozen=True, slots=True)
class Model:
    """A model that can be fetched.

    Attributes:
        name: as it is asked for.
        urls: what is fetched; archives (tar, zip) are unpacked. ``https`` only, but ``http`` on this machine.
        sha256: the hash of each of `urls`, in hexadecimal; empty where it is not known, and the hash of the first
            fetch is then held.
        licence: under which it is published, as SPDX writes it.
        purpose: what it is good for, in one line.
        plugin: the plugin that uses it.
        size: bytes that a fetch brings, about; 0 where it is not known.

    Raises:
        PluginError: the name is of another form, there is no address, or a hash is none.
    """

    name: str
    urls: tuple[str, ...]
    sha256: tuple[str, ...] = ()
    licence: str = ""
    purpose: str = ""
    plugin: str = ""
    size: int = 0

    def __post_init__(self) -> None:
        """Hold what a plugin has to keep to."""
        if _NAME.fullmatch(self.name) is None:
            raise PluginError(
                f"a model cannot be named {self.name!r}; allowed: lower-case letters, digits, '-' and '_'"
            )
        if not self.urls:
            raise PluginError(f"model {self.name!r} has no address; give at least one")
        if self.sha256 and len(self.sha256) != len(self.urls):
            raise PluginError(
                f"model {self.name!r} has {len(self.sha256)} hashes for {len(self.urls)} addresses"
            )
        if self.size < 0:
            raise PluginError(
                f"model {self.name!r} has {self.size} bytes; give 0 where the size is not known"
            )
        for each in filter(None, self.sha256):
            if _SHA256.fullmatch(each) is None:
                raise PluginError(f"{each!r} is no sha256; it has 64 hexadecimal digits in lower case")
