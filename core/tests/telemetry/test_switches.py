"""A session may be left out of spans, metrics or logs by its own settings."""

from __future__ import annotations

import logging
from typing import Any

import pytest

from beluga_voice.container import VoiceContainer
from beluga_voice.session import SessionConfig
from beluga_voice.settings import Settings
from beluga_voice.testing import make_session


@pytest.mark.parametrize(("traced", "measured"), [(True, True), (True, False), (False, True), (False, False)])
async def test_a_session_is_traced_and_measured_as_its_settings_say(
    watch: Any, traced: bool, measured: bool
) -> None:
    watched = watch(config=SessionConfig(enable_tracing=traced, enable_metrics=measured))
    await watched.run()
    assert bool(watched.spans()) is traced
    assert (watched.reader.get_metrics_data() is not None) is measured


@pytest.mark.parametrize("logged", [True, False])
async def test_a_session_is_logged_as_its_settings_say(
    logged: bool, caplog: pytest.LogCaptureFixture
) -> None:
    session = make_session(config=SessionConfig(session_id="call-7", enable_structured_logging=logged))
    with caplog.at_level(logging.INFO, "beluga_voice"):
        VoiceContainer(Settings()).track(session)
        async with session:
            pass
    assert ("call-7" in {getattr(record, "session_id", "") for record in caplog.records}) is logged
