"""An MCP server, as its author would write it. Run as a program, over its standard streams."""

from __future__ import annotations

import asyncio
import os

from mcp.server.mcpserver import MCPServer
from mcp.server.mcpserver.exceptions import ToolError
from mcp.types import ToolAnnotations

server = MCPServer("shop")


@server.tool(annotations=ToolAnnotations(read_only_hint=True))
async def order_status(order: int) -> str:
    """Status of an order."""
    if order == 13:
        raise ToolError("no order has this number")
    return f"order {order} is «on its way» \U0001f69a"


@server.tool()
async def wait() -> str:
    """Take long."""
    await asyncio.sleep(60)
    return "done"


@server.tool()
async def vanish() -> str:
    """Be gone."""
    os._exit(1)


if __name__ == "__main__":
    server.run()
