"""Tools: what a model may ask for, and where they come from."""

from __future__ import annotations

from abc import ABC, abstractmethod
from collections.abc import Mapping, Sequence
from typing import ClassVar

from beluga_voice.contracts.llm import ToolSpec
from beluga_voice.contracts.provider import Provider


class Tool(ABC):
    """Something that a model may call. One serves all sessions."""

    spec: ToolSpec
    """The tool as the model sees it."""

    timeout: float = 30.0
    """Seconds that a call may take; then it is cancelled, and the model is told."""

    filler: str = ""
    """Said when a call takes long and nobody speaks; nothing if empty."""

    effects: bool = True
    """Whether a call changes anything: then it waits until the caller's turn is surely over."""

    @property
    def name(self) -> str:
        """The tool's name."""
        return self.spec.name

    @abstractmethod
    def validate(self, arguments: Mapping[str, object]) -> Mapping[str, object]:
        """Return `arguments` as `run` takes them.

        Raises:
            ToolError: they are wrong; the text is told to the model.
        """

    @abstractmethod
    async def run(self, call: object, arguments: Mapping[str, object]) -> str:
        """Do it, and return what the model is told.

        Cancelled when it takes longer than `timeout` and when the session ends; not when the caller barges in.

        Args:
            call: the `beluga_voice.Call` that it runs in.
            arguments: what `validate` returned.

        Raises:
            Exception: told to the model, with its type.
        """


class ToolSource(Provider):
    """Tools that are known once it is open, such as those of a server. Shared by the process."""

    kind: ClassVar[str] = "tool_source"

    @abstractmethod
    def tools(self) -> Sequence[Tool]:
        """Return the tools there are now. Called for each answer of a model; cheap.

        Raises:
            ClosedError: before `open` or after `aclose`.
        """
