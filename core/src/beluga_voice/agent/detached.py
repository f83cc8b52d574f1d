"""A reply outside of any session, as its agent sees it."""

from __future__ import annotations

import asyncio
import logging
from collections.abc import Awaitable, Callable, Mapping
from types import TracebackType
from typing import Self

from beluga_voice.contracts import LLM, Spoken, ToolSource, Turn
from beluga_voice.contracts.agent import Texts
from beluga_voice.conversation import Message
from beluga_voice.errors import ErrorCode, SessionError
from beluga_voice.events import Event, Reported, ToolOutcome, WhileCallerSpeaks

logger = logging.getLogger("beluga_voice")


class Detached:
    """Stands for the session where there is none: nothing can be said, and what runs ends with the reply."""

    speaking = False
    deps: object = None
    llms: Mapping[str, LLM] = {}

    def __init__(self, turn: Turn) -> None:
        self.session_id = turn.session_id
        self.history: tuple[Message, ...] = turn.history
        self.tool_sources: tuple[ToolSource, ...] = ()
        self._tasks: set[asyncio.Task[None]] = set()

    async def __aenter__(self) -> Self:
        return self

    async def __aexit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        for task in self._tasks:
            task.cancel()
        if self._tasks:
            await asyncio.wait(self._tasks)

    def now(self) -> float:
        """The loop's time."""
        return asyncio.get_running_loop().time()

    def watch(self, callback: Callable[[Event], None]) -> None:
        """Nothing happens that could be told."""

    def say(
        self,
        text: str | Texts,  # noqa: ARG002
        *,
        allow_interruptions: bool = True,  # noqa: ARG002
        priority: int = 0,  # noqa: ARG002
        while_caller_speaks: WhileCallerSpeaks = WhileCallerSpeaks.WAIT,  # noqa: ARG002
        inside: int = 0,  # noqa: ARG002
        voice: str | None = None,  # noqa: ARG002
        speed: float | None = None,  # noqa: ARG002
        volume: float | None = None,  # noqa: ARG002
    ) -> Spoken:
        """Refuse: nobody would hear it.

        Raises:
            SessionError: `session_not_active`.
        """
        raise SessionError(
            "say",
            ErrorCode.SESSION_NOT_ACTIVE,
            "the agent answers outside of a session; nobody would hear it",
        )

    def interrupt(self) -> None:
        """Nothing is being said."""

    def end(self) -> None:
        """There is no call to end."""

    def run_task(self, work: Callable[[], Awaitable[None]], name: str) -> None:
        """Run `work()` until the reply ends."""
        task = asyncio.create_task(_run(work), name=f"beluga-voice {name}")
        self._tasks.add(task)

    def tool_started(self, utterance: int, tool: int, name: str, timeout: float) -> None:
        """Nobody observes."""

    def tool_finished(self, utterance: int, tool: int, name: str, outcome: ToolOutcome) -> None:
        """Nobody observes."""

    def failed(self, kind: str, error: str) -> None:
        """Log it."""
        logger.warning("%s failed: %s", kind, error)

    def report(self, event: Reported) -> None:
        """Nobody observes."""

    async def wait_silent(self) -> None:
        """Nothing is being said."""

    async def wait_turn_closed(self, turn: int) -> None:
        """Whoever asks for a reply here has closed the turn."""


async def _run(work: Callable[[], Awaitable[None]]) -> None:
    await work()
