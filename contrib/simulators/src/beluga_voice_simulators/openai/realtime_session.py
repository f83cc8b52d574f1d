"""What a realtime session is set to, as the vendor reads it."""

from __future__ import annotations

import copy
from collections.abc import Mapping
from typing import Any

from beluga_voice.contracts import ToolSpec
from beluga_voice_simulators.openai.chat import tool_of
from beluga_voice_simulators.openai.fields import Body, WrongField, check_names, choose, take, within

REALTIME_FIELDS = (
    *("type", "audio", "include", "instructions", "max_output_tokens", "model", "output_modalities"),
    *("parallel_tool_calls", "prompt", "reasoning", "tool_choice", "tools", "tracing", "truncation"),
)

VAD_FIELDS = {
    "server_vad": (
        *("type", "create_response", "interrupt_response", "idle_timeout_ms", "prefix_padding_ms"),
        *("silence_duration_ms", "threshold"),
    ),
    "semantic_vad": ("type", "create_response", "interrupt_response", "eagerness"),
}

SERVER_VAD = {
    "type": "server_vad",
    "threshold": 0.5,
    "prefix_padding_ms": 300,
    "silence_duration_ms": 500,
    "idle_timeout_ms": None,
    "create_response": True,
    "interrupt_response": True,
}

SEMANTIC_VAD = {
    "type": "semantic_vad",
    "eagerness": "auto",
    "create_response": True,
    "interrupt_response": True,
}

PCM = {"type": "audio/pcm", "rate": 24000}


class Settings:
    """A session's settings.

    Args:
        model: of the session; empty for a transcription.
        voices: those that there are.
        transcribers: the models that transcribe.
    """

    def __init__(self, model: str, voices: frozenset[str], transcribers: tuple[str, ...]) -> None:
        self.model = model
        self.transcribes_only = not model
        self._voices = voices
        self._transcribers = transcribers
        self.given: dict[str, Any] = {"type": "transcription"} if not model else self._defaults(model)
        self.input: dict[str, Any] = {
            "format": PCM,
            "noise_reduction": None,
            "transcription": None,
            "turn_detection": dict(SERVER_VAD),
        }
        self.output: dict[str, Any] = {"format": PCM, "voice": "marin", "speed": 1.0}
        self.spoken = False

    @staticmethod
    def _defaults(model: str) -> dict[str, Any]:
        return {
            "type": "realtime",
            "model": model,
            "instructions": "You are a helpful assistant.",
            "output_modalities": ["audio"],
            "tools": [],
            "tool_choice": "auto",
            "max_output_tokens": "inf",
            "tracing": None,
            "truncation": "auto",
        }

    def shown(self, name: str) -> dict[str, Any]:
        """Return the session as events have it."""
        audio = (
            {"input": self.input} if self.transcribes_only else {"input": self.input, "output": self.output}
        )
        kind = "realtime.transcription_session" if self.transcribes_only else "realtime.session"
        return copy.deepcopy({"id": name, "object": kind, **self.given, "audio": audio})

    @property
    def vad(self) -> Mapping[str, Any]:
        """How the ends of turns are found; empty if the client does."""
        return self.input["turn_detection"] or {}

    @property
    def tools(self) -> tuple[ToolSpec, ...]:
        """The tools that there are."""
        return tools_of(self.given.get("tools") or ())

    def update(self, session: Any) -> None:
        """Change what is given.

        Raises:
            WrongField: the vendor would refuse it; then nothing has changed.
        """
        if not isinstance(session, dict):
            raise WrongField(
                "Invalid type for 'session': expected an object.", param="session", code="invalid_type"
            )
        kind = "transcription" if self.transcribes_only else "realtime"
        known = ("type", "audio", "include") if self.transcribes_only else REALTIME_FIELDS
        check_names(session, known, ("type",), "session.")
        choose(session, "type", (kind,), where="session.")
        tools_of(take(session, "tools", "an array", (), "session."))
        audio = take(session, "audio", "an object", {}, "session.")
        check_names(audio, ("input",) if self.transcribes_only else ("input", "output"), (), "session.audio.")
        given_in = self._read_input(take(audio, "input", "an object", {}, "session.audio."))
        given_out = self._read_output(take(audio, "output", "an object", {}, "session.audio."))
        self.input |= given_in
        self.output |= given_out
        self.given |= {name: value for name, value in session.items() if name != "audio"}

    def _read_input(self, given: Body) -> dict[str, Any]:
        where = "session.audio.input."
        check_names(given, ("format", "noise_reduction", "transcription", "turn_detection"), (), where)
        read = dict(given)
        if given.get("format") is not None:
            _check_format(given["format"], f"{where}format.")
        transcription = take(given, "transcription", "an object", None, where)
        if transcription is not None:
            known = ("model", "language", "languages", "prompt", "delay", "keywords")
            check_names(transcription, known, (), f"{where}transcription.")
            choose(transcription, "model", self._transcribers, where=f"{where}transcription.")
        vad = take(given, "turn_detection", "an object", None, where)
        if vad is not None:
            name = choose(vad, "type", tuple(VAD_FIELDS), where=f"{where}turn_detection.")
            check_names(vad, VAD_FIELDS[name], (), f"{where}turn_detection.")
            read["turn_detection"] = {**(SERVER_VAD if name == "server_vad" else SEMANTIC_VAD), **vad}
        return read

    def _read_output(self, given: Body) -> dict[str, Any]:
        where = "session.audio.output."
        check_names(given, ("format", "voice", "speed"), (), where)
        if given.get("format") is not None:
            _check_format(given["format"], f"{where}format.")
        voice = choose(given, "voice", self._voices, where=where)
        within(given, "speed", 0.25, 1.5, 1.0)
        if self.spoken and voice not in (None, self.output["voice"]):
            raise WrongField(
                "Cannot update a conversation's voice if assistant audio is present.",
                param="session.audio.output.voice",
                code="cannot_update_voice",
            )
        return dict(given)


def tools_of(given: Any) -> tuple[ToolSpec, ...]:
    """Read the tools of a session or a response.

    Raises:
        WrongField: the vendor would refuse one.
    """
    tools = []
    for number, each in enumerate(given):
        where = f"session.tools[{number}]."
        if not isinstance(each, dict):
            raise WrongField(f"Invalid type for '{where}'.", param=where, code="invalid_type")
        choose(each, "type", ("function",), where=where)
        tools.append(tool_of({name: value for name, value in each.items() if name != "type"}, where))
    return tuple(tools)


def _check_format(given: Any, where: str) -> None:
    check_names(given, ("type", "rate"), (), where)
    choose(given, "type", ("audio/pcm", "audio/pcmu", "audio/pcma"), where=where)
    if given.get("type") != "audio/pcm":
        raise WrongField("The simulator speaks audio/pcm only.", param=f"{where}type", code="invalid_value")
    if given.get("rate", 24000) != 24000:
        raise WrongField(
            f"Invalid value: '{where}rate': expected 24000.", param=f"{where}rate", code="invalid_value"
        )
