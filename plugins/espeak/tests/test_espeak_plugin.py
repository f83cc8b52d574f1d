# SPDX-License-Identifier: GPL-3.0-or-later
from __future__ import annotations

import json
import subprocess
import sys

import click
import pytest
from click.testing import CliRunner
from pydantic import ValidationError

import beluga_voice_espeak
from beluga_voice.plugins import Plugins
from beluga_voice_espeak.settings import EspeakSettings
from beluga_voice_espeak.tts import EspeakTTS


def test_registers_its_voice() -> None:
    plugins = Plugins()
    plugins.register(beluga_voice_espeak, "espeak")
    assert isinstance(plugins.create("tts", "espeak", EspeakSettings(voice="de")), EspeakTTS)
    assert plugins.problems == ()


def test_importing_it_loads_no_library() -> None:
    check = "import sys, beluga_voice_espeak; assert not {'espeakng_loader', 'pydantic'} & set(sys.modules)"
    subprocess.run([sys.executable, "-c", check], check=True, timeout=20)


def test_its_command_lists_the_voices() -> None:
    group = click.Group()
    plugins = Plugins()
    plugins.register(beluga_voice_espeak, "espeak")
    plugins.add_commands(group)
    listed = json.loads(CliRunner().invoke(group, ["espeak-voices", "--json"]).stdout)
    assert {"voice": "en-us", "name": "English (America)"} in listed["voices"]
    assert "f3" in listed["variants"]
    text = CliRunner().invoke(group, ["espeak-voices"]).stdout
    assert "en-us " in text


@pytest.mark.parametrize(
    "wrong",
    [
        {"rate": 79},
        {"rate": 451},
        {"pitch": 100},
        {"volume": -1},
        {"word_gap": 1.1},
        {"pause": 3},
        {"voice": ""},
        {"x": 1},
    ],
)
def test_settings_out_of_bounds_are_refused(wrong: dict[str, object]) -> None:
    with pytest.raises(ValidationError):
        EspeakSettings.model_validate(wrong)
