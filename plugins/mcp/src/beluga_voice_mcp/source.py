"""An MCP server as a source of tools."""

from __future__ import annotations

import asyncio
import json
import re
from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING

from mcp import Client, StdioServerParameters

from beluga_voice.contracts import Tool, ToolSource, ToolSpec
from beluga_voice.errors import ClosedError, ProviderError, ProviderTimeoutError, ToolError
from beluga_voice_mcp.settings import MCPSettings

if TYPE_CHECKING:
    from mcp import types

_STRANGE = re.compile(r"[^A-Za-z0-9_-]")


class MCPTool(Tool):
    """One tool of a server."""

    def __init__(self, tool: types.Tool, source: MCPTools) -> None:
        settings = source.settings
        name = _STRANGE.sub("_", settings.prefix + tool.name)[:64]
        self.spec = ToolSpec(name, tool.description or tool.title or "", tool.input_schema)
        self.timeout = settings.timeout
        self.filler = settings.filler
        harmless = tool.annotations is not None and tool.annotations.read_only_hint is True
        self.effects = settings.effects and not harmless
        self._name = tool.name
        self._source = source

    def validate(self, arguments: Mapping[str, object]) -> Mapping[str, object]:
        """Leave it to the server, which knows more than its schema says."""
        return arguments

    async def run(self, call: object, arguments: Mapping[str, object]) -> str:  # noqa: ARG002 - part of the contract
        """Have the server do it.

        Raises:
            ToolError: the server says that it went wrong.
            ClosedError: the source is not open.
            Exception: the server has gone, or answers what is no MCP.
        """
        result = await self._source.client.call_tool(self._name, dict(arguments))
        text = _text(result)
        if result.is_error:
            raise ToolError(text or "the server says that it failed, and not why")
        return text


class MCPTools(ToolSource):
    """The tools of one MCP server, over one connection.

    The SDK's connection belongs to the task that opens it, so one task holds it from `open` to `aclose`, whichever
    tasks call these.

    Args:
        settings: which server.
    """

    def __init__(self, settings: MCPSettings) -> None:
        self.settings = settings
        self._client: Client | None = None
        self._tools: tuple[Tool, ...] = ()
        self._holder: asyncio.Task[None] | None = None
        self._closing = asyncio.Event()

    @property
    def client(self) -> Client:
        """The SDK's connection.

        Raises:
            ClosedError: before `open` or after `aclose`.
        """
        if self._client is None:
            raise ClosedError(f"the MCP server {self._where} is not connected. Try: async with the source")
        return self._client

    @property
    def _where(self) -> str:
        return repr(self.settings.url or self.settings.command)

    def tools(self) -> Sequence[Tool]:
        """Return the tools that the server had when it was connected to."""
        if self._client is None:
            raise ClosedError(f"the MCP server {self._where} is not connected. Try: async with the source")
        return self._tools

    async def open(self) -> None:
        """Connect, and ask for the tools.

        Raises:
            ProviderError: the server cannot be started or reached, or is none.
        """
        self._closing.clear()
        connected: asyncio.Future[None] = asyncio.get_running_loop().create_future()
        self._holder = asyncio.create_task(self._hold(connected), name=f"beluga-voice MCP {self._where}")
        try:
            async with asyncio.timeout(self.settings.open_timeout):
                await asyncio.shield(connected)
        except TimeoutError:
            await self.aclose()
            text = f"the MCP server {self._where} did not answer within {self.settings.open_timeout:g} s"
            raise ProviderTimeoutError(text) from None
        except BaseException:
            await self.aclose()
            raise

    async def _hold(self, connected: asyncio.Future[None]) -> None:
        try:
            async with Client(self._server()) as client:
                self._tools = tuple(
                    [MCPTool(tool, self) for tool in await _all_tools(client, self.settings.only)]
                )
                self._client = client
                if not connected.done():
                    connected.set_result(None)
                await self._closing.wait()
        except Exception as error:  # noqa: BLE001 - the boundary to the server
            if not connected.done():
                connected.set_exception(_failed(self._where, error))
        finally:
            self._client = None
            if not connected.done():
                connected.cancel()

    def _server(self) -> StdioServerParameters | str:
        settings = self.settings
        if settings.url is not None:
            return settings.url
        assert settings.command is not None
        return StdioServerParameters(
            command=settings.command, args=list(settings.args), env=settings.env, cwd=settings.cwd
        )

    async def aclose(self) -> None:
        """Disconnect; a server that was started here is ended. Idempotent."""
        holder, self._holder = self._holder, None
        self._closing.set()
        if holder is not None:
            if self._client is None:
                holder.cancel()
            await asyncio.wait([holder])


async def _all_tools(client: Client, only: Sequence[str]) -> list[types.Tool]:
    found: list[types.Tool] = []
    cursor: str | None = None
    while True:
        page = await client.list_tools(cursor=cursor)
        found += page.tools
        cursor = page.next_cursor
        if cursor is None:
            break
    missing = sorted(set(only) - {tool.name for tool in found})
    if missing:
        names = ", ".join(tool.name for tool in found) or "none"
        raise ProviderError(f"it has no tool {missing[0]!r}; there are: {names}")
    return [tool for tool in found if not only or tool.name in only]


def _text(result: types.CallToolResult) -> str:
    """What a model is told of a result: its texts; else its data as JSON; what is no text, by its kind."""
    parts = [part.text if part.type == "text" else f"[{part.type}]" for part in result.content]
    if not parts and result.structured_content is not None:
        return json.dumps(result.structured_content, ensure_ascii=False)
    return "\n".join(parts)


def _failed(where: str, error: Exception) -> ProviderError:
    """The first of what went wrong, which the SDK may have wrapped in groups."""
    while isinstance(error, ExceptionGroup):
        error = error.exceptions[0]
    return ProviderError(
        f"the MCP server {where} cannot be used: {str(error) or type(error).__name__}", retryable=True
    )
