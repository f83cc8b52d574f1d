"""Functions as tools: their schema from types and docstring, their arguments checked."""

from __future__ import annotations

import inspect
import re
from collections.abc import Callable, Mapping
from typing import Any, cast, get_origin, get_type_hints

from beluga_voice.agent.call import Call
from beluga_voice.contracts.llm import ToolSpec
from beluga_voice.contracts.tools import Tool
from beluga_voice.errors import ConfigurationError, ToolError

_NAME = re.compile(r"[A-Za-z0-9_-]{1,64}")
_SECTION = re.compile(
    r"^(Args|Arguments|Parameters|Returns|Yields|Raises|Examples?|Notes?):\s*$", re.MULTILINE
)
_ARGUMENT = re.compile(r"^(\s*)\*{0,2}(\w+)\s*(?:\([^)]*\))?:\s*(.*)$")


class FunctionTool(Tool):
    """A function as a tool.

    Its name, the types of its parameters and its docstring are what the model sees: the text before the first
    section is the description, ``Args:`` describes parameters. A first parameter of type `Call` is the call, and
    no argument. The function may be sync, if it does not block, or async; what it returns is told as text: a string
    as it is, anything else as JSON.

    Raises:
        ConfigurationError: a parameter has no type, or one that JSON cannot be checked for.
    """

    def __init__(
        self,
        function: Callable[..., object],
        *,
        name: str | None = None,
        description: str | None = None,
        timeout: float = 30.0,
        filler: str = "",
        effects: bool = True,
    ) -> None:
        self.function = function
        self.timeout = timeout
        self.filler = filler
        self.effects = effects
        named = name or str(getattr(function, "__name__", type(function).__name__))
        if _NAME.fullmatch(named) is None:
            raise ConfigurationError(
                f"a tool cannot be named {named!r}; allowed: up to 64 letters, digits, '_' and '-'"
            )
        if not timeout > 0:
            raise ConfigurationError(f"timeout of tool {named!r} is {timeout}; it must be above 0 s")
        text, described = read_docstring(inspect.getdoc(function) or "")
        self._parameters = _parameters(function, named)
        self.takes_call = bool(self._parameters) and _is_call(
            next(iter(self._parameters.values())).annotation
        )
        if self.takes_call:
            self._parameters.pop(next(iter(self._parameters)))
        self._adapters = {key: _adapter(p, named) for key, p in self._parameters.items()}
        schema = self._schema(described)
        self.spec = ToolSpec(named, text if description is None else description, schema)

    def _schema(self, described: Mapping[str, str]) -> dict[str, object]:
        from pydantic import TypeAdapter
        from pydantic.errors import PydanticInvalidForJsonSchema

        asked = [(key, "validation", adapter) for key, adapter in self._adapters.items()]
        try:
            found, shared = TypeAdapter.json_schemas(cast("Any", asked))
        except PydanticInvalidForJsonSchema as error:
            name = getattr(self.function, "__name__", "?")
            raise ConfigurationError(
                f"tool {name!r} takes what JSON cannot express: {error.message}"
            ) from error
        properties: dict[str, object] = {}
        for key, parameter in self._parameters.items():
            extra: dict[str, object] = {"description": described[key]} if key in described else {}
            if parameter.default is not parameter.empty and _is_plain(parameter.default):
                extra["default"] = parameter.default
            properties[key] = {**extra, **found[(key, "validation")]}
        required = [key for key, p in self._parameters.items() if p.default is p.empty]
        return {
            "type": "object",
            "properties": properties,
            "required": required,
            "additionalProperties": False,
            **({"$defs": shared["$defs"]} if "$defs" in shared else {}),
        }

    def validate(self, arguments: Mapping[str, object]) -> Mapping[str, object]:
        """Check each argument, and convert it as pydantic does.

        Raises:
            ToolError: one is unknown, missing or wrong; the text names all that are.
        """
        from pydantic import ValidationError

        wrong = [f"there is no argument {key!r}" for key in arguments if key not in self._adapters]
        checked: dict[str, object] = {}
        for key, adapter in self._adapters.items():
            if key in arguments:
                try:
                    checked[key] = adapter.validate_python(arguments[key])
                except ValidationError as error:
                    wrong += [_sentence(key, each) for each in error.errors(include_url=False)]
            elif self._parameters[key].default is inspect.Parameter.empty:
                wrong.append(f"argument {key!r} is missing")
        if wrong:
            raise ToolError("; ".join(wrong))
        return checked

    async def run(self, call: object, arguments: Mapping[str, object]) -> str:
        """Call the function, and return its answer as text."""
        answer = self.function(call, **arguments) if self.takes_call else self.function(**arguments)
        if inspect.isawaitable(answer):
            answer = await answer
        return as_text(answer)


def as_text(answer: object) -> str:
    """Return what a model is told of a tool's answer: text as it is, all else as JSON."""
    if isinstance(answer, str):
        return answer
    if answer is None:
        return "done"
    from pydantic import TypeAdapter

    return TypeAdapter(object).dump_json(answer, fallback=str, warnings=False).decode()


def read_docstring(text: str) -> tuple[str, dict[str, str]]:
    """Return what a Google-style docstring says before its sections, and what it says of each argument."""
    found = _SECTION.search(text)
    description = text if found is None else text[: found.start()]
    described: dict[str, str] = {}
    for section in _SECTION.finditer(text):
        if section[1] in ("Args", "Arguments", "Parameters"):
            after = _SECTION.search(text, section.end())
            described |= _read_arguments(text[section.end() : len(text) if after is None else after.start()])
    return description.strip(), described


def _read_arguments(text: str) -> dict[str, str]:
    described: dict[str, str] = {}
    depth, name = None, ""
    for line in text.splitlines():
        found = _ARGUMENT.match(line)
        if found is not None and (depth is None or len(found[1]) <= depth):
            depth, name = len(found[1]), found[2]
            described[name] = found[3].strip()
        elif name and line.strip():
            described[name] += f" {line.strip()}"
    return described


def _parameters(function: Callable[..., object], name: str) -> dict[str, inspect.Parameter]:
    """The parameters of a tool, with their types."""
    called = function if inspect.isroutine(function) else type(function).__call__
    try:
        known = {"Call": Call, **getattr(called, "__globals__", {})}
        hints = get_type_hints(called, globalns=known, include_extras=True)
    except NameError as error:
        raise ConfigurationError(
            f"tool {name!r} has a type that is not known when it runs: {error}. Try: importing it, not for type "
            "checkers alone"
        ) from error
    parameters = {}
    for key, parameter in inspect.signature(function).parameters.items():
        if parameter.kind in (parameter.VAR_POSITIONAL, parameter.VAR_KEYWORD, parameter.POSITIONAL_ONLY):
            raise ConfigurationError(f"tool {name!r} takes {parameter}; a tool's parameters have names")
        if key not in hints:
            raise ConfigurationError(f"parameter {key!r} of tool {name!r} has no type; give it one")
        parameters[key] = parameter.replace(annotation=hints[key])
    return parameters


def _is_call(annotation: object) -> bool:
    return annotation is Call or get_origin(annotation) is Call


def _adapter(parameter: inspect.Parameter, name: str) -> Any:
    from pydantic import TypeAdapter
    from pydantic.errors import PydanticSchemaGenerationError, PydanticUserError

    try:
        return TypeAdapter(parameter.annotation)
    except (PydanticSchemaGenerationError, PydanticUserError) as error:
        raise ConfigurationError(
            f"parameter {parameter.name!r} of tool {name!r} has type {parameter.annotation!r}, which cannot be "
            "checked. Try: a type of JSON, a dataclass or a pydantic model"
        ) from error


def _is_plain(value: object) -> bool:
    return value is None or type(value) in (bool, int, float, str)


def _sentence(key: str, error: Mapping[str, Any]) -> str:
    place = ".".join((key, *(str(part) for part in error["loc"])))
    reason = str(error["msg"])
    return f"argument {place!r} is {error['input']!r}: {reason[:1].lower()}{reason[1:]}"
