"""The pytest plugin's fixtures hold a conversation, and its tests do not reach other machines."""

from __future__ import annotations

import asyncio
import socket

import pytest

from beluga_voice.container import VoiceContainer
from beluga_voice.testing import LoopbackTransport, ScriptedCaller, ScriptedTTS
from beluga_voice.testing.pytest_plugin import NetworkDeniedError, no_network

pytest_plugins = ["pytester"]


async def test_a_scripted_caller_is_heard_and_answered(scripted_caller: ScriptedCaller) -> None:
    async with scripted_caller.calls(lambda turn: f"You said {turn.text}.") as session:
        await scripted_caller.says("good morning")
        await scripted_caller.says("good night")
    assert [message.text for message in session.history] == [
        "good morning",
        "You said good morning.",
        "good night",
        "You said good night.",
    ]
    assert scripted_caller.tts.texts == ["You said good morning.", "You said good night."]


async def test_a_caller_may_barge_in_and_hang_up(scripted_caller: ScriptedCaller) -> None:
    async with scripted_caller.calls(lambda turn: "one two three four five six seven eight") as session:
        await scripted_caller.says("count", then=1.5)
        await scripted_caller.says("stop that now", then=0.5)
        await scripted_caller.listens(1)
        scripted_caller.hangs_up()
        await session.wait_ended(timeout=30)
    assert session.history[1].interrupted


async def test_a_container_takes_overrides(
    voice_container: VoiceContainer, scripted_caller: ScriptedCaller, voice_line: LoopbackTransport
) -> None:
    other = ScriptedTTS()
    with voice_container.tts.override(other):
        async with scripted_caller.calls(lambda turn: "Hello.", container=voice_container):
            await scripted_caller.says("hi")
    assert other.texts == ["Hello."]
    assert scripted_caller.tts.texts == []
    assert voice_line.heard.any()


async def test_an_async_test_does_not_reach_another_machine() -> None:
    reaches = pytest.raises(NetworkDeniedError, match=r"reaches for 192\.0\.2\.1, which is not this machine")
    with _socket() as client, reaches:
        await asyncio.get_running_loop().sock_connect(client, ("192.0.2.1", 80))
    with pytest.raises(NetworkDeniedError, match=r"reaches for parrot\.example"):
        socket.getaddrinfo("parrot.example", 443)


def test_this_machine_is_reached_and_others_are_not() -> None:
    with no_network(), socket.create_server(("127.0.0.1", 0)) as server:
        with socket.create_connection(server.getsockname(), timeout=5):
            pass
        with pytest.raises(NetworkDeniedError), _socket() as client:
            client.connect(("192.0.2.1", 9))
        with pytest.raises(NetworkDeniedError), socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as client:
            client.sendto(b"", ("192.0.2.1", 9))
    assert socket.socket.connect.__name__ == "connect"


@pytest.mark.parametrize(
    ("option", "marker", "outcome"),
    [("async", "", "passed"), ("deny", "", "failed"), ("deny", "@pytest.mark.network", "passed"),
     ("allow", "", "passed")],
)  # fmt: skip
def test_sync_tests_are_kept_from_the_network_on_demand(
    option: str, marker: str, outcome: str, pytester: pytest.Pytester
) -> None:
    pytester.makeini(f"[pytest]\nbeluga_voice_network = {option}\n")
    pytester.makepyfile(
        f"""
        import socket, pytest

        {marker}
        def test_looks_up():
            try:
                socket.getaddrinfo("parrot.invalid", 1, flags=socket.AI_NUMERICHOST)
            except OSError:
                pass
        """
    )
    result = pytester.runpytest_inprocess("-p", "no:cacheprovider", "-p", "no:hypothesispytest")
    assert result.parseoutcomes() == {outcome: 1}


def _socket() -> socket.socket:
    client = socket.socket()
    client.setblocking(False)
    return client
