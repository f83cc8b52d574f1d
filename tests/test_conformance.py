"""All our plugins are held to their contracts by one command; here those that take a second."""

from __future__ import annotations

import json
from pathlib import Path

import pytest
from click.testing import CliRunner

from beluga_voice.cli import main

QUICK = {
    "energy": ("vad", "energy"),
    "espeak": ("tts", "espeak"),
    "file": ("transport", "file"),
    "heuristic": ("turn_detector", "heuristic"),
    "server": ("session_store", "sqlite"),
    "webrtcvad": ("vad", "webrtcvad"),
}
"""Plugins, and a provider of each."""


@pytest.mark.timeout(120)
def test_our_plugins_are_silver_by_one_command(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)
    done = CliRunner().invoke(main, ["check", "--json", *QUICK])
    assert done.exit_code == 0, done.output
    found = {(each["kind"], each["provider"]): each for each in json.loads(done.stdout)}
    for plugin in QUICK:
        assert any(each["plugin"] == plugin and each["level"] == "bronze" for each in json.loads(done.stdout))
    for provider in QUICK.values():
        assert found[provider]["level"] == "silver"
    assert not list(tmp_path.iterdir()), "a check leaves nothing in the folder that it runs in"
