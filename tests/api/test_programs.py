"""The programs that the public API is made for: typed as strangers see them, and run without a network."""

from __future__ import annotations

import asyncio
import importlib.util
import json
import subprocess
import sys
from pathlib import Path
from types import ModuleType

import pytest
from aiortc import RTCConfiguration, RTCPeerConnection, RTCSessionDescription

from beluga_voice import VoiceContainer
from beluga_voice.settings import Settings
from beluga_voice.silent import DeafSTT, MuteTTS
from beluga_voice.testing import AmplitudeVAD, ScriptedLLM, tool_call
from beluga_voice_server.testing import fetch
from beluga_voice_webrtc.seams import gather_on

HERE = Path(__file__).resolve().parent

# Programs whose parts are still to come, and what they come with. One that works must leave this list.
PENDING: dict[str, str] = {}


def pending(reason: str | None, raises: type[BaseException]) -> list[pytest.MarkDecorator]:
    return [pytest.mark.xfail(strict=True, raises=raises, reason=reason)] if reason else []


NAMES = sorted(path.stem for path in HERE.glob("*.py") if not path.stem.startswith("test_"))


CONTROLS = {
    "right": "from beluga_voice.contracts import Transcript\n\nTranscript('hello', final=True)\n",
    "wrong": "from beluga_voice.contracts import Transcript\n\nTranscript(7, final=True)\n",
}


@pytest.fixture(scope="module")
def complaints(tmp_path_factory: pytest.TempPathFactory) -> dict[str, list[str]]:
    """What mypy says of each program, in a folder far from the repository and its settings."""
    folder = tmp_path_factory.mktemp("stranger")
    programs = {path.stem: path.read_text(encoding="utf-8") for path in HERE.glob("*.py")} | CONTROLS
    for name, text in programs.items():
        (folder / f"{name}.py").write_text(text, encoding="utf-8")
    names = sorted(f"{name}.py" for name in programs if not name.startswith("test_"))
    done = subprocess.run(
        [sys.executable, "-m", "mypy", "--strict", "--config-file=", "--no-error-summary", *names],
        cwd=folder,
        capture_output=True,
        text=True,
        timeout=300,
        check=False,
    )
    assert done.returncode in (0, 1), done.stdout + done.stderr
    lines = done.stdout.splitlines()
    return {name: [line for line in lines if line.startswith(f"{name}.py:")] for name in programs}


@pytest.mark.timeout(300)
def test_types_of_the_installed_packages_reach_a_stranger(complaints: dict[str, list[str]]) -> None:
    assert not complaints["right"]
    assert any("[arg-type]" in line for line in complaints["wrong"])


@pytest.mark.timeout(300)
@pytest.mark.parametrize(
    "program", [pytest.param(name, marks=pending(PENDING.get(name), AssertionError)) for name in NAMES]
)
def test_a_program_is_typed(program: str, complaints: dict[str, list[str]]) -> None:
    assert not complaints[program], "\n".join(complaints[program])


def load(program: str) -> ModuleType:
    """Import a program under a name of its own."""
    spec = importlib.util.spec_from_file_location(f"program_{program}", HERE / f"{program}.py")
    assert spec is not None
    assert spec.loader is not None
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    return module


@pytest.fixture
def program(request: pytest.FixtureRequest) -> ModuleType:
    """The program that a test asks for by `uses`."""
    return load(request.param)


def uses(name: str) -> pytest.MarkDecorator:
    return pytest.mark.parametrize(
        "program", [pytest.param(name, marks=pending(PENDING.get(name), ImportError))], indirect=True
    )


def test_ten_lines_answer_what_is_typed(tmp_path: Path) -> None:
    command = [sys.executable, str(HERE / "ten_lines.py"), "chat"]
    done = subprocess.run(
        command, input="good morning\n", cwd=tmp_path, capture_output=True, text=True, timeout=50, check=False
    )
    assert done.returncode == 0, done.stderr
    assert "You said good morning." in done.stdout


@uses("tools")
def test_an_agent_has_the_tools_it_was_given(program: ModuleType) -> None:
    assert [tool.name for tool in program.agent.tools] == ["order_status", "hang_up"]


@uses("tools")
async def test_an_agent_looks_up_an_order_and_hangs_up(program: ModuleType) -> None:
    llm = ScriptedLLM(
        [
            [tool_call("order_status", order="7")],
            "Order 7 was shipped on Monday.",
            ["With pleasure. ", tool_call("hang_up")],
        ]
    )
    voice = VoiceContainer(Settings(vad=None))
    with voice.stt.override(DeafSTT()), voice.tts.override(MuteTTS()), voice.llm.override(llm):
        async with voice.lifespan():
            session = await voice.get_sessions().open(program.agent)
            async with session:
                await asyncio.sleep(2)
                for text in ("where is order 7", "thank you, bye"):
                    session.send_text(text)
                    await asyncio.sleep(5)
                await session.wait_ended()
    assert [message.text.strip() for message in session.history] == [
        "Acme, hello.",
        "where is order 7",
        "Order 7 was shipped on Monday.",
        "thank you, bye",
        "Goodbye.",
        "With pleasure.",
    ]
    assert llm.requests[1].results == {"call-1": "shipped on Monday"}
    assert llm.requests[0].system == "You answer calls for Acme. Be brief."


def test_an_agent_s_own_providers_are_asked_for(tmp_path: Path) -> None:
    command = [sys.executable, str(HERE / "tools.py"), "--set", "llm=acme", "chat"]
    done = subprocess.run(
        command, input="hello\n", cwd=tmp_path, capture_output=True, text=True, timeout=50, check=False
    )
    assert done.returncode == 2
    assert "no LLM provider named 'acme' (--set llm)" in done.stderr


@uses("host")
def test_a_host_has_its_own_routes_and_the_voice_s(program: ModuleType) -> None:
    assert {"/voice", "/calls/{user}"} <= {route.path for route in program.app.routes}


@pytest.mark.real_time
async def test_a_host_answers_an_offer_with_its_own_profile(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    monkeypatch.chdir(tmp_path)
    monkeypatch.setenv("BELUGA_VOICE_SESSIONS__SUPPORT__SESSION__GREETING", "Support.")
    monkeypatch.setenv("BELUGA_VOICE_SERVER__MAX_LAG", "10")
    monkeypatch.setenv("BELUGA_VOICE_SERVER__WEBRTC__ADDRESSES", '["127.0.0.1"]')
    program = load("host")
    peer = RTCPeerConnection(RTCConfiguration(iceServers=[]))
    peer.addTransceiver("audio")
    messages: asyncio.Queue[dict[str, object]] = asyncio.Queue()
    peer.createDataChannel("host").on("message", lambda text: messages.put_nowait(json.loads(text)))
    gather_on(peer.getTransceivers()[0].sender.transport, ["127.0.0.1"], range(0))
    await peer.setLocalDescription(await peer.createOffer())
    offer = {"type": "offer", "sdp": peer.localDescription.sdp}
    voice, vad = program.voice, AmplitudeVAD()
    with voice.stt.override(DeafSTT()), voice.tts.override(MuteTTS()), voice.vad.override(vad):
        async with voice.lifespan():
            assert (await fetch(program.app, "GET", "/voice/ready")).status == 200
            answered = await fetch(
                program.app, "POST", "/calls/ann", body=offer, headers={"Content-Type": "application/json"}
            )
            assert answered.status == 200, answered.body
            await peer.setRemoteDescription(RTCSessionDescription(str(answered.json["sdp"]), "answer"))
            async with asyncio.timeout(20):
                while (message := await messages.get())["type"] != "utterance_ended":
                    pass
            assert message["heard"] == "Support."
            await peer.close()


@uses("provider")
def test_a_provider_is_a_codec_that_needs_no_socket(program: ModuleType) -> None:
    codec = program.AcmeSTT(program.AcmeSettings(api_key="key"))
    (transcript,) = codec.decode('{"text": "order seven", "final": true}')
    assert (transcript.text, transcript.final) == ("order seven", True)
    assert codec.request().headers == {"Authorization": "Token key"}
