"""Tools of a real server over its standard streams."""

from __future__ import annotations

import asyncio
import runpy
import sys
from pathlib import Path
from typing import Any

import pytest
from mcp import MCPError
from pydantic import ValidationError

from beluga_voice import Agent, VoiceSession
from beluga_voice.errors import ClosedError, ProviderError, ProviderTimeoutError, ToolError
from beluga_voice.plugins import Plugins
from beluga_voice.silent import DeafSTT, MuteTTS
from beluga_voice.testing import ScriptedLLM, tool_call
from beluga_voice_mcp.settings import MCPSettings
from beluga_voice_mcp.source import MCPTools

SERVER = str(Path(__file__).with_name("shop_server.py"))


MUTE = ("-c", "import sys; sys.stdin.read()")


class Here(MCPTools):
    """The same server, in this process: no second one has to start."""

    def _server(self) -> Any:
        return runpy.run_path(SERVER)["server"]


def shop(kind: type[MCPTools] = MCPTools, *, args: tuple[str, ...] = (SERVER,), **settings: Any) -> MCPTools:
    return kind(MCPSettings(command=sys.executable, args=args, **settings))


@pytest.mark.real_time
async def test_a_server_s_tools_answer_in_a_call() -> None:
    source = shop(prefix="shop_", filler="One moment.")
    async with source:
        tools = {tool.name: tool for tool in source.tools()}
        assert list(tools) == ["shop_order_status", "shop_wait", "shop_vanish"]
        status = tools["shop_order_status"]
        assert status.spec.description == "Status of an order."
        assert status.spec.parameters["required"] == ["order"]
        assert (status.filler, status.effects, tools["shop_wait"].effects) == ("One moment.", False, True)

        call = tool_call("shop_order_status", order=7)
        agent = Agent("", llm=ScriptedLLM(lambda r: " ".join(r.results.values()) or call), tools=[source])
        session = VoiceSession(stt=DeafSTT(), tts=MuteTTS(), agent=agent)
        async with session:
            session.send_text("where is order 7")
            async for _ in session.events():
                if len(session.history) == 2:
                    break
        assert session.history[-1].text == "order 7 is «on its way» \U0001f69a"

        with pytest.raises(ToolError, match="no order has this number"):
            await status.run(None, {"order": 13})
        with pytest.raises(ToolError, match="order"):
            await status.run(None, status.validate({"order": "many"}))
        waiting = asyncio.create_task(tools["shop_wait"].run(None, {}))
        await asyncio.sleep(0)
        waiting.cancel()
        await asyncio.wait([waiting])
        assert await status.run(None, {"order": 8}) == "order 8 is «on its way» \U0001f69a"
        with pytest.raises(MCPError):
            await asyncio.wait_for(tools["shop_vanish"].run(None, {}), 5)
    await source.aclose()
    with pytest.raises(ClosedError, match="not connected"):
        source.tools()
    with pytest.raises(ClosedError, match="not connected"):
        await status.run(None, {"order": 7})


@pytest.mark.real_time
async def test_opened_in_one_task_and_closed_in_another_with_the_tools_that_are_asked_for() -> None:
    source = shop(Here, only=("wait",))
    await asyncio.create_task(source.open())
    assert [tool.name for tool in source.tools()] == ["wait"]
    await asyncio.create_task(source.aclose())
    assert asyncio.all_tasks() == {asyncio.current_task()}


@pytest.mark.real_time
@pytest.mark.parametrize(
    ("source", "error", "told"),
    [
        (
            shop(Here, only=("fly",)),
            ProviderError,
            "has no tool 'fly'; there are: order_status, wait, vanish",
        ),
        (shop(args=MUTE, open_timeout=0.3), ProviderTimeoutError, "did not answer within 0.3 s"),
        (MCPTools(MCPSettings(command="no-such-server")), ProviderError, "'no-such-server' cannot be used"),
        (MCPTools(MCPSettings(url="http://127.0.0.1:9/mcp")), ProviderError, "cannot be used"),
    ],
    ids=["no such tool", "mute", "no such command", "nobody there"],
)
async def test_a_server_that_cannot_be_used_is_told(
    source: MCPTools, error: type[Exception], told: str
) -> None:
    with pytest.raises(error, match=told):
        await source.open()
    assert asyncio.all_tasks() == {asyncio.current_task()}


@pytest.mark.parametrize("settings", [{}, {"command": "a", "url": "b"}, {"command": "a", "prefix": "a b"}])
def test_settings_that_name_no_server_or_two_are_refused(settings: dict[str, str]) -> None:
    with pytest.raises(ValidationError):
        MCPSettings(**settings)  # type: ignore[arg-type]


def test_the_plugin_offers_it_by_name() -> None:
    source = Plugins.discover().tool_source.create("mcp", MCPSettings(command="a"))
    assert isinstance(source, MCPTools)
