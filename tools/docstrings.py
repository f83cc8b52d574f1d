"""Google style docstrings as Markdown."""

from __future__ import annotations

import inspect
import re
from collections.abc import Iterable

TITLES = {"Args": "Arguments"}
SECTIONS = ("Args", "Attributes", "Returns", "Raises")


def parts(documented: object) -> tuple[str, dict[str, dict[str, str]]]:
    """Split a docstring: its prose as Markdown, and its sections, each a table of name to text.

    What a section says without a name stands under the empty name.
    """
    prose: list[str] = []
    sections: dict[str, dict[str, str]] = {}
    current: dict[str, str] | None = None
    name = title = ""
    for line in (inspect.getdoc(documented) or "").splitlines():
        if (heading := line.removesuffix(":")) in SECTIONS and line.endswith(":"):
            current, name, title = sections.setdefault(heading, {}), "", heading
        elif current is None or (line and not line.startswith(" ")):
            current = None
            prose.append(line)
        elif title != "Returns" and (entry := re.fullmatch(r"    ([\w, ]+): (.*)", line)):
            name = entry[1]
            current[name] = entry[2]
        elif line.strip():
            current[name] = f"{current.get(name, '')} {line.strip()}".strip()
    return markdown("\n".join(prose)).strip(), sections


def markdown(text: str) -> str:
    """Turn double backticks into single ones, and indented blocks into fenced ones."""
    text = text.replace("``", "`")
    return re.sub(r"(?:^    .*\n?|(?<=\n)\n(?=    ))+", _fenced, text, flags=re.MULTILINE)


def _fenced(block: re.Match[str]) -> str:
    code = inspect.cleandoc(block[0])
    return f"\n<!-- not run: a sketch of its use -->\n```python\n{code}\n```\n"


def first_sentence(documented: object) -> str:
    """The docstring's first sentence, as it would stand in a table: without its full stop."""
    paragraph = (inspect.getdoc(documented) or "").partition("\n\n")[0].replace("\n", " ")
    return markdown(re.split(r"(?<=[.!?]) ", paragraph)[0]).strip().removesuffix(".")


def table(head: Iterable[str], rows: Iterable[Iterable[str]]) -> str:
    """A Markdown table; pipes within a cell are escaped."""
    names = list(head)
    lines = [names, ["---"] * len(names), *rows]
    return "\n".join(f"| {' | '.join(cell.replace('|', chr(92) + '|') for cell in line)} |" for line in lines)


def bullets(entries: dict[str, str], *, code: bool = True) -> str:
    """A list of names and what is said of each."""
    quote = "`" if code else ""
    items = []
    for name, text in entries.items():
        names = ", ".join(f"{quote}{each}{quote}" for each in name.split(", ")) if name else ""
        items.append(f"- {names}: {markdown(text)}" if name else f"- {markdown(text)}")
    return "\n".join(items)


def described(documented: object) -> str:
    """The whole docstring as Markdown, sections as lists."""
    prose, sections = parts(documented)
    return "\n\n".join(
        [prose, *(f"{TITLES.get(title, title)}:\n\n{bullets(each)}" for title, each in sections.items())]
    )
