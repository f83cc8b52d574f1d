"""Write the reference of docs/ from the code.

    python tools/reference.py             write the pages
    python tools/reference.py --check     exit 1 if one differs

Whole pages are written to docs/reference/. Within a page of prose, what stands between `<!-- generated: NAME -->`
and `<!-- end -->` is replaced.
"""

from __future__ import annotations

import argparse
import ast
import re
import sys
from collections.abc import Callable
from pathlib import Path

import reference_api
import reference_use
from docstrings import table
from states import states_svg

from beluga_voice.turns import TRANSITIONS

ROOT = Path(__file__).resolve().parent.parent
DOCS = ROOT / "docs"
NOTE = "<!-- Written by tools/reference.py from the code: change it there. -->"

PAGES: dict[str, Callable[[], str]] = {
    "reference/public.md": reference_api.public,
    "reference/testing.md": reference_api.testing,
    "reference/hooks.md": reference_api.hooks,
    "reference/events.md": reference_api.events,
    "reference/commands.md": reference_api.commands,
    "reference/contracts.md": reference_api.contracts,
    "reference/errors.md": reference_api.errors,
    "reference/settings.md": reference_use.settings,
    "reference/cli.md": reference_use.cli,
    "reference/extras.md": reference_use.extras,
    "reference/plugins.md": reference_use.plugins,
}


def layers() -> str:
    """The rows of the layering test, each unit with the first sentence of its docstring."""
    tree = ast.parse((ROOT / "tests/test_layering.py").read_text(encoding="utf-8"))
    (rows,) = (
        ast.literal_eval(node.value)
        for node in tree.body
        if isinstance(node, ast.Assign) and ast.unparse(node.targets[0]) == "ROWS"
    )
    core = ROOT / "core/src/beluga_voice"
    lines = []
    for number, units in enumerate(rows):
        for unit in units:
            path = core / unit / "__init__.py" if (core / unit).is_dir() else core / f"{unit}.py"
            if path.exists():
                shown = f"`{unit}/`" if (core / unit).is_dir() else f"`{unit}.py`"
                lines.append([str(number), shown, _about(path)])
    return table(["layer", "module", "what lives there"], lines)


def _about(path: Path) -> str:
    text = ast.get_docstring(ast.parse(path.read_text(encoding="utf-8"))) or ""
    return re.split(r"(?<=[.!?])\s", text.replace("``", "`"))[0].removesuffix(".")


def transitions() -> str:
    """Each state with those that may follow."""
    rows = [
        [f"`{old}`", ", ".join(f"`{new}`" for new in sorted(after))] for old, after in TRANSITIONS.items()
    ]
    return table(["state", "may be followed by"], rows)


PARTS: dict[str, Callable[[], str]] = {
    "layers": layers,
    "transitions": transitions,
    "policy": reference_use.policy,
    "server": reference_use.server,
}


def written() -> dict[Path, str]:
    """Every generated file with the text that it should have."""
    texts = {DOCS / name: f"{NOTE}\n\n{make().strip()}\n" for name, make in PAGES.items()}
    texts[DOCS / "topics/states.svg"] = states_svg()
    for page in sorted((DOCS / "topics").glob("*.md")):
        text = page.read_text(encoding="utf-8")
        new = re.sub(r"(<!-- generated: (\w+) -->\n).*?(<!-- end -->)", _part, text, flags=re.DOTALL)
        if "<!-- generated:" in text:
            texts[page] = new
    return texts


def _part(found: re.Match[str]) -> str:
    return f"{found[1]}\n{PARTS[found[2]]()}\n\n{found[3]}"


def main() -> int:
    """Run the command; return its exit status."""
    parser = argparse.ArgumentParser(description="Write the reference of docs/ from the code.")
    parser.add_argument("--check", action="store_true", help="compare only; exit 1 if a page differs")
    options = parser.parse_args()
    stale = []
    for path, text in written().items():
        if not path.exists() or path.read_text(encoding="utf-8") != text:
            stale.append(str(path.relative_to(ROOT)))
            if not options.check:
                path.parent.mkdir(parents=True, exist_ok=True)
                path.write_text(text, encoding="utf-8")
    if options.check and stale:
        print(f"differs from the code: {', '.join(stale)}; run python tools/reference.py", file=sys.stderr)
        return 1
    return 0


if __name__ == "__main__":
    sys.exit(main())
