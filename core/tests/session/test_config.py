"""What a session is told."""

from __future__ import annotations

import re

import pytest

from beluga_voice.errors import ConfigurationError
from beluga_voice.session import SessionConfig


def test_a_session_that_is_told_nothing_has_defaults_within_their_bounds() -> None:
    config = SessionConfig()
    assert config.language == "en"
    assert config.greeting == ""
    assert config.journal_content


@pytest.mark.parametrize(
    ("setting", "value", "told"),
    [
        ("language", "", "language is empty; it must be a BCP 47 tag"),
        ("journal_max_bytes", (1 << 14) - 1, "journal_max_bytes is 16383"),
        ("journal_max_bytes", (1 << 40) + 1, "journal_max_bytes is 1099511627777"),
    ],
)
def test_what_is_out_of_bounds_is_named_with_its_value(setting: str, value: object, told: str) -> None:
    with pytest.raises(ConfigurationError, match=re.escape(told)):
        SessionConfig(**{setting: value})  # type: ignore[arg-type]


@pytest.mark.parametrize("value", [1 << 14, 1 << 40])
def test_the_bounds_themselves_are_allowed(value: int) -> None:
    assert SessionConfig(journal_max_bytes=value).journal_max_bytes == value
