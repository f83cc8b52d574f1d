"""A call that reaches the server by a TURN server alone."""

from __future__ import annotations

import shutil
import socket
import subprocess
from collections.abc import Callable, Iterator
from contextlib import suppress
from pathlib import Path
from typing import Any

import pytest

pytestmark = pytest.mark.timeout(120)

SECRET = "shared with the TURN server"
BINDING = b"\x00\x01\x00\x00\x21\x12\xa4\x42" + bytes(12)
"""A request that any STUN server answers (RFC 8489, section 6)."""

KEEP_PEER = """
const Own = RTCPeerConnection;
window.RTCPeerConnection = class extends Own {
    constructor(...given) { super(...given); window.peer = this; }
};
"""
KIND = """async () => {
    const report = await peer.getStats();
    const pairs = [...report.values()].filter((each) => each.type === "candidate-pair" && each.nominated);
    return pairs.map((each) => report.get(each.localCandidateId).candidateType);
}"""


def free_port() -> int:
    with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as probe:
        probe.bind(("127.0.0.1", 0))
        return int(probe.getsockname()[1])


@pytest.fixture
def turn(tmp_path: Path) -> Iterator[str]:
    """The address of a TURN server on this machine."""
    program = shutil.which("turnserver")
    if program is None:
        pytest.skip("no turnserver (coturn) is installed")
    port = free_port()
    options = (
        "-n", "--log-file=stdout", "--listening-ip=127.0.0.1", "--relay-ip=127.0.0.1",
        f"--listening-port={port}", "--use-auth-secret", f"--static-auth-secret={SECRET}", "--realm=test",
        "--allow-loopback-peers", "--cli-password=none", "--no-cli", "--no-tls", "--no-dtls",
        f"--pidfile={tmp_path}/pid", f"--userdb={tmp_path}/db",
    )  # fmt: skip
    with subprocess.Popen(
        [program, *options], stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL
    ) as process:
        try:
            wait_for(port)
            yield f"127.0.0.1:{port}"
        finally:
            process.terminate()
            process.wait(timeout=10)


def wait_for(port: int) -> None:
    """Ask until the server answers."""
    with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as probe:
        probe.settimeout(0.1)
        for _ in range(200):
            probe.sendto(BINDING, ("127.0.0.1", port))
            with suppress(TimeoutError, ConnectionRefusedError):
                probe.recv(1500)
                return
    raise AssertionError("the TURN server does not answer")


def test_a_relay_only_call_talks(
    turn: str,
    tmp_path: Path,
    settings: dict[str, str],
    serve: Callable[..., Any],
    open_browser: Callable[..., Any],
    quiet: Path,
) -> None:
    own = {"SERVER__WEBRTC__TURN": f'["turn:{turn}"]', "SERVER__WEBRTC__TURN_SECRET": SECRET}
    with serve(tmp_path, **settings, **own) as address:
        page = open_browser(quiet).new_page()
        page.add_init_script(KEEP_PEER)
        page.goto(f"{address}/?wire=webrtc&relay")
        page.get_by_role("button", name="Call").click()
        page.wait_for_selector("#text:enabled")
        assert "WebRTC" in page.inner_text("#wire")
        page.fill("#text", "open the door")
        page.keyboard.press("Enter")
        page.wait_for_selector("text=You said open the door.")
        assert page.evaluate(KIND) == ["relay"]
        page.get_by_role("button", name="Hang up").click()
