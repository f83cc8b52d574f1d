"""The files of a new plugin, from its name and the contracts that it is to have."""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from string import Template

from beluga_voice._version import __version__
from beluga_voice.cli.scaffold.kinds import KINDS
from beluga_voice.errors import ConfigurationError

NAME = re.compile(r"[a-z][a-z0-9]*(-[a-z0-9]+)*")

PYPROJECT = """\
[build-system]
requires = ["hatchling"]
build-backend = "hatchling.build"

[project]
name = "beluga-voice-$name"
version = "0.1.0"
description = "$Name for beluga-voice: $kinds."
readme = "README.md"
requires-python = ">=3.11"
dependencies = ["beluga-voice>=$core,<$next", "numpy>=2.0", "pydantic>=2.9"]

[project.optional-dependencies]
dev = ["mypy", "pytest"]

[project.entry-points.beluga_voice]
$name = "$package"

[tool.hatch.build.targets.wheel]
packages = ["src/$package"]

[tool.mypy]
files = ["src", "tests"]
strict = true

[tool.pytest.ini_options]
testpaths = ["tests"]
filterwarnings = ["error"]
"""

README = """\
# beluga-voice-$name

$Name for beluga-voice: $kinds.

    pip install beluga-voice-$name
    beluga-voice plugins

Chosen by a setting, as in `BELUGA_VOICE_$first=$name`. Its own settings stand beside it, as in
`$first_lower.$setting`; `beluga-voice config show` lists them.

## Develop

    pip install -e ".[dev]"
    pytest
    mypy
    beluga-voice check $name
"""

WORKFLOW = """\
name: test
on: [push, pull_request]
jobs:
  test:
    runs-on: ubuntu-latest
    strategy:
      matrix:
        python: ["3.11", "3.12", "3.13"]
    steps:
      - uses: actions/checkout@v4
      - uses: actions/setup-python@v5
        with:
          python-version: $${{ matrix.python }}
      - run: pip install -e ".[dev]"
      - run: pytest
      - run: mypy
      - run: beluga-voice check $name
"""

IGNORED = "__pycache__/\n.mypy_cache/\n.pytest_cache/\n.venv/\ndist/\n"

HOOK = '''

@hookimpl
def $hook(register: $register) -> None:
    """Register ``$name``."""
    register(
        "$name",
        "$package.$module:$Name$suffix",
        settings="$package.settings:$Name${suffix}Settings",
    )
'''

CHECKS_HOOK = '''

@hookimpl
def register_checks(register: RegisterCheck) -> None:
    """Register how it is checked."""
'''

CHECKS = '''"""How ``$name`` is checked: in a folder of its own."""

from __future__ import annotations

from pathlib import Path
from tempfile import TemporaryDirectory

from beluga_voice.testing import check_session_store
from $package.session_store import ${Name}SessionStore
from $package.settings import ${Name}SessionStoreSettings


async def check_store() -> None:
    """Hold the session store to its contract."""
    with TemporaryDirectory() as folder:
        settings = ${Name}SessionStoreSettings(folder=Path(folder))
        await check_session_store(lambda: ${Name}SessionStore(settings))
'''

LINE_CHECK = '''"""How ``$name`` is checked: its far end speaks by itself."""

from __future__ import annotations

from beluga_voice.testing import check_transport
from $package.transport import ${Name}Transport


async def check_line() -> None:
    """Hold the transport to its contract."""
    await check_transport(${Name}Transport)
'''

OWN_CHECKS = {
    "session_store": ("store_check", "check_store", CHECKS),
    "transport": ("line_check", "check_line", LINE_CHECK),
}
"""What ``beluga-voice check`` cannot check by itself: the module, its function, its text."""


def files_of(name: str, kinds: Sequence[str]) -> dict[str, str]:
    """Return the new package's files: their paths within its folder, and their texts.

    Args:
        name: as in ``acme``: lower-case letters, digits and single hyphens.
        kinds: contracts, as in ``stt``.

    Raises:
        ConfigurationError: the name is of another form, or there is no such kind.
    """
    if NAME.fullmatch(name) is None:
        raise ConfigurationError(
            f"{name!r} is no name of a plugin; it has lower-case letters, digits and hyphens, as in 'acme-voice'"
        )
    chosen = list(dict.fromkeys(kinds))
    unknown = [kind for kind in chosen if kind not in KINDS]
    if unknown or not chosen:
        raise ConfigurationError(
            f"no kind of provider named {', '.join(unknown) or 'nothing'!r}; there are: {', '.join(KINDS)}"
        )
    words = _words(name, chosen)
    package = words["package"]
    files = {
        "pyproject.toml": _fill(PYPROJECT, words),
        "README.md": _fill(README, words),
        ".gitignore": IGNORED,
        ".github/workflows/test.yml": _fill(WORKFLOW, words),
        f"src/{package}/py.typed": "",
        f"src/{package}/__init__.py": _hooks(chosen, words),
        f"src/{package}/settings.py": _settings(chosen, words),
    }
    for kind in chosen:
        each = KINDS[kind]
        files[f"src/{package}/{each.module}.py"] = _fill(each.provider, words)
        files[f"tests/test_{name.replace('-', '_')}_{each.module}.py"] = _fill(each.test, words)
        if kind in OWN_CHECKS:
            module, _, text = OWN_CHECKS[kind]
            files[f"src/{package}/{module}.py"] = _fill(text, words)
    return files


def _words(name: str, kinds: Sequence[str]) -> dict[str, str]:
    major, minor, _ = __version__.split(".")
    setting = KINDS[kinds[0]].setting.split(":")[0].strip()
    return {
        "name": name,
        "Name": "".join(part.capitalize() for part in name.split("-")),
        "package": f"beluga_voice_{name.replace('-', '_')}",
        "kinds": ", ".join(kinds),
        "first": kinds[0].upper(),
        "first_lower": kinds[0],
        "setting": setting,
        "core": f"{major}.{minor}",
        "next": f"{major}.{int(minor) + 1}" if major == "0" else f"{int(major) + 1}",
    }


def _fill(text: str, words: Mapping[str, str]) -> str:
    return Template(text).substitute(words)


def _hooks(kinds: Sequence[str], words: Mapping[str, str]) -> str:
    own = [kind for kind in kinds if kind in OWN_CHECKS]
    types = sorted({KINDS[kind].register for kind in kinds} | ({"RegisterCheck"} if own else set()))
    head = _fill(
        '"""$Name for beluga-voice: $kinds."""\n\nfrom __future__ import annotations\n\n'
        "from typing import TYPE_CHECKING\n\nfrom beluga_voice.hookspecs import hookimpl\n\n"
        "if TYPE_CHECKING:\n",
        words,
    )
    head += (
        "    from beluga_voice.hookspecs import (\n"
        + "".join(f"        {each},\n" for each in types)
        + "    )\n"
    )
    text = head
    for kind in kinds:
        each = KINDS[kind]
        hook = {"hook": each.hook, "register": each.register, "module": each.module, "suffix": each.suffix}
        text += _fill(HOOK, {**words, **hook})
    if own:
        text += CHECKS_HOOK
        for kind in own:
            module, function, _ = OWN_CHECKS[kind]
            text += _fill(f'    register("{kind}", "$name", "$package.{module}:{function}")\n', words)
    return text


def _settings(kinds: Sequence[str], words: Mapping[str, str]) -> str:
    classes = []
    for kind in kinds:
        each = KINDS[kind]
        classes.append(
            f"\n\nclass {words['Name']}{each.suffix}Settings(BaseModel):\n"
            f'    """Settings of `{words["Name"]}{each.suffix}`."""\n\n'
            '    model_config = ConfigDict(frozen=True, extra="forbid")\n' + _fill(each.setting, words)
        )
    body = "".join(classes)
    paths = "from pathlib import Path\n\n" if "Path(" in body else ""
    head = '"""What can be set."""\n\nfrom __future__ import annotations\n\n'
    return f"{head}{paths}from pydantic import BaseModel, ConfigDict, Field\n{body}"
