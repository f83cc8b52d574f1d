"""``beluga-voice setup local`` tells what is missing, fetches what may be fetched, and says what to choose."""

from __future__ import annotations

import json
import threading
from collections.abc import Iterator
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path

import pytest
from click.testing import CliRunner, Result

from beluga_voice.cli import setup
from beluga_voice.cli.main import main
from beluga_voice.cli.setup import Part
from beluga_voice.settings import SLOTS

PLUGIN = """
import os

from beluga_voice.hookspecs import hookimpl

@hookimpl
def register_models(register):
    register("parrot-en", os.environ["PARROT"] + "/parrot.onnx", licence="MIT", purpose="repeats", size=3_200_000)
"""


@pytest.fixture
def asked() -> Iterator[list[str]]:
    """The paths that a web server on this machine is asked for; its address comes first."""
    asked: list[str] = []

    class Handler(BaseHTTPRequestHandler):
        def do_GET(self) -> None:
            asked.append(self.path)
            self.send_response(200)
            self.end_headers()
            self.wfile.write(b"weights")

        def log_message(self, *_: object) -> None:
            pass

    server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
    thread = threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.01})
    thread.start()
    asked.append(f"http://127.0.0.1:{server.server_port}")
    yield asked
    server.shutdown()
    thread.join()
    server.server_close()


@pytest.fixture(autouse=True)
def here(asked: list[str], tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A folder with two plugins: the parrot's, which wants a model, and the owl's, which wants none."""
    (tmp_path / "setup_parrot.py").write_text(PLUGIN)
    monkeypatch.setenv("PARROT", asked.pop())
    for name in ("parrot", "owl"):
        install(tmp_path, name)
    monkeypatch.syspath_prepend(tmp_path)
    monkeypatch.chdir(tmp_path)
    monkeypatch.setenv("BELUGA_VOICE_MODELS", str(tmp_path / "models"))
    monkeypatch.setenv("BELUGA_VOICE_PLUGINS", "setup_parrot")
    monkeypatch.setattr(setup, "LOCAL", (Part("stt", "parrot", "parrot-en"), Part("vad", "owl")))
    return tmp_path


def install(folder: Path, name: str) -> None:
    about = folder / f"beluga_voice_{name}-1.0.dist-info"
    about.mkdir()
    (about / "METADATA").write_text(f"Metadata-Version: 2.1\nName: beluga-voice-{name}\nVersion: 1.0\n")


def run(*arguments: str, answer: str | None = None) -> Result:
    return CliRunner().invoke(main, ["setup", "local", *arguments], input=answer)


def test_names_models_with_size_and_licence_and_asks(asked: list[str]) -> None:
    result = run(answer="n\n")
    assert "stt: parrot, installed\n  model parrot-en (3 MB, MIT): not fetched" in result.output
    assert "vad: owl, installed" in result.output
    assert "fetch parrot-en, 3 MB? [y/N]: n" in result.output
    assert "nothing was fetched" in result.output
    assert (result.exit_code, asked) == (1, [])


def test_fetches_once_confirmed_and_says_what_to_choose(asked: list[str]) -> None:
    result = run(answer="y\n")
    assert (result.exit_code, asked) == (0, ["/parrot.onnx"])
    assert 'put into beluga.toml:\n\nstt = "parrot"\nvad = "owl"\n' in result.output
    assert not Path("beluga.toml").exists()
    again = run()
    assert (again.exit_code, asked) == (0, ["/parrot.onnx"])


def test_yes_asks_nothing_and_write_writes_the_settings() -> None:
    result = run("--yes", "--write")
    assert result.exit_code == 0, result.output
    assert Path("beluga.toml").read_text() == 'stt = "parrot"\nvad = "owl"\n'
    refused = run("--write")
    assert refused.exit_code == 2
    assert "beluga.toml is there already" in refused.output


def test_a_plugin_that_is_missing_is_named_with_its_command(
    here: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(setup, "LOCAL", (*setup.LOCAL, Part("tts", "nightingale", "nightingale-en")))
    result = run("--yes", "--write")
    assert "tts: nightingale, not installed\n  model nightingale-en: not fetched" in result.output
    assert 'run this again: pip install "beluga-voice[nightingale]"' in result.output
    assert result.exit_code == 1
    assert not (here / "beluga.toml").exists()


def test_json_fetches_only_with_yes(asked: list[str]) -> None:
    before = json.loads(run("--json").stdout)
    assert (before["ready"], before["parts"][0]["path"], asked) == (False, None, [])
    after = json.loads(run("--json", "--yes").stdout)
    assert (after["ready"], asked) == (True, ["/parrot.onnx"])
    assert after["settings"] == 'stt = "parrot"\nvad = "owl"\n'
    assert after["parts"][0]["licence"] == "MIT"
    assert after["install"] is None


def test_what_is_set_up_fits_the_settings(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.undo()
    assert {part.kind for part in setup.LOCAL} <= set(SLOTS)
    assert len({part.kind for part in setup.LOCAL}) == len(setup.LOCAL)
