"""Every snippet of the README and of docs/ runs.

A page is read from top to bottom in a folder of its own. Comments before a fenced block say what it is:

    <!-- file: NAME -->          write the block to this file
    <!-- same as: PATH -->       it is that file of the repository, which tests run
    <!-- output -->              what the Python block before it prints; `...` stands for anything
    <!-- not run: REASON -->     only shown

Without a comment a Python block is run, and of a console block each line with `$` is run by the shell and the lines
after it are its output.
"""

from __future__ import annotations

import contextlib
import doctest
import io
import os
import re
import shutil
import subprocess
import sys
from dataclasses import dataclass
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parent.parent.parent
PAGES = [
    ROOT / "README.md",
    *sorted((ROOT / "docs").rglob("*.md")),
    *sorted(ROOT.glob("examples/**/README.md")),
    *sorted(ROOT.glob("plugins/*/README.md")),
]
RUN = {"python", "console", "sh", "toml", "json"}
SHOWN = {"text"}
FLAGS = doctest.ELLIPSIS | doctest.NORMALIZE_WHITESPACE


@dataclass(frozen=True)
class Block:
    """A fenced block: where, its language, the comments before it, its text."""

    line: int
    language: str
    comments: dict[str, str]
    text: str


def blocks_of(page: Path) -> list[Block]:
    """Read the fenced blocks of a page."""
    blocks: list[Block] = []
    comments: dict[str, str] = {}
    inside: list[str] | None = None
    language, start = "", 0
    for number, line in enumerate(page.read_text(encoding="utf-8").splitlines(), 1):
        if inside is not None:
            if line.strip() == "```":
                blocks.append(Block(start, language, comments, "".join(f"{each}\n" for each in inside)))
                inside, comments = None, {}
            else:
                inside.append(line)
        elif line.startswith("```"):
            inside, language, start = [], line[3:].strip(), number
        elif comment := re.fullmatch(r"<!-- (file|same as|output|not run)(?:: (.+))? -->", line):
            comments[comment[1]] = comment[2] or ""
        elif line.strip():
            comments = {}
    assert inside is None, f"{page}:{start}: the block has no end"
    return blocks


BLOCKS = {page: blocks_of(page) for page in PAGES}


def name(page: Path) -> str:
    return str(page.relative_to(ROOT))


def environment() -> dict[str, str]:
    """The shell's: this Python and its scripts first, and no settings but the page's own."""
    own = {key: value for key, value in os.environ.items() if not key.startswith("BELUGA_VOICE_")}
    scripts = str(Path(sys.executable).parent)
    return own | {"PATH": os.pathsep.join([scripts, own.get("PATH", "")])}


def run_console(block: Block, folder: Path) -> None:
    """Run each command and compare what it prints."""
    commands = re.split(r"^\$ ", block.text, flags=re.MULTILINE)
    assert not commands[0].strip(), "a console block begins with a command"
    for each in commands[1:]:
        command, _, expected = each.partition("\n")
        done = subprocess.run(
            ["bash", "-c", command.replace("uv run ", "")],
            cwd=folder,
            env=environment(),
            capture_output=True,
            text=True,
            timeout=50,
            check=False,
        )
        assert done.returncode == 0, f"{command}\n{done.stdout}{done.stderr}"
        compare(command, expected, done.stdout)


def compare(what: str, expected: str, printed: str) -> None:
    assert doctest.OutputChecker().check_output(expected, printed, FLAGS), (
        f"{what}\n-- expected --\n{expected}\n-- printed --\n{printed}"
    )


def run_python(block: Block, page: Path, names: dict[str, object]) -> str:
    """Run a block with the names of those before it; return what it prints."""
    printed = io.StringIO()
    # Lines before it keep the numbers in tracebacks those of the page.
    code = compile("\n" * block.line + block.text, str(page), "exec", dont_inherit=True)
    with contextlib.redirect_stdout(printed):
        exec(code, names)
    return printed.getvalue()


@pytest.fixture
def folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A folder for a page, in which the repository's examples are, and `ask.py` of the tutorial's first part."""
    (tmp_path / "examples").symlink_to(ROOT / "examples")
    shutil.copy(ROOT / "examples/04-recorded-calls/ask.py", tmp_path)
    monkeypatch.chdir(tmp_path)
    monkeypatch.syspath_prepend(str(tmp_path))
    for key in [key for key in os.environ if key.startswith("BELUGA_VOICE_")]:
        monkeypatch.delenv(key)
    return tmp_path


@pytest.mark.parametrize("page", [page for page in PAGES if BLOCKS[page]], ids=name)
def test_a_page_s_snippets_run_from_top_to_bottom(page: Path, folder: Path) -> None:
    before, printed = set(sys.modules), ""
    names: dict[str, object] = {"__name__": "__main__"}
    for block in BLOCKS[page]:
        if "not run" in block.comments:
            continue
        if "output" in block.comments:
            compare(f"{name(page)}:{block.line}", block.text, printed)
        elif "file" in block.comments:
            (folder / block.comments["file"]).write_text(block.text, encoding="utf-8")
        elif block.language == "console":
            run_console(block, folder)
        elif block.language == "python":
            printed = run_python(block, page, names)
    for module in set(sys.modules) - before:
        if (folder / f"{module.partition('.')[0]}.py").exists():
            del sys.modules[module]


@pytest.mark.parametrize("page", PAGES, ids=name)
def test_a_block_is_run_or_says_why_not(page: Path) -> None:
    for block in BLOCKS[page]:
        where = f"{name(page)}:{block.line}"
        assert block.language in RUN | SHOWN, f"{where} has the language {block.language!r}"
        needs_comment = block.language in {"sh", "toml", "json", "text"}
        assert block.comments or not needs_comment, f"{where}: say what it is, by a comment before it"
        assert block.comments.get("not run") != "", f"{where}: say why it is not run"


@pytest.mark.parametrize("page", PAGES, ids=name)
def test_a_file_that_is_shown_is_the_one_that_is_tested(page: Path) -> None:
    for block in BLOCKS[page]:
        if "same as" in block.comments:
            shown = (ROOT / block.comments["same as"]).read_text(encoding="utf-8")
            assert block.text == shown, f"{name(page)}:{block.line} differs from {block.comments['same as']}"


def test_the_readme_has_its_two_commands_and_ci_runs_the_second() -> None:
    readme = (ROOT / "README.md").read_text(encoding="utf-8")
    assert "\npip install uv && uv run beluga-voice demo " in readme
    assert "\npip install uv && uv run tox " in readme
    assert "uv run tox" in (ROOT / ".ci/run").read_text(encoding="utf-8")


def test_the_readme_stays_short() -> None:
    assert len((ROOT / "README.md").read_text(encoding="utf-8").splitlines()) <= 75
