"""Functions as tools: what the model is told of them, and what they are given."""

from __future__ import annotations

import asyncio
from dataclasses import dataclass
from enum import StrEnum
from functools import partial
from typing import Annotated, Any, Literal

import pytest
from hypothesis import given
from hypothesis import strategies as st
from pydantic import BaseModel, Field

from beluga_voice import Agent, Call
from beluga_voice.agent import FunctionTool
from beluga_voice.agent.functions import as_text, read_docstring
from beluga_voice.errors import ConfigurationError, ToolError


class Size(StrEnum):
    SMALL = "small"
    LARGE = "large"


@dataclass
class Address:
    street: str
    number: int = 1


class Cake(BaseModel):
    size: Size
    candles: Annotated[int, Field(ge=0, le=120, description="on top")] = 0


async def order(
    call: Call[str],
    cake: Cake,
    to: Address,
    when: Literal["today", "tomorrow"] = "today",
    note: str | None = None,
) -> str:
    """Order a cake.

    Not for bread.

    Args:
        cake: what to bake,
            with its candles.
        to (Address): where to bring it.

    Returns:
        The number of the order.
    """
    return f"{call} {cake.size} {cake.candles} {to.street} {when} {note}"


def test_the_schema_comes_from_types_and_docstring() -> None:
    spec = FunctionTool(order).spec
    assert (spec.name, spec.description) == ("order", "Order a cake.\n\nNot for bread.")
    properties: Any = spec.parameters["properties"]
    assert list(properties) == ["cake", "to", "when", "note"]
    assert properties["cake"]["description"] == "what to bake, with its candles."
    assert properties["to"]["description"] == "where to bring it."
    assert properties["when"] == {"default": "today", "enum": ["today", "tomorrow"], "type": "string"}
    assert spec.parameters["required"] == ["cake", "to"]
    assert spec.parameters["additionalProperties"] is False
    shared: Any = spec.parameters["$defs"]
    assert set(shared) == {"Cake", "Address", "Size"}
    assert shared["Cake"]["properties"]["candles"]["maximum"] == 120


async def test_arguments_are_given_as_their_types() -> None:
    tool = FunctionTool(order)
    given_ = {"cake": {"size": "large", "candles": 3}, "to": {"street": "Gräfstraße"}}
    checked = tool.validate(given_)
    assert checked == {"cake": Cake(size=Size.LARGE, candles=3), "to": Address("Gräfstraße")}
    assert await tool.run("call", checked) == "call large 3 Gräfstraße today None"


def test_all_that_is_wrong_is_told_at_once() -> None:
    with pytest.raises(ToolError) as caught:
        FunctionTool(order).validate({"cake": {"size": "huge", "candles": 121}, "when": "never", "extra": 1})
    text = str(caught.value)
    for part in (
        "there is no argument 'extra'",
        "argument 'cake.size' is 'huge': input should be 'small' or 'large'",
        "argument 'cake.candles' is 121: input should be less than or equal to 120",
        "argument 'to' is missing",
        "argument 'when' is 'never'",
    ):
        assert part in text


class Named:
    """Has a method, and may be called."""

    def look(self, what: str) -> str:
        """Look."""
        return what

    def __call__(self, what: int) -> int:
        """Call."""
        return what


async def test_methods_and_callable_objects_are_tools() -> None:
    assert FunctionTool(Named().look).spec.name == "look"
    tool = FunctionTool(Named(), name="named", description="Says it.")
    assert (tool.spec.name, tool.spec.description) == ("named", "Says it.")
    assert await tool.run(None, tool.validate({"what": "7"})) == "7"


def untyped(call: Call, what) -> None:  # type: ignore[no-untyped-def]
    """Has no type."""


def many(*what: str) -> None:
    """Takes any number."""


def loose(**what: str) -> None:
    """Takes any name."""


def by_place(what: str, /) -> None:
    """Takes no name."""


def uncheckable(what: asyncio.Lock) -> None:
    """Takes what nobody can write."""


def unwritable(what: "Any" = None, do: type = str) -> None:  # noqa: UP037
    """Takes a class."""


@pytest.mark.parametrize(
    ("function", "fault"),
    [
        (untyped, "'what' of tool 'untyped' has no type"),
        (many, "takes \\*what"),
        (loose, "takes \\*\\*what"),
        (by_place, "a tool's parameters have names"),
        (uncheckable, "'what' of tool 'uncheckable' has type .*Lock"),
        (unwritable, "takes what JSON cannot express"),
    ],
)
def test_a_function_that_no_model_could_call_is_refused(function: Any, fault: str) -> None:
    with pytest.raises(ConfigurationError, match=fault):
        FunctionTool(function)


def test_a_type_that_is_not_known_is_named() -> None:
    def wants(what: Unknown) -> None:  # type: ignore[name-defined]  # noqa: F821
        """Its type is nowhere."""

    with pytest.raises(ConfigurationError, match="name 'Unknown' is not defined"):
        FunctionTool(wants)


@pytest.mark.parametrize("options", [{"name": "two words"}, {"name": "a" * 65}, {"timeout": 0}])
def test_an_option_that_cannot_be_is_refused(options: dict[str, Any]) -> None:
    with pytest.raises(ConfigurationError):
        FunctionTool(order, **options)


def test_two_tools_of_one_name_are_refused() -> None:
    agent = Agent("", tools=[order])
    with pytest.raises(ConfigurationError, match="has a tool 'order' already"):
        agent.tool(order)


def test_the_decorator_returns_the_function_itself() -> None:
    agent = Agent("")
    assert agent.tool(order) is order
    assert agent.tool(name="again", timeout=3, filler="Hm.", effects=False)(order) is order
    first, second = agent.tools
    assert (first.timeout, first.filler, first.effects) == (30.0, "", True)
    assert (second.timeout, second.filler, second.effects) == (3, "Hm.", False)


@pytest.mark.parametrize(
    ("answer", "text"),
    [
        ("as it is", "as it is"),
        (None, "done"),
        (7, "7"),
        ({"a": [1, None]}, '{"a":[1,null]}'),
        (Address("Weg", 2), '{"street":"Weg","number":2}'),
        (Cake(size=Size.SMALL), '{"size":"small","candles":0}'),
        ("Zoë 李雷", "Zoë 李雷"),
        (["Zoë"], '["Zoë"]'),
    ],
)
def test_an_answer_is_told_as_text(answer: object, text: str) -> None:
    assert as_text(answer) == text


def test_an_answer_that_is_no_data_is_told_by_its_name() -> None:
    assert "partial" in as_text(partial(print))


@given(st.text())
def test_any_docstring_can_be_read(text: str) -> None:
    description, described = read_docstring(text)
    assert description in text
    assert all(name.isidentifier() or name[0].isdigit() for name in described)
