"""Running what a model asks for: side by side, within its time, and to its end whatever becomes of the reply."""

from __future__ import annotations

import asyncio
import json
import logging
from collections.abc import Callable, Mapping
from dataclasses import replace
from functools import partial
from typing import cast

from beluga_voice.agent.messages import ToolStep
from beluga_voice.contracts.agent import CallControl
from beluga_voice.contracts.tools import Tool
from beluga_voice.conversation import ToolCall, ToolResult
from beluga_voice.errors import ToolError
from beluga_voice.events import ToolOutcome

logger = logging.getLogger("beluga_voice")

NOT_BEGUN = "not begun: the reply was cut before"
RUNNING = "still running; its result will be told"
ENDED = "cancelled: the call ended before it was done"


class ToolRun:
    """One tool call from its start to its end.

    Args:
        step: keeps the result, at `place`.
        call: given to the tool.
        number: of the tool call in the session.
        ended: told the result.
    """

    def __init__(
        self,
        control: CallControl,
        step: ToolStep,
        place: int,
        call: object,
        number: int,
        ended: Callable[[ToolResult], None],
    ) -> None:
        self.tool: Tool | None = None
        self.done: asyncio.Future[None] = asyncio.get_running_loop().create_future()
        self._control = control
        self._step = step
        self._place = place
        self._call = call
        self._number = number
        self._ended = ended

    @property
    def result(self) -> ToolResult:
        """What came of it so far."""
        return self._step.results[self._place]

    def prepare(self, tools: Mapping[str, Tool]) -> bool:
        """Find the tool and check the arguments; what is wrong is its result. Returns whether it can be started."""
        asked = self.result.call
        try:
            self.tool = find(tools, asked.name)
            self._put(arguments=self.tool.validate(read_arguments(asked.arguments)))
        except ToolError as error:
            self._end(ToolOutcome.FAILED, str(error))
        except Exception as error:  # the boundary to the tool
            logger.warning("checking the arguments of tool %r failed", asked.name, exc_info=error)
            self._end(ToolOutcome.FAILED, f"{type(error).__name__}: {error}")
        return not self.done.done()

    def start(self) -> None:
        """Run it beside the reply."""
        assert self.tool is not None
        self._control.run_task(partial(self._run, self.tool), f"tool {self.tool.name}")

    async def _run(self, tool: Tool) -> None:
        self._put(outcome=ToolOutcome.RUNNING, content=RUNNING, started=self._control.now())
        self._control.tool_started(self._step.utterance, self._number, tool.name, tool.timeout)
        outcome, content = ToolOutcome.CANCELLED, ENDED
        limit = asyncio.timeout(tool.timeout)
        try:
            async with limit:
                content = await tool.run(self._call, self.result.arguments)
            outcome = ToolOutcome.DONE
        except asyncio.CancelledError:
            if cast("asyncio.Task[None]", asyncio.current_task()).cancelling():
                raise
            outcome, content = ToolOutcome.FAILED, "cancelled: something that it waited for was"
        except ToolError as error:
            outcome, content = ToolOutcome.FAILED, str(error)
        except Exception as error:
            if limit.expired():
                outcome, content = (
                    ToolOutcome.TIMEOUT,
                    f"no result within {tool.timeout:g} s; it was cancelled",
                )
            else:
                logger.warning("tool %r failed", tool.name, exc_info=error)
                outcome, content = ToolOutcome.FAILED, f"{type(error).__name__}: {error}"
        finally:
            self._end(outcome, content)
            self._control.tool_finished(self._step.utterance, self._number, tool.name, outcome)

    def _end(self, outcome: ToolOutcome, content: str) -> None:
        now = self._control.now()
        started = self.result.started if self.result.outcome is ToolOutcome.RUNNING else now
        self._put(outcome=outcome, content=content, started=started, duration=now - started)
        if not self.done.done():
            self.done.set_result(None)
        self._ended(self.result)

    def _put(self, **changes: object) -> None:
        self._step.results[self._place] = replace(self.result, **changes)  # type: ignore[arg-type]


def not_begun(call: ToolCall, turn: int) -> ToolResult:
    """The result of a call as long as it has not begun."""
    return ToolResult(call, turn, ToolOutcome.CANCELLED, NOT_BEGUN, {}, 0.0)


def find(tools: Mapping[str, Tool], name: str) -> Tool:
    """Return the tool of that name.

    Raises:
        ToolError: there is none; the text lists those there are.
    """
    if name not in tools:
        raise ToolError(f"there is no tool {name!r}; there are: {', '.join(tools) or 'none'}")
    return tools[name]


def read_arguments(text: str) -> Mapping[str, object]:
    """Read what a model wrote as arguments; nothing at all is no arguments.

    Raises:
        ToolError: it is no JSON object.
    """
    try:
        found = json.loads(text) if text.strip() else {}
    except (ValueError, RecursionError) as error:
        raise ToolError(f"the arguments are no JSON: {error}") from None
    if not isinstance(found, dict):
        raise ToolError(f"the arguments are {type(found).__name__}; they must be a JSON object")
    return found
