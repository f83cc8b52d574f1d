"""Tools of MCP servers for beluga-voice."""

from __future__ import annotations

from typing import TYPE_CHECKING

from beluga_voice.hookspecs import hookimpl

if TYPE_CHECKING:
    from beluga_voice.hookspecs import RegisterToolSource


@hookimpl
def register_tool_source(register: RegisterToolSource) -> None:
    """Register `mcp`."""
    register("mcp", "beluga_voice_mcp.source:MCPTools", settings="beluga_voice_mcp.settings:MCPSettings")
