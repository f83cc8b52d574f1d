"""Classes and functions of the code as sections of Markdown."""

from __future__ import annotations

import dataclasses
import inspect
import re
from abc import ABC
from enum import Enum
from pathlib import Path

from docstrings import bullets, described, first_sentence, markdown, parts, table


def enum_section(each: type[Enum]) -> str:
    values = ", ".join(f"`{member.value}`" for member in each)
    return f"### {each.__name__}\n\n{first_sentence(each)}: {values}."


def dataclass_section(each: type, skip: tuple[str, ...] = ("at",)) -> str:
    prose, sections = parts(each)
    meanings = sections.get("Attributes", {})
    rows = []
    for spec in dataclasses.fields(each):
        if spec.name not in skip:
            default = "" if spec.default is dataclasses.MISSING else f"`{_value(spec.default)}`"
            rows.append([f"`{spec.name}`", f"`{spec.type}`", default, markdown(meanings.get(spec.name, ""))])
    fields = [table(["field", "type", "default", ""], rows)] if rows else []
    return "\n\n".join([f"### {each.__name__}", prose, *fields])


def _value(value: object) -> str:
    return f"{type(value).__name__}.{value.name}" if isinstance(value, Enum) else repr(value)


def class_section(each: type, *, constructor: bool = False) -> str:
    """A class with its declarations and methods."""
    if dataclasses.is_dataclass(each):
        return dataclass_section(each, skip=()).replace("###", "##", 1)
    if issubclass(each, Enum) and len(_texts(each)) < len(each):
        return enum_section(each).replace("###", "##", 1)
    if issubclass(each, Enum):
        lines = [f"- `{m.name}`: {markdown(text)}" for m, text in zip(each, _texts(each), strict=True)]
        return f"## {each.__name__}\n\n{described(each)}\n\n" + "\n".join(lines)
    bases = [b.__name__ for b in each.__bases__ if b.__module__.startswith("beluga_voice")]
    title = f"## {each.__name__}" + (f"\n\nA [`{bases[0]}`](#{bases[0].lower()})." if bases else "")
    page = [title, *([signature_block(each.__init__, each.__name__)] if constructor else []), described(each)]
    attributes = _attributes(each)
    if attributes:
        page.append("It declares:\n\n" + bullets(attributes))
    for name, method in vars(each).items():
        if isinstance(method, property) and not name.startswith("_"):
            page += [f"### {each.__name__}.{name}", described(method)]
        method = getattr(each, name) if isinstance(method, classmethod) else method
        if (inspect.isfunction(method) or inspect.ismethod(method)) and not name.startswith("_"):
            contract = ABC in each.__mro__  # its other methods have a default
            optional = contract and not getattr(method, "__isabstractmethod__", False)
            required = " (optional)" if optional else ""
            page += [f"### {each.__name__}.{name}{required}", signature_block(method), described(method)]
    return "\n\n".join(page)


def _attributes(each: type) -> dict[str, str]:
    """Class attributes with the string that follows each."""
    found = {}
    for match in re.finditer(
        r'^    (\w+): (.+?) = (.+)\n    """([^"]+)"""', inspect.getsource(each), re.MULTILINE
    ):
        found[f"{match[1]}"] = f"{match[4]} Default: `{match[3]}`."
    return found


def _texts(each: type[Enum]) -> list[str]:
    return [
        " ".join(text.split())
        for text in re.findall(r'= "\w+"\n    """(.+?)"""', inspect.getsource(each), re.DOTALL)
    ]


def alias_section(path: Path, name: str) -> str:
    source = path.read_text(encoding="utf-8")
    found = re.search(rf'^({name} = .+)\n"""([^"]+)"""', source, re.MULTILINE)
    assert found is not None, f"{name} is not in {path}"
    return f"<!-- not run: a type -->\n```python\n{found[1]}\n```\n\n{markdown(' '.join(found[2].split()))}"


def signature_block(function: object, name: str = "") -> str:
    """A signature, long ones with a line for each parameter. With `name` it is that of a call."""
    waits = inspect.iscoroutinefunction(function)
    prefix = ("await " if waits else "") if name else ("async def " if waits else "def ")
    signature = signature_of(function)
    if name:
        signature = signature.replace("(self, ", "(").replace("(self)", "()").removesuffix(" -> None")
    line = f"{prefix}{name or getattr(function, '__name__', '')}{signature}"
    if len(line) > 100:
        line = _wrapped(line)
    return f"<!-- not run: a signature -->\n```python\n{line}\n```"


def _wrapped(line: str) -> str:
    """Break a signature after each comma that stands in no inner brackets."""
    depth, broken = 0, ""
    for at, letter in enumerate(line):
        depth += (letter in "([{") - (letter in ")]}")
        closes = letter == ")" and depth == 0
        broken += ",\n)" if closes and not broken.endswith("\n    ") else letter
        if (letter == "(" and depth == 1) or (letter == "," and depth == 1):
            broken += "\n    " if line[at + 1] != " " else "\n   "
    return broken


def signature_of(function: object) -> str:
    assert callable(function)
    return str(inspect.signature(function)).replace("'", "")


def arguments_of(function: object) -> str:
    assert callable(function)
    return ", ".join(inspect.signature(function).parameters)
