"""What the Gemini API takes: fields as the vendor checks them, and its rules on conversations."""

from __future__ import annotations

import re
from collections.abc import Collection, Sequence
from typing import Annotated, Any, Literal, TypeVar

from pydantic import BaseModel, BeforeValidator, ConfigDict, Field, ValidationError
from pydantic.alias_generators import to_camel

UNSIGNED = ("skip_thought_signature_validator", "context_engineering_is_the_way_to_go")
"""Signatures that the vendor takes of calls that its models have not made."""

NAME = re.compile(r"[a-zA-Z_][a-zA-Z0-9_.:-]{0,63}")


class WrongRequest(Exception):
    """The vendor refuses a message; the text says why."""


class _Strict(BaseModel):
    model_config = ConfigDict(extra="forbid", alias_generator=to_camel, populate_by_name=True)


class Blob(_Strict):
    data: str
    mime_type: str
    display_name: str | None = None


class FunctionCall(_Strict):
    id: str = ""
    name: str
    args: dict[str, Any] = {}


class FunctionResponse(_Strict):
    id: str = ""
    name: str = ""
    response: dict[str, Any] = {}
    will_continue: bool | None = None
    scheduling: str | None = None
    parts: list[Any] | None = None


class Part(_Strict):
    text: str | None = None
    inline_data: Blob | None = None
    file_data: dict[str, Any] | None = None
    function_call: FunctionCall | None = None
    function_response: FunctionResponse | None = None
    thought: bool = False
    thought_signature: str = ""


def _one_or_more(parts: Any) -> Any:
    return [parts] if isinstance(parts, dict) else parts


class Content(_Strict):
    role: Literal["user", "model", "function"] = "user"
    parts: Annotated[list[Part], BeforeValidator(_one_or_more)] = []


class FunctionDeclaration(_Strict):
    name: str
    description: str = ""
    parameters: dict[str, Any] | None = None
    parameters_json_schema: dict[str, Any] | None = None
    response: Any = None
    response_json_schema: Any = None
    behavior: str | None = None


class Tool(_Strict):
    function_declarations: list[FunctionDeclaration] = []
    google_search: Any = None
    code_execution: Any = None
    url_context: Any = None


class FunctionCallingConfig(_Strict):
    mode: Literal["MODE_UNSPECIFIED", "AUTO", "ANY", "NONE", "VALIDATED"] = "AUTO"
    allowed_function_names: list[str] = []


class ToolConfig(_Strict):
    function_calling_config: FunctionCallingConfig | None = None
    retrieval_config: Any = None


class ThinkingConfig(_Strict):
    thinking_level: Annotated[
        Literal["MINIMAL", "LOW", "MEDIUM", "HIGH"] | None,
        BeforeValidator(lambda level: level.upper() if isinstance(level, str) else level),
    ] = None
    thinking_budget: int | None = None
    include_thoughts: bool = False


class GenerationConfig(_Strict):
    temperature: float | None = Field(default=None, ge=0, le=2)
    top_p: float | None = None
    top_k: float | None = None
    candidate_count: int | None = None
    max_output_tokens: int | None = Field(default=None, ge=1)
    stop_sequences: list[str] = []
    response_mime_type: str | None = None
    response_schema: Any = None
    response_json_schema: Any = None
    presence_penalty: float | None = None
    frequency_penalty: float | None = None
    seed: int | None = None
    response_modalities: list[Literal["TEXT", "IMAGE", "AUDIO"]] = []
    speech_config: Any = None
    thinking_config: ThinkingConfig | None = None
    media_resolution: str | None = None


class GenerateRequest(_Strict):
    """The body of ``generateContent`` and ``streamGenerateContent``."""

    model: str = ""
    contents: Annotated[list[Content], BeforeValidator(_one_or_more)] = []
    system_instruction: Content | None = None
    tools: list[Tool] = []
    tool_config: ToolConfig | None = None
    generation_config: GenerationConfig = GenerationConfig()
    safety_settings: Any = None
    cached_content: str | None = None
    labels: Any = None


class Detection(_Strict):
    disabled: bool = False
    start_of_speech_sensitivity: str | None = None
    end_of_speech_sensitivity: str | None = None
    prefix_padding_ms: int | None = None
    silence_duration_ms: int | None = None


class RealtimeInputConfig(_Strict):
    automatic_activity_detection: Detection = Detection()
    activity_handling: str | None = None
    turn_coverage: str | None = None


class HistoryConfig(_Strict):
    initial_history_in_client_content: bool = False


class Setup(_Strict):
    """The first message of the Live API."""

    model: str
    generation_config: GenerationConfig = GenerationConfig()
    system_instruction: Content | None = None
    tools: list[Tool] = []
    realtime_input_config: RealtimeInputConfig = RealtimeInputConfig()
    session_resumption: dict[str, Any] | None = None
    context_window_compression: dict[str, Any] | None = None
    input_audio_transcription: dict[str, Any] | None = None
    output_audio_transcription: dict[str, Any] | None = None
    proactivity: dict[str, Any] | None = None
    history_config: HistoryConfig = HistoryConfig()


class RealtimeInput(_Strict):
    audio: Blob | None = None
    video: Blob | None = None
    media_chunks: list[Blob] = []
    text: str | None = None
    activity_start: dict[str, Any] | None = None
    activity_end: dict[str, Any] | None = None
    audio_stream_end: bool = False


class ClientContent(_Strict):
    turns: list[Content] = []
    turn_complete: bool = False


class ToolResponse(_Strict):
    function_responses: list[FunctionResponse] = []


class ClientMessage(_Strict):
    """A message of the Live API."""

    setup: Setup | None = None
    realtime_input: RealtimeInput | None = None
    client_content: ClientContent | None = None
    tool_response: ToolResponse | None = None


R = TypeVar("R", bound=BaseModel)


def read(kind: type[R], body: object) -> R:
    """Read a message.

    Raises:
        WrongRequest: the vendor would refuse it.
    """
    try:
        return kind.model_validate(body)
    except ValidationError as wrong:
        first = wrong.errors(include_url=False)[0]
        *path, last = first["loc"] or ("",)
        place = ".".join(str(part) for part in path)
        if first["type"] == "extra_forbidden":
            at = f" at '{place}'" if place else ""
            raise WrongRequest(
                f'Invalid JSON payload received. Unknown name "{last}"{at}: Cannot find field.'
            ) from None
        raise WrongRequest(f"Invalid value at '{place}.{last}': {first['msg']}") from None


def check_tools(tools: Sequence[Tool]) -> None:
    """Hold the vendor's rules on functions.

    Raises:
        WrongRequest: one is broken.
    """
    names = [each.name for tool in tools for each in tool.function_declarations]
    for name in names:
        if not NAME.fullmatch(name):
            raise WrongRequest(
                "Invalid function name. Must start with a letter or an underscore. Must be alphanumeric (a-z, A-Z, "
                "0-9), underscores (_), dots (.), colons (:), or dashes (-), with a maximum length of 64."
            )
        if names.count(name) > 1:
            raise WrongRequest(f"Duplicate function declaration found: {name}")


def check(request: GenerateRequest, *, signed: Collection[str] | None) -> None:
    """Hold the vendor's rules on conversations.

    Args:
        request: as read.
        signed: signatures that were given; None for a model that gives none.

    Raises:
        WrongRequest: one is broken.
    """
    if not request.contents:
        raise WrongRequest("* GenerateContentRequest.contents: contents is not specified\n")
    for number, content in enumerate(request.contents):
        where = f"* GenerateContentRequest.contents[{number}].parts"
        if not content.parts:
            raise WrongRequest(f"{where}: contents.parts must not be empty.\n")
        for place, part in enumerate(content.parts):
            if not (part.text or part.inline_data or part.file_data or _is_call(part) or _is_result(part)):
                raise WrongRequest(
                    f"{where}[{place}].data: required oneof field 'data' must have one initialized field\n"
                )
    check_tools(request.tools)
    _check_calls(request.contents)
    if signed is not None:
        _check_signatures(request.contents, signed)


def _is_call(part: Part) -> bool:
    return part.function_call is not None


def _is_result(part: Part) -> bool:
    return part.function_response is not None


def _check_calls(contents: Sequence[Content]) -> None:
    for number, content in enumerate(contents):
        calls = sum(map(_is_call, content.parts))
        if calls and (not number or contents[number - 1].role == "model"):
            raise WrongRequest(
                "Please ensure that function call turn comes immediately after a user turn or after a function "
                "response turn."
            )
        after = contents[number + 1].parts if number + 1 < len(contents) else ()
        if calls != sum(map(_is_result, after)) and (calls or any(map(_is_result, after))):
            raise WrongRequest(
                "Please ensure that the number of function response parts is equal to the number of function call "
                "parts of the function call turn."
            )


def _check_signatures(contents: Sequence[Content], signed: Collection[str]) -> None:
    """The first call of each step since the caller's last words is to have the signature it came with."""
    asked = [n for n, c in enumerate(contents) if c.role == "user" and not any(map(_is_result, c.parts))]
    for content in contents[asked[-1] + 1 if asked else 0 :]:
        first = next((part for part in content.parts if _is_call(part)), None)
        if first is not None and first.thought_signature not in (*UNSIGNED, *signed):
            raise WrongRequest(
                "Function call is missing a thought_signature in functionCall parts. This is required for tools to "
                "work correctly, and missing thought_signature may lead to degraded model performance."
            )
