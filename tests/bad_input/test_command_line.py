"""Careless use of the command line: typos, agents that are none, streams that are closed, Ctrl-C."""

from __future__ import annotations

import signal
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path
from textwrap import dedent

import pytest

from .conftest import Run, is_one_sentence

Start = Callable[..., "subprocess.Popen[bytes]"]

# -- settings --

WRONG = {
    "[turns]\nstal = 3\n": "no setting named 'turns.stal' (beluga.toml line 2); did you mean 'stall'?",
    "[turns]\n\nstall = 'x'\n": "turns.stall is 'x'; input should be a valid number",
    "[turns]\nstall = 0\n": "turns.stall is 0.0; it must be from 0.5 to 60 (beluga.toml line 2)",
    "[turns]\nstall = nan\n": "turns.stall is nan; it must be from 0.5 to 60 (beluga.toml line 2)",
    "turns = 3\n": "turns is 3; it must be a table (beluga.toml line 1)",
    "[turn]\nstall = 3\n": "no setting named 'turn' (beluga.toml line 2); did you mean 'turns'?",
    "stt = 5\n": "stt is 5; it must be the name of a provider, 'provider:model', or 'none' (beluga.toml line 1)",
    "tts = 'espeek'\n": "no TTS provider named 'espeek' (beluga.toml line 1); installed: ",
    "[stt]\nworkers = 'two'\n": "stt.workers is 'two'; input should be a valid integer",
    "[stt]\nworkers = 0\n": "stt.workers is 0; input should be greater than or equal to 1 (beluga.toml line 2)",
    "[stt\n": "settings file 'beluga.toml' is no TOML: Expected ']'",
    "[session]\ngreeting = 5\n": "session.greeting is 5; input should be a valid string (beluga.toml line 2)",
    "[session]\nlanguage = ''\n": "session.language is empty; it must be a BCP 47 tag",
    "plugins = 3\n": "plugins is 3; it must be a list of names (beluga.toml line 1)",
}


@pytest.mark.parametrize("toml", WRONG)
def test_a_mistake_in_the_settings_is_told_with_its_line(
    run: Run, caller: Path, folder: Path, toml: str
) -> None:
    (folder / "beluga.toml").write_text(toml)
    done = run("run", "--fast", caller)
    assert (done.exit_code, done.stdout) == (2, "")
    assert is_one_sentence(done.stderr)
    assert done.stderr.startswith(f"error: {WRONG[toml]}")
    assert "line" in done.stderr


@pytest.mark.parametrize("name", ["beluga.toml", ".env"])
def test_settings_that_are_not_utf_8_are_told_with_their_line(run: Run, folder: Path, name: str) -> None:
    (folder / name).write_bytes(b"# umlaut\n# \xfc\n")
    expected = f"error: settings file '{name}' is not UTF-8: byte 0xFC in line 2; save it as UTF-8\n"
    assert run("doctor").stderr == expected


def test_a_byte_order_mark_hides_no_setting(run: Run, folder: Path) -> None:
    (folder / ".env").write_bytes(b"\xef\xbb\xbfBELUGA_VOICE_TURNS__STALL=3\n")
    assert "turns.stall = 3" in run("config", "show").stdout
    (folder / "beluga.toml").write_bytes(b"\xef\xbb\xbfturns.endpoint_min = 0.7\n")
    assert "turns.endpoint_min = 0.7" in run("config", "show").stdout


def test_a_folder_in_the_place_of_the_settings_is_told_and_an_environment_is_none(
    run: Run, folder: Path
) -> None:
    (folder / ".env").mkdir()  # where some keep a virtual environment
    assert run("config", "show").exit_code == 0
    (folder / "beluga.toml").mkdir()
    assert run("doctor").stderr == "error: settings file 'beluga.toml' cannot be read: Is a directory\n"


# -- plugins --


def test_a_plugin_that_was_named_and_cannot_be_imported_is_told(run: Run, folder: Path) -> None:
    (folder / "beluga.toml").write_text("plugins = ['gone']\n")
    done = run("doctor", "--set", "stt=none", "--set", "tts=none", "--set", "vad=none")
    assert "warning: plugin gone (not packaged) failed to import: No module named 'gone'" in done.stderr
    listed = run("plugins")
    assert listed.exit_code == 1
    assert (listed.stderr, listed.stdout.count("plugin gone")) == ("", 1)


def test_an_incompatible_plugin_and_a_missing_key_are_told_with_what_to_do(
    run: Run, folder: Path, caller: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    info = folder / "beluga_voice_old-0.0.1.dist-info"
    info.mkdir()
    (info / "METADATA").write_text(
        "Metadata-Version: 2.1\nName: beluga-voice-old\nVersion: 0.0.1\nRequires-Dist: beluga-voice<0.1\n"
    )
    (info / "entry_points.txt").write_text("[beluga_voice]\nold = old_stt\n")
    monkeypatch.syspath_prepend(str(folder))
    done = run("run", caller, "--set", "stt=old")
    assert done.exit_code == 2
    assert is_one_sentence(done.stderr)
    assert "no STT provider named 'old' (--set stt)" in done.stderr
    assert "beluga-voice-old 0.0.1" in done.stderr
    assert "needs beluga-voice<0.1" in done.stderr
    (folder / "cloud.py").write_text(
        dedent("""
        from beluga_voice.contracts import STT
        from beluga_voice.hookspecs import hookimpl
        from pydantic import BaseModel, Field, SecretStr

        class CloudSettings(BaseModel):
            api_key: SecretStr = Field(description="the vendor's key")

        @hookimpl
        def register_stt(register):
            register("cloud", "nowhere:CloudSTT", settings=CloudSettings)
        """)
    )
    done = run("run", caller, "--plugin", "cloud", "--set", "stt=cloud")
    assert done.exit_code == 2
    assert is_one_sentence(done.stderr)
    assert "stt.api_key" in done.stderr
    assert "BELUGA_VOICE_STT__API_KEY" in done.stderr


# -- agents --

AGENTS = {
    "shop": "an agent is named 'module:name', as in 'shop:agent'; this is 'shop'",
    "shop:": "an agent is named 'module:name', as in 'shop:agent'; this is 'shop:'",
    "../shop.py:agent": "an agent is named 'module:name', as in 'shop:agent'; this is '../shop.py:agent'",
    "gone:agent": "agent 'gone:agent': No module named 'gone'. Try: run in the folder of gone.py",
    "shop:agnt": "agent 'shop:agnt': module 'shop' (",
    "shop:PRICE": "agent 'shop:PRICE' is an agent of type int; an agent is a function of the turn,",
    "shop:Clerk": "agent 'shop:Clerk' is the class Clerk; give an object of it, as in Clerk()",
    "needs:agent": "agent 'needs:agent': No module named 'not_there'. Try: install what has 'not_there',",
    "broken:agent": "agent 'broken:agent': importing broken raised SyntaxError: ",
    "raises:agent": "agent 'raises:agent': importing raises raised ZeroDivisionError: division by zero",
    "exits:agent": "agent 'exits:agent': importing exits raised SystemExit: 3",
}
SHOP = """
from beluga_voice.contracts import Agent

PRICE = 5

class Clerk(Agent):
    async def reply(self, turn):
        yield "Yes."

def decorated(turn):
    return "<b>Gr\\u00fc\\u00df Gott</b> \\U0001f600 \\x1b[31mred\\x07 \\ud800 \\u202eback"

def raising(turn):
    raise ValueError("the till is \\x1b[31mempty")

def leaving(turn):
    raise SystemExit(4)

def silent(turn):
    return None

async def waiting(turn):
    import asyncio
    await asyncio.Event().wait()
"""


@pytest.fixture
def shop(folder: Path) -> Path:
    (folder / "shop.py").write_text(SHOP, encoding="utf-8")
    (folder / "needs.py").write_text("import not_there")
    (folder / "broken.py").write_text("def agent(turn: return 1")
    (folder / "raises.py").write_text("1 / 0")
    (folder / "exits.py").write_text("raise SystemExit(3)")
    return folder


@pytest.mark.parametrize("name", AGENTS)
@pytest.mark.usefixtures("shop")
def test_an_agent_that_is_none_is_told_in_a_sentence(run: Run, name: str) -> None:
    done = run("chat", "--agent", name, text="hello\n")
    assert (done.exit_code, done.stdout) == (2, "")
    assert is_one_sentence(done.stderr)
    assert done.stderr.startswith(f"error: {AGENTS[name]}")


@pytest.mark.usefixtures("shop")
def test_what_an_agent_says_commands_no_terminal(run: Run) -> None:
    done = run("chat", "--agent", "shop:decorated", text="hello\n")
    assert done.stdout == "agent> <b>Grüß Gott</b> 😀 \ufffd[31mred\ufffd \ufffd \ufffdback\n"
    said = run("chat", "--json", "--agent", "shop:decorated", text="hello\n").stdout.splitlines()[1]
    assert r"\u001b[31mred\u0007 \ud800" in said  # whole, for programs


@pytest.mark.parametrize(
    ("name", "reason"),
    [("raising", "ValueError: the till is \ufffd[31mempty"), ("leaving", "SystemExit: 4")],
)
@pytest.mark.usefixtures("shop")
def test_an_agent_that_raises_is_told_and_the_conversation_goes_on(run: Run, name: str, reason: str) -> None:
    done = run("chat", "--agent", f"shop:{name}", text="hello\nagain\n")
    assert done.exit_code == 0
    assert done.stdout.splitlines() == [f" -- failed: {reason}"] * 2


# -- streams --


def test_text_that_is_no_text_is_taken_as_far_as_it_goes(start: Start) -> None:
    process = start("chat", stdin=subprocess.PIPE)
    out, err = process.communicate(b"caf\xe9\n\n   \n\x00\nlast without end", timeout=20)
    assert (process.returncode, err) == (0, b"")
    assert out.decode().splitlines() == [
        "agent> You said caf\ufffd.",
        "agent> You said \ufffd.",
        "agent> You said last without end.",
    ]


def test_a_pipe_that_nobody_reads_ends_the_command_quietly(start: Start, caller: Path) -> None:
    process = start("run", caller)  # 7 s in real time
    assert process.stdout is not None
    assert process.stdout.readline() == f"{caller}\n".encode()
    process.stdout.close()
    assert process.stderr is not None
    with process.stderr:
        assert process.stderr.read() == b""
    assert process.wait(4) == 1


@pytest.mark.skipif(not Path("/dev/full").exists(), reason="no device that is always full")
def test_a_full_disk_under_the_output_is_told_in_a_sentence(start: Start) -> None:
    with open("/dev/full", "wb") as full:
        process = start("config", "show", stdout=full)
        _, err = process.communicate(timeout=20)
    assert process.returncode == 2
    assert err == b"error: the output cannot be written: No space left on device. --traceback shows where\n"


@pytest.mark.skipif(sys.platform == "win32", reason="a shell closes the streams")
def test_closed_streams_are_as_good_as_none(folder: Path) -> None:
    command = f'exec "{sys.executable}" -m beluga_voice chat <&- >&- 2>&-'
    assert subprocess.run(["/bin/sh", "-c", command], check=False, timeout=20).returncode == 0


@pytest.mark.skipif(sys.platform == "win32", reason="signals")
@pytest.mark.usefixtures("shop")
def test_ctrl_c_ends_a_chat_in_order_though_nobody_presses_enter(start: Start) -> None:
    process = start("chat", "--agent", "shop:waiting", "--json", stdin=subprocess.PIPE)
    assert process.stdin is not None
    assert process.stdout is not None
    process.stdin.write(b"hello\n")
    process.stdin.flush()
    assert b'"hello"' in process.stdout.readline()
    process.send_signal(signal.SIGINT)
    assert process.wait(5) == 130  # its standard input is still open
    out, err = process.communicate()
    assert b"the session was stopped" in out
    assert err == b""
