"""Bodies of requests, read as the vendor reads them: each field's name and kind is held to."""

from __future__ import annotations

import itertools
from collections.abc import Collection, Iterator, Mapping
from typing import Any


class WrongField(Exception):
    """A request is refused.

    Attributes:
        status: of HTTP.
        param: the field.
        code: the vendor's, if there is one.
    """

    def __init__(
        self, message: str, *, param: str | None = None, code: str | None = None, status: int = 400
    ) -> None:
        super().__init__(message)
        self.status = status
        self.param = param
        self.code = code


Body = Mapping[str, Any]

KINDS: Mapping[str, tuple[type, ...]] = {
    "a string": (str,),
    "an integer": (int,),
    "a number": (int, float),
    "a boolean": (bool,),
    "an array": (list,),
    "an object": (dict,),
}


def check_names(body: Body, known: Collection[str], required: Collection[str] = (), where: str = "") -> None:
    """Hold a mapping to the names of its fields.

    Raises:
        WrongField: one is unknown, or missing.
    """
    for name in body:
        if name not in known:
            raise WrongField(
                f"Unknown parameter: '{where}{name}'.", param=f"{where}{name}", code="unknown_parameter"
            )
    for name in required:
        if body.get(name) is None:
            raise WrongField(
                f"Missing required parameter: '{where}{name}'.",
                param=f"{where}{name}",
                code="missing_required_parameter",
            )


def take(body: Body, name: str, kind: str, default: Any = None, where: str = "") -> Any:
    """Return a field, or `default` where it is missing or null.

    Raises:
        WrongField: it is of another kind.
    """
    value = body.get(name)
    if value is None:
        return default
    if not isinstance(value, KINDS[kind]) or (isinstance(value, bool) and kind != "a boolean"):
        raise WrongField(
            f"Invalid type for '{where}{name}': expected {kind}, but got {type(value).__name__} instead.",
            param=f"{where}{name}",
            code="invalid_type",
        )
    return value


def choose(
    body: Body, name: str, choices: Collection[str], default: str | None = None, where: str = ""
) -> Any:
    """Return a field that is one of `choices`.

    Raises:
        WrongField: it is none of them.
    """
    value = take(body, name, "a string", default, where)
    if value is not None and value not in choices:
        allowed = ", ".join(f"'{each}'" for each in sorted(choices))
        raise WrongField(
            f"Invalid value: '{value}'. Supported values are: {allowed}.",
            param=f"{where}{name}",
            code="invalid_value",
        )
    return value


def within(body: Body, name: str, low: float, high: float, default: float) -> float:
    """Return a number from `low` to `high`.

    Raises:
        WrongField: it is not.
    """
    value: float = take(body, name, "a number", default)
    if not low <= value <= high:
        raise WrongField(
            f"Invalid '{name}': {value:g} is not from {low:g} to {high:g}.",
            param=name,
            code="decimal_out_of_range",
        )
    return value


def text_of(content: object, kinds: Collection[str], where: str) -> str:
    """Return the text of a message's content: a string, or a list of parts of `kinds` with a text.

    Raises:
        WrongField: it is neither.
    """
    if content is None or isinstance(content, str):
        return content or ""
    if not isinstance(content, list):
        raise WrongField(f"Invalid type for '{where}'.", param=where, code="invalid_type")
    for number, part in enumerate(content):
        if (
            not isinstance(part, dict)
            or part.get("type") not in kinds
            or not isinstance(part.get("text"), str)
        ):
            raise WrongField(f"Invalid value: '{where}[{number}]'.", param=where, code="invalid_value")
    return "".join(part["text"] for part in content)


class Names:
    """Gives ids as the vendor's look: a prefix and a number that counts up."""

    def __init__(self) -> None:
        self._numbers: Iterator[int] = itertools.count(1)

    def new(self, prefix: str) -> str:
        """Return the next, as in ``call_00000001``."""
        return f"{prefix}_{next(self._numbers):024x}"
