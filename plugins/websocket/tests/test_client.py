"""Clients on a real socket: the one that comes with the plugin, and the one of the protocol's page."""

from __future__ import annotations

import asyncio
import re
import sys
from collections.abc import AsyncGenerator, Mapping
from contextlib import asynccontextmanager
from pathlib import Path

import numpy as np
import pytest

from beluga_voice.audio import AudioFrame
from beluga_voice.container import VoiceContainer
from beluga_voice.errors import ClosedError, ProviderError
from beluga_voice.testing import ScriptedAgent, sounds
from beluga_voice_server.running import listen, run_uvicorn
from beluga_voice_server.testing import scripted_voice
from beluga_voice_websocket.client import VoiceClient, call

pytestmark = pytest.mark.real_time

PAGE = Path(__file__).resolve().parents[3] / "docs/reference/websocket-protocol.md"
SPEECH = np.concatenate([sounds.speech_like(0.4, 16000), np.zeros(12000, np.int16)])


@asynccontextmanager
async def listening(voice: VoiceContainer) -> AsyncGenerator[str, None]:
    """Serve on a free port of this machine."""
    app = voice.asgi(ScriptedAgent())
    async with voice.lifespan():
        server = await voice.open_server()
        with listen("127.0.0.1", 0) as bound:
            serving = asyncio.create_task(run_uvicorn(app, server, bound))  # type: ignore[arg-type]
            try:
                yield f"ws://127.0.0.1:{bound.getsockname()[1]}/ws"
            finally:
                serving.cancel()
                await asyncio.gather(serving, return_exceptions=True)


async def utterance(client: VoiceClient) -> tuple[int, Mapping[str, object]]:
    samples = 0
    async for message in client:
        if isinstance(message, AudioFrame):
            samples += len(message)
        elif message["type"] == "utterance_ended":
            return samples, message
    raise AssertionError(f"ended: {client.ended}")


async def test_a_client_talks_and_comes_back() -> None:
    async with listening(scripted_voice("one two")) as url:
        async with call(url) as client:
            for frame in sounds.frames(SPEECH, 16000):
                await client.send(frame)
            samples, ended = await utterance(client)
            assert (samples, ended["heard"]) == (4800, "one two")
            await client.played(samples)
        async with call(url, token=client.token) as again:
            assert again.resumed
            assert again.session_id == client.session_id
            await again.send_text("and good bye")
            assert (await utterance(again))[1]["heard"] == "and good bye"
            await again.hang_up()
            async for _ in again:
                pass
            assert again.ended == (1000, "ended")
            with pytest.raises(ClosedError, match="the call has ended"):
                await again.press("1")


async def test_a_client_is_told_why_it_is_refused() -> None:
    async with listening(scripted_voice()) as url:
        with pytest.raises(ProviderError, match="token was not signed by this server"):
            async with call(url, token="nonsense"):
                pass
        with pytest.raises(ProviderError, match="HTTP 403"):
            async with call(url, origin="https://elsewhere.example"):
                pass
    with pytest.raises(ProviderError, match="no call to ws://127"):
        async with call(url):
            pass


async def test_the_client_of_the_protocol_s_page_talks(tmp_path: Path) -> None:
    (code,) = re.findall(r"```python\n(.*?)```", PAGE.read_text(encoding="utf-8"), re.DOTALL)
    assert set(re.findall(r"^import (\w+)|^from (\w+)", code, re.MULTILINE)) == {
        ("asyncio", ""), ("json", ""), ("sys", ""), ("", "pathlib"), ("websockets", ""),
    }  # fmt: skip
    (tmp_path / "client.py").write_text(code, encoding="utf-8")
    (tmp_path / "audio.pcm").write_bytes(SPEECH.tobytes())
    async with listening(scripted_voice("one two")) as url:
        process = await asyncio.create_subprocess_exec(
            sys.executable, "client.py", "audio.pcm", url, cwd=tmp_path, stdout=asyncio.subprocess.PIPE
        )
        output, _ = await process.communicate()
    assert output.decode().splitlines() == [
        "welcome 1",
        "caller: one two",
        "agent: one two",
        "seconds: 0.2",
        "closed: 1000 ended",
    ]
    assert process.returncode == 0
