"""Settings files and ``key=value`` of the command line."""

from __future__ import annotations

import contextlib
import tomllib
from dataclasses import fields
from pathlib import Path

from beluga_voice.errors import BelugaVoiceError, ConfigurationError, PluginError
from beluga_voice.session.config import SessionConfig
from beluga_voice.settings import Settings
from beluga_voice.turns import TurnPolicy

from . import hold

SPLIT = b"\n---\n"
"""Before it a file, after it a ``key=value`` in each line."""

_WHOLE = """
stt = "pocketsphinx"
plugins = ["shop.voice"]
disabled_plugins = "energy"

[tts]
provider = "espeak"
voice = "en-us"
rate = 170

[turns]
endpoint_min = 0.4
barge_in_needs = "any"
barge_in_words = 2

[session]
greeting = "Hello."
journal_content = false
journal_max_bytes = 100000

[sessions.support]
tts = "espeak"
turns = { stall = 7.5 }
"""

TOKENS = (
    *(f"{spec.name} = ".encode() for kind in (TurnPolicy, SessionConfig) for spec in fields(kind)),
    b"[turns]\n", b"[session]\n", b"[sessions.a]\n", b"turns.", b"sessions.", b"stt=", b"true", b"nan", b"inf",
    b"\n---\n", b"-1", b"[]", b"{}", b'""', b"null", b"none", b"\0", b"\xff",
    b"1979-05-27", b"'''", b"[[turns]]\n", b".", b"=",
)  # fmt: skip


def corpus() -> list[bytes]:
    """Give files and overrides that are right."""
    return [
        _WHOLE.encode(),
        b"[turns]\nstall = 9" + SPLIT + b"turns.endpoint_min=0.5\nsession.greeting=Hi = there",
        SPLIT + b"stt=none\nturns.barge_in_needs=any\nsessions.a.turns.stall=9\nvad.threshold=0.4",
    ]


def check(data: bytes, folder: Path) -> None:
    """Read settings; what the file says must be what they hold, or be refused with the key or the line."""
    file, _, rest = data.partition(SPLIT)
    overrides = rest.decode("utf-8", "surrogateescape").split("\n") if rest else []
    path = folder / "in.toml"
    path.write_bytes(file)
    try:
        with contextlib.chdir(folder):
            settings = Settings(config=path, overrides=overrides)
    except ConfigurationError as error:
        hold(bool(str(error).strip()), "an error without a text")
        return
    if not overrides:
        _compare(settings, tomllib.loads(file.decode()))
    _choose(settings)


def _compare(settings: Settings, written: dict[str, object]) -> None:
    for name, read in (("turns", settings.turns), ("session", settings.session)):
        table = written.get(name, {})
        assert isinstance(table, dict)
        for key, value in table.items():
            held = getattr(read, key)
            assert held == value or str(held) == str(value) or isinstance(value, str), (
                f"{name}.{key} is {value!r} in the file and {held!r} in the settings"
            )
            assert not (isinstance(value, bool) and not isinstance(held, bool)), (
                f"{name}.{key} took {value!r}"
            )


def _choose(settings: Settings) -> None:
    """Go on to what is decided later: profiles, and who provides what."""
    for profile in (None, *settings.sessions):
        for selection in settings.profile(profile).selections():
            try:
                repr(selection)
                str(selection.provider)
            except (ConfigurationError, PluginError, BelugaVoiceError):
                continue
