"""The page of an application of one's own, and ours below its mount, in a real browser."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

pytestmark = pytest.mark.timeout(120)

FORTY_SECONDS = 40000


def test_a_page_of_40_lines_calls_an_application_of_one_s_own(
    open_browser: Callable[..., Any], microphone: Path, fastapi: str
) -> None:
    page = open_browser(microphone).new_page()
    page.goto(fastapi)
    page.fill("#user", "Bea")
    page.get_by_role("button", name="Call").click()
    page.wait_for_selector("text=Agent: Bea, you said go forward ten meters.", timeout=FORTY_SECONDS)
    assert page.locator("#said li").first.inner_text() == "You: go forward ten meters"
    page.get_by_role("button", name="Hang up").click()


def test_the_page_follows_the_mount(open_browser: Callable[..., Any], quiet: Path, fastapi: str) -> None:
    page = open_browser(quiet).new_page()
    page.goto(f"{fastapi}/voice/")
    page.get_by_role("button", name="Call").click()
    page.wait_for_selector("#text:enabled")
    page.fill("#text", "open the door")
    page.keyboard.press("Enter")
    page.wait_for_selector("text=Stranger, you said open the door.")
    assert "WebRTC" in page.inner_text("#wire")
    page.get_by_role("button", name="Hang up").click()
    page.wait_for_selector("#walk", state="visible")
