"""Pictures of the page's states, made where the environment variable SCREENSHOTS names a folder for them."""

from __future__ import annotations

import os
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

FOLDER = os.environ.get("SCREENSHOTS", "")
pytestmark = [
    pytest.mark.timeout(300),
    pytest.mark.skipif(not FOLDER, reason="SCREENSHOTS names no folder; see tools/screenshots.py"),
]

DESKTOP = {"viewport": {"width": 1280, "height": 820}}
PHONE = {"viewport": {"width": 390, "height": 844}, "device_scale_factor": 2}
LONG = 60000


@pytest.mark.parametrize("colours", ["light", "dark"])
@pytest.mark.parametrize("size", ["desktop", "phone"])
def test_states(
    launch: Callable[..., Any], show: Callable[..., Any], microphone: Path, size: str, colours: str
) -> None:
    browser = launch(microphone)
    page = show(browser, color_scheme=colours, **(DESKTOP if size == "desktop" else PHONE))
    taken = 0

    def take(state: str, *, at: str = "") -> None:
        nonlocal taken
        taken += 1
        if at:
            page.locator(at).first.scroll_into_view_if_needed()
        page.screenshot(path=Path(FOLDER) / f"{size}-{colours}-{taken}-{state}.png")

    take("before")
    page.get_by_role("button", name="Call").click()
    page.wait_for_selector(".interim:not(:empty)", timeout=LONG)
    take("hearing", at=".interim")
    page.wait_for_selector(".agent .waterfall", timeout=LONG)
    take("speaking")
    page.wait_for_selector(".agent.cut s", timeout=LONG)
    page.locator(".waterfall").nth(1).wait_for(timeout=LONG)
    page.locator(".waterfall summary").first.click()
    take("cut", at=".waterfall dl")
    page.get_by_role("button", name="Hang up").click()
    page.wait_for_selector("#walk", state="visible")
    take("after", at="#walk")
    page.locator("#walk").click()
    page.locator("#decisions [data-kind=BargeIn] button").first.click()
    take("journal", at="#decision")
    browser.close()


def test_what_goes_wrong(launch: Callable[..., Any], show: Callable[..., Any], quiet: Path) -> None:
    browser = launch(quiet)
    page = show(browser, **DESKTOP)
    page.evaluate(
        """() => {
            const refused = new DOMException("", "NotAllowedError");
            navigator.mediaDevices.getUserMedia = () => Promise.reject(refused);
        }"""
    )
    page.get_by_role("button", name="Call").click()
    page.wait_for_selector("#text:enabled")
    page.screenshot(path=Path(FOLDER) / "no-microphone.png")
    page.get_by_role("button", name="Hang up").click()
    page.wait_for_selector("#call-label:text('Call')")
    refusal = '{"error": {"code": "key_missing", "message": "a key is needed"}}'
    page.route("**/start", lambda route: route.fulfill(status=401, body=refusal))
    page.get_by_role("button", name="Call").click()
    page.wait_for_selector("#keys", state="visible")
    page.screenshot(path=Path(FOLDER) / "key-needed.png")
    browser.close()
