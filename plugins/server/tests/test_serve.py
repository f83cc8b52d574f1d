"""The commands, as processes."""

from __future__ import annotations

import asyncio
import os
import re
import signal
import sys
from asyncio.subprocess import PIPE, Process
from collections.abc import AsyncGenerator
from contextlib import asynccontextmanager
from pathlib import Path
from urllib.request import urlopen

import pytest

from beluga_voice.errors import ConfigurationError
from beluga_voice_server.reloading import look
from beluga_voice_server.running import listen

pytestmark = [pytest.mark.real_time, pytest.mark.timeout(180)]

PROGRAM = """
from beluga_voice import run

def agent(turn):
    return "{answer}"

run(agent)
"""

PARTS = """
from beluga_voice.hookspecs import hookimpl

@hookimpl
def register_stt(register):
    register("scripted", "beluga_voice.testing:ScriptedSTT")

@hookimpl
def register_tts(register):
    register("scripted", "beluga_voice.testing:ScriptedTTS")
"""
CHOSEN = {
    "BELUGA_VOICE_PLUGINS": "parts_of_serve",
    "BELUGA_VOICE_STT": "scripted",
    "BELUGA_VOICE_TTS": "scripted",
    "BELUGA_VOICE_VAD": "none",
    "BELUGA_VOICE_SERVER__MAX_LAG": "10",  # of a machine that does much else
}


@asynccontextmanager
async def running(folder: Path, *arguments: str) -> AsyncGenerator[Process, None]:
    (folder / "parts_of_serve.py").write_text(PARTS, encoding="utf-8")
    environ = {**os.environ, **CHOSEN}
    process = await asyncio.create_subprocess_exec(
        sys.executable, *arguments, cwd=folder, stderr=PIPE, env=environ, start_new_session=True
    )
    try:
        yield process
    finally:
        if process.returncode is None:
            if os.name == "nt":
                process.kill()
            else:
                os.killpg(process.pid, signal.SIGKILL)  # the server that `dev` runs, too
        await process.communicate()


async def told(process: Process, pattern: str) -> str:
    """Wait for a line of the process's."""
    assert process.stderr is not None
    async with asyncio.timeout(50):  # where nothing is compiled yet, and others run
        while line := (await process.stderr.readline()).decode():
            if found := re.search(pattern, line):
                return found[1]
    raise AssertionError(f"ended without {pattern!r}")


async def get(url: str) -> str:
    def read() -> str:
        with urlopen(url, timeout=5) as response:
            return str(response.read().decode())

    return await asyncio.to_thread(read)


async def test_serves_until_it_is_told_to_stop_whoever_connects_and_asks_for_nothing(tmp_path: Path) -> None:
    command = ("-m", "beluga_voice", "serve", "--port", "0", "--set", "server.setup=1")
    async with running(tmp_path, *command) as process:
        url = await told(process, r"listens on (http://127\.0\.0\.1:\d+) \(this machine alone may call")
        assert await get(f"{url}/ready") == "ready\n"
        port = int(url.rpartition(":")[2])
        connections = [await asyncio.open_connection("127.0.0.1", port) for _ in range(200)]
        for _, writer in connections[:100]:
            writer.write(b"GET / HTTP/1.1\r\nHost: loc")
        assert await get(f"{url}/health") == "ok\n"
        async with asyncio.timeout(20):
            ends = await asyncio.gather(*(reader.read() for reader, _ in connections), return_exceptions=True)
        assert all(end == b"" or isinstance(end, ConnectionError) for end in ends)
        for _, writer in connections:
            writer.close()
        process.send_signal(signal.SIGTERM)
        async with asyncio.timeout(20):
            assert await process.wait() == 0


async def test_a_port_that_is_taken_is_told() -> None:
    with listen("127.0.0.1", 0) as taken:
        port = taken.getsockname()[1]
        with pytest.raises(
            ConfigurationError, match=f"cannot listen on 127.0.0.1:{port}: .*--host and --port"
        ):
            listen("127.0.0.1", port)


@pytest.mark.network  # binds, and sends nothing: the address is one of documentation's
async def test_an_address_that_is_not_this_machine_s_is_told() -> None:
    with pytest.raises(ConfigurationError, match=r"cannot listen on 203\.0\.113\.1:8080"):
        listen("203.0.113.1", 8080)


@pytest.mark.slow
async def test_dev_begins_anew_when_the_program_changes(tmp_path: Path) -> None:
    program = tmp_path / "agent.py"
    program.write_text(PROGRAM.format(answer="one"), encoding="utf-8")
    async with running(tmp_path, "agent.py", "dev", "--port", "0") as process:
        await told(process, r"listens on (\S+)")
        program.write_text(PROGRAM.format(answer="two, and more"), encoding="utf-8")
        assert await told(process, r"(agent\.py) has changed") == "agent.py"
        url = await told(process, r"listens on (\S+)")
        assert await get(f"{url}/health") == "ok\n"
        process.send_signal(signal.SIGTERM)
        async with asyncio.timeout(20):
            assert await process.wait() == 0
        with pytest.raises(OSError, match="refused"):
            await get(f"{url}/health")


def test_dev_looks_at_the_program_and_not_at_what_is_installed(tmp_path: Path) -> None:
    seen = ["agent.py", "beluga.toml", ".env", "package/tools.py"]
    unseen = ["notes.txt", ".venv/x.py", "__pycache__/x.py", "lib/site-packages/x.py"]
    for name in (*seen, *unseen):
        (tmp_path / name).parent.mkdir(parents=True, exist_ok=True)
        (tmp_path / name).write_text("", encoding="utf-8")
    assert {str(path.relative_to(tmp_path)) for path in look(tmp_path)} == set(seen)
