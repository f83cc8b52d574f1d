"""The plugin registers its detector, and loads nothing for it until it is asked for."""

from __future__ import annotations

import subprocess
import sys

import pytest
from pydantic import ValidationError

from beluga_voice.plugins import Plugins
from beluga_voice_silero.settings import SileroSettings
from beluga_voice_silero.vad import SileroVAD


def test_is_found_by_its_name() -> None:
    assert isinstance(Plugins.discover().create("vad", "silero"), SileroVAD)


def test_importing_the_plugin_imports_nothing_else_of_it() -> None:
    code = "import beluga_voice_silero, sys; print([m for m in sys.modules if 'silero.' in m])"
    result = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert result.stdout.strip() == "[]"


def test_settings_refuse_what_they_do_not_know() -> None:
    with pytest.raises(ValidationError):
        SileroSettings.model_validate({"threshold": 0.5})
