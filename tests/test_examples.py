"""Every numbered example runs, offline."""

from __future__ import annotations

import asyncio
import importlib.util
import json
import os
import subprocess
import sys
import wave
from pathlib import Path
from types import ModuleType

import numpy as np
import pytest

from beluga_voice import Message, Role, VoiceContainer, VoiceSession
from beluga_voice.clock import run_virtual
from beluga_voice.settings import Settings
from beluga_voice.testing import AmplitudeVAD, LoopbackTransport, ScriptedSTT, ScriptedTTS
from beluga_voice_server.testing import fetch

ROOT = Path(__file__).resolve().parent.parent
EXAMPLES = ROOT / "examples"


def load(path: str) -> ModuleType:
    """Import a file of the examples under a name of its own."""
    spec = importlib.util.spec_from_file_location(f"example_{Path(path).stem}", EXAMPLES / path)
    assert spec is not None
    assert spec.loader is not None
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    return module


def run(*command: str | Path, cwd: Path, path: Path | None = None, text: str = "") -> str:
    """Run a command without settings of this machine; return what it prints."""
    own = {key: value for key, value in os.environ.items() if not key.startswith("BELUGA_VOICE_")}
    more = {} if path is None else {"PYTHONPATH": str(path)}
    done = subprocess.run(
        [sys.executable, *map(str, command)], cwd=cwd, env=own | more, input=text,
        capture_output=True, text=True, timeout=150, check=False,
    )  # fmt: skip
    assert done.returncode == 0, done.stdout + done.stderr
    return done.stdout


def test_each_example_is_in_the_list_and_is_tested_here() -> None:
    listed = (EXAMPLES / "README.md").read_text(encoding="utf-8")
    here = Path(__file__).read_text(encoding="utf-8")
    numbered = sorted(path.name for path in EXAMPLES.iterdir() if path.is_dir())
    assert numbered == [
        "01-echo",
        "02-lookup",
        "03-host",
        "04-recorded-calls",
        "05-own-stt",
        "06-fastapi",
        "07-phone",
        "08-speech-to-speech",
        "beluga-voice-parrot",
    ]
    assert all(f"[{name}]" in listed and f'"{name}' in here for name in numbered)


def test_01_echo_answers_what_is_typed(tmp_path: Path) -> None:
    printed = run(EXAMPLES / "01-echo" / "agent.py", "chat", cwd=tmp_path, text="good morning\n")
    assert printed == "agent> You said good morning.\n"


async def test_02_lookup_speaks_while_it_looks_up() -> None:
    agent = load("02-lookup/agent.py").agent
    line, tts = LoopbackTransport(), ScriptedTTS()
    async with AmplitudeVAD() as vad:
        stt = ScriptedSTT(["where is my order number seven"])
        async with VoiceSession(stt=stt, tts=tts, vad=vad, agent=agent, transport=line) as session:
            await line.speak(2)
            await line.silence(6)
    assert tts.texts[0].strip() == "One moment."
    assert session.history[-1].text == "One moment. Order 7 was delivered on Monday."


async def test_03_host_holds_two_calls_at_a_time() -> None:
    desk_class = load("03-host/host.py").Desk
    voice, lines = VoiceContainer(), {"ann": LoopbackTransport(), "bob": LoopbackTransport()}
    desk = desk_class(voice.get_sessions())
    with (
        voice.stt.override(ScriptedSTT(["hello"])),
        voice.tts.override(ScriptedTTS()),
        voice.vad.override(AmplitudeVAD()),
    ):
        async with voice.lifespan(), asyncio.TaskGroup() as calls:
            for caller, line in lines.items():
                calls.create_task(desk.answer(caller, line))
            await asyncio.gather(*(line.speak(0.5) for line in lines.values()))
            await asyncio.gather(*(line.silence(5) for line in lines.values()))
            for line in lines.values():
                line.hang_up()
    said = (Message(Role.CALLER, "hello", 1), Message(Role.AGENT, "You said hello.", 1))
    assert desk.calls == {"ann": said, "bob": said}


def test_04_recorded_calls_are_understood_and_answered(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(tmp_path)
    ask, calls = load("04-recorded-calls/ask.py"), load("04-recorded-calls/calls.py")
    question, grammar = tmp_path / "question.wav", tmp_path / "question.gram"
    asyncio.run(ask.speak("what time is it", question))
    ask.write_grammar("What time is it?", grammar)

    async def call() -> list[tuple[str, str]]:
        voice = VoiceContainer(Settings(stt={"grammar": str(grammar)}))
        async with voice.lifespan():
            turns: list[tuple[str, str]] = await calls.call(voice, question)
            return turns

    assert run_virtual(call()) == [("what time is it", "You said what time is it.")]
    with wave.open(str(tmp_path / "question.call.wav")) as recording:
        assert recording.getnchannels() == 2


@pytest.mark.timeout(120)
def test_05_own_stt_is_installed_found_tested_and_used(tmp_path: Path) -> None:
    example, installed = EXAMPLES / "05-own-stt", tmp_path / "installed"
    run("-m", "uv", "pip", "install", "--quiet", "--no-deps", "--target", installed, example, cwd=tmp_path)
    run("-m", "pytest", "-q", "-c", ROOT / "pyproject.toml", example / "tests", cwd=tmp_path, path=installed)
    listed = json.loads(run("-m", "beluga_voice", "plugins", "--json", cwd=tmp_path, path=installed))
    assert {"stt": ["keypad"]} in [plugin["providers"] for plugin in listed["plugins"]]

    time = np.arange(1600) / 16000
    tones = sum(8000 * np.sin(2 * np.pi * frequency * time) for frequency in (941, 1336))
    with wave.open(str(tmp_path / "keys.wav"), "wb") as wav:
        wav.setparams((1, 2, 16000, 0, "NONE", ""))
        wav.writeframes(np.asarray(tones).astype("<i2").tobytes())
    answer = run(
        "-m", "beluga_voice", "run", "keys.wav", "--fast", "--json", "--set", "stt=keypad",
        cwd=tmp_path, path=installed,
    )  # fmt: skip
    (turn,) = json.loads(answer)["files"][0]["turns"]
    assert (turn["transcript"], turn["reply"]) == ("zero", "You said zero.")


@pytest.mark.real_time
async def test_06_fastapi_mounts_the_voice_and_serves_a_page_of_40_lines() -> None:
    example = load("06-fastapi/app.py")
    async with example.voice.lifespan():
        page = await fetch(example.app, "GET", "/")
        assert (await fetch(example.app, "GET", "/voice/health")).body == b"ok\n"
        assert b"beluga" in (await fetch(example.app, "GET", "/voice/")).body
    assert page.headers["content-type"].startswith("text/html")
    assert page.body.count(b"\n") <= 40


async def test_07_phone_answers_keys(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(EXAMPLES / "07-phone")
    voice, tts = VoiceContainer(), ScriptedTTS()
    with (
        voice.stt.override(ScriptedSTT([])),
        voice.tts.override(tts),
        voice.vad.override(AmplitudeVAD()),
    ):
        heard = await load("07-phone/phone.py").simulate(voice, "42#")
    assert tts.texts == ["Acme. ", "Please key in the number of your order.", "Order 42 is on its way."]
    assert heard == pytest.approx(sum(len(tts.audio_of(text)) for text in tts.texts) / 24000, abs=0.05)


async def test_08_speech_to_speech_asks_its_tool_and_is_cut_short() -> None:
    session = await load("08-speech-to-speech/clerk.py").call()
    texts = [(message.role, message.interrupted) for message in session.history]
    assert texts == [
        (Role.AGENT, False),
        (Role.CALLER, False),
        (Role.AGENT, True),
        (Role.CALLER, False),
        (Role.AGENT, False),
    ]
    assert session.history[2].text.startswith("Let me look. Your order was shipped on Monday")


@pytest.mark.timeout(300)
def test_the_parrot_is_installed_found_tested_typed_and_silver(tmp_path: Path) -> None:
    example, installed = EXAMPLES / "beluga-voice-parrot", tmp_path / "installed"
    run("-m", "uv", "pip", "install", "--quiet", "--no-deps", "--target", installed, example, cwd=tmp_path)
    run("-m", "pytest", "-q", "-c", ROOT / "pyproject.toml", example / "tests", cwd=tmp_path, path=installed)
    listed = json.loads(run("-m", "beluga_voice", "plugins", "--json", cwd=tmp_path, path=installed))
    (parrot,) = [plugin for plugin in listed["plugins"] if plugin["name"] == "parrot"]
    assert parrot["providers"]["stt"] == parrot["providers"]["tts"] == ["parrot"]
    strict = ("-m", "mypy", "--strict", "--cache-dir", tmp_path / "cache", "-p", "beluga_voice_parrot")
    assert "no issues found" in run(*strict, cwd=installed)
    assert not [
        each for each in installed.rglob("*.py") if "type: ignore" in each.read_text(encoding="utf-8")
    ]
    table = run("-m", "beluga_voice", "check", "parrot", cwd=tmp_path, path=installed)
    for row in ("stt parrot", "tts parrot", "text_filter parrot", "interruption_classifier parrot"):
        assert f"| {row} | silver |" in table
