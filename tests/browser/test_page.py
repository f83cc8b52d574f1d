"""The page in a real browser, over real WebRTC and WebSocket, with a recording as its microphone."""

from __future__ import annotations

import json
import re
import wave
from collections.abc import Callable, Iterator
from contextlib import ExitStack, closing
from io import BytesIO
from pathlib import Path
from typing import TYPE_CHECKING, Any
from urllib.request import urlopen

import pytest

from beluga_voice.journal.explain import explain
from beluga_voice.journal.reader import parse_journal

if TYPE_CHECKING:
    from playwright.sync_api import Page

Visit = Callable[..., Any]

pytestmark = pytest.mark.timeout(120)  # of a machine that does much else

WIRES = ("webrtc", "websocket")
NAMES = {"webrtc": "WebRTC", "websocket": "WebSocket"}
FIRST, SECOND = "go forward ten meters", "what is the weather in paris"
HEARD = """
window.told = [];
window.loud = [];
const level = () => parseFloat(document.querySelector("#meter-agent b").style.width || 0);
document.addEventListener("beluga-voice", ({ detail }) => told.push({ ...detail, now: performance.now() }));
setInterval(() => loud.push([performance.now(), level()]), 20);
"""
NO_UDP = "--webrtc-ip-handling-policy=disable_non_proxied_udp"


def told(page: Page, kind: str) -> list[dict[str, Any]]:
    """Return what the page was told of a kind."""
    return [each for each in page.evaluate("told") if each["type"] == kind]


def wait_until(page: Page, expression: str) -> None:
    """Wait for something in the page, 40 s at most; by a promise, as its policy lets nobody evaluate texts."""
    page.evaluate(
        f"""new Promise((done, failed) => {{
            const story = () => window.told?.map(({{ at, type, text }}) => [at, type, text].join(" "));
            setTimeout(() => failed(new Error("not within 40 s; told were: " + story()?.join(" | "))), 40000);
            const look = () => (({expression}) ? done() : setTimeout(look, 10));
            look();
        }})"""
    )


def wait_told(page: Page, kind: str, count: int = 1) -> None:
    wait_until(page, f"told.filter((each) => each.type === {json.dumps(kind)}).length >= {count}")


def shown(page: Page, selector: str) -> list[str]:
    """Return the texts of the conversation, as they are read."""
    texts = page.locator(f"#conversation {selector}").all_text_contents()
    return [re.sub(r"\s+", " ", each).strip() for each in texts]


@pytest.fixture(scope="module")
def calls(
    launch: Callable[..., Any], show: Callable[..., Any], microphone: Path
) -> Iterator[dict[str, Page]]:
    """A call over each wire, both at the same time: asked, answered, cut, asked again, and hung up."""
    with ExitStack() as browsers:
        pages = {}
        for wire in WIRES:
            browser = browsers.enter_context(closing(launch(microphone)))
            pages[wire] = show(browser, query=f"?wire={wire}")
        for page in pages.values():
            page.evaluate(HEARD)
            page.get_by_role("button", name="Call").click()
        for page in pages.values():
            wait_told(page, "measured", 2)
            page.get_by_role("button", name="Hang up").click()
            page.wait_for_selector("#walk", state="visible")
        yield pages


@pytest.mark.parametrize("wire", WIRES)
def test_it_connects_over_the_wire_and_shows_the_words_of_the_recording(
    calls: dict[str, Page], wire: str
) -> None:
    page = calls[wire]
    (connected,) = told(page, "connected")
    assert connected["wire"] == NAMES[wire]
    assert shown(page, ".caller .heard")[:2] == [FIRST, SECOND]


@pytest.mark.parametrize("wire", WIRES)
def test_interim_words_come_before_the_final_ones(calls: dict[str, Page], wire: str) -> None:
    transcripts = told(calls[wire], "transcript")
    first = next(at for at, each in enumerate(transcripts) if each["final"])
    assert first > 0
    assert transcripts[first]["text"] == FIRST


@pytest.mark.parametrize("wire", WIRES)
def test_the_answer_is_heard_and_a_second_recording_stops_it(calls: dict[str, Page], wire: str) -> None:
    page = calls[wire]
    barge_in = told(page, "barge_in")[0]
    sounded = [each["now"] for each in told(page, "playout_started")]
    began = max(at for at in sounded if at < barge_in["now"])
    again = min(at for at in sounded if at > barge_in["now"])
    loud = page.evaluate("loud")
    heard = [level for at, level in loud if began < at < barge_in["now"]]
    after = [level for at, level in loud if barge_in["now"] + 250 < at < again]
    assert max(heard) > 30
    assert after
    assert max(after) < 5


@pytest.mark.parametrize("wire", WIRES)
def test_what_was_heard_and_what_was_cut_is_told_apart(calls: dict[str, Page], wire: str) -> None:
    page = calls[wire]
    heard, cut = shown(page, ".agent.cut .heard")[0], shown(page, ".agent.cut s")[0]
    assert heard.startswith(f"You said {FIRST}.")
    assert heard.count("harbour") + cut.count("harbour") == 4
    assert cut.endswith("has a light of its own.")


@pytest.mark.parametrize("wire", WIRES)
def test_each_answer_shows_where_its_time_went_and_the_parts_sum(calls: dict[str, Page], wire: str) -> None:
    page = calls[wire]
    falls = page.locator(".waterfall")
    assert falls.count() >= 2
    for number, measured in enumerate(told(page, "measured")[:2]):
        total, *parts = falls.nth(number).evaluate(
            "(fall) => [fall.dataset.total, ...[...fall.querySelectorAll('dd b')].map((b) => b.textContent)]"
        )
        milliseconds = [int(part.removesuffix(" ms")) for part in parts]
        assert sum(milliseconds[:-1]) == milliseconds[-1] == int(total)
        assert int(total) == pytest.approx(1000 * sum(measured["segments"].values()), abs=1)


@pytest.mark.parametrize("wire", WIRES)
def test_recording_and_journal_of_the_call_can_be_fetched(
    calls: dict[str, Page], wire: str, server: str
) -> None:
    page = calls[wire]
    link = server + "/" + str(page.get_attribute("#get-recording", "href"))
    with urlopen(link) as response, wave.open(BytesIO(response.read())) as wav:
        assert wav.getnchannels() == 2
        assert wav.getnframes() / wav.getframerate() > 5
    with urlopen(link.replace("recording.wav", "journal.jsonl")) as response:
        journal = parse_journal(response.read())
    assert journal.end == "complete"


def test_nothing_is_loaded_from_elsewhere_and_nothing_goes_wrong(calls: dict[str, Page], server: str) -> None:
    for page in calls.values():
        assert page.problems == []  # type: ignore[attr-defined]
        assert all(each.startswith(server) for each in page.requests)  # type: ignore[attr-defined]
        answer = page.request.get(server)
        assert "script-src 'self';" in answer.headers["content-security-policy"]


def test_the_journal_is_walked_through_in_the_words_of_the_command_line(
    calls: dict[str, Page], server: str, tmp_path: Path
) -> None:
    page = calls["websocket"]
    with urlopen(f"{server}/{page.get_attribute('#get-journal', 'href')}") as response:
        data = response.read()
    (tmp_path / "call.jsonl").write_bytes(data)
    page.get_by_role("tab", name="Journal").click()
    page.set_input_files("#file", tmp_path / "call.jsonl")
    page.check("#details")
    said = page.evaluate(
        """async () => {
            const { read, tell } = await import("./journal.js");
            const { explain } = await (await fetch("page.json")).json();
            const text = await document.querySelector("#get-journal").href;
            return tell(read(await (await fetch(text)).text()), explain).map((each) => each.sentence);
        }"""
    )
    assert said == [str(each) for each in explain(parse_journal(data))]
    assert page.locator("#decisions button").count() == len(said)
    page.uncheck("#details")
    page.locator("#decisions button").first.focus()
    while page.locator("#decision h2").inner_text() != "The caller took the floor from reply 1: words":
        before = page.locator("#decision h2").inner_text(), page.input_value("#moment")
        page.keyboard.press("ArrowDown")
        assert (page.locator("#decision h2").inner_text(), page.input_value("#moment")) != before
    assert "stop words, enough words" in page.locator("#decision").inner_text()
    page.get_by_role("tab", name="Talk").click()


def test_a_file_that_is_no_journal_is_refused_in_a_sentence(calls: dict[str, Page], tmp_path: Path) -> None:
    page = calls["webrtc"]
    (tmp_path / "no.jsonl").write_text('{"a": 1}\n', encoding="utf-8")
    page.get_by_role("tab", name="Journal").click()
    page.set_input_files("#file", tmp_path / "no.jsonl")
    page.wait_for_selector("#journal-problem", state="visible")
    assert "no journal" in page.inner_text("#journal-problem")
    page.get_by_role("tab", name="Talk").click()


def test_a_reload_in_mid_call_resumes_it(visit: Visit, quiet: Path) -> None:
    page = visit(quiet)
    page.context.add_init_script(HEARD.replace("const level", "var level"))
    page.evaluate(HEARD)
    page.get_by_role("button", name="Call").click()
    wait_told(page, "welcome")
    page.wait_for_selector("#text:enabled")
    page.fill("#text", "king of hearts")
    page.keyboard.press("Enter")
    page.wait_for_selector("text=You said king of hearts.")
    session = told(page, "welcome")[0]["session_id"]
    page.reload()
    wait_told(page, "connected")
    (welcome,) = told(page, "welcome")
    assert (welcome["session_id"], welcome["resumed"]) == (session, True)
    assert shown(page, ".caller .heard") == ["king of hearts"]
    wait_until(page, "loud.some(([, level]) => level > 30)")  # the story goes on
    assert page.problems == []
    page.get_by_role("button", name="Hang up").click()
    page.wait_for_selector("#walk", state="visible")
    assert [each for each in shown(page, ".agent") if "Welcome." in each] == shown(page, ".agent")[:1]


def test_with_udp_blocked_it_talks_over_websocket(visit: Visit, quiet: Path) -> None:
    page = visit(quiet, NO_UDP)
    page.evaluate(HEARD)
    page.get_by_role("button", name="Call").click()
    wait_told(page, "connected")
    assert told(page, "connected")[0]["wire"] == "WebSocket"
    assert len(told(page, "welcome")) == 1
    page.fill("#text", "queen of spades")
    page.keyboard.press("Enter")
    page.wait_for_selector("text=You said queen of spades.")
    wait_until(page, "loud.some(([, level]) => level > 30)")
    page.get_by_role("button", name="Hang up").click()
    page.wait_for_selector("#walk", state="visible")


def test_it_fits_a_phone_and_is_worked_by_keyboard(visit: Visit, quiet: Path) -> None:
    page = visit(quiet, viewport={"width": 360, "height": 740}, color_scheme="dark", query="?wire=websocket")
    assert page.evaluate("document.documentElement.scrollWidth") <= 360
    assert page.evaluate("getComputedStyle(document.documentElement).colorScheme") == "dark"
    names = page.evaluate(
        """[...document.querySelectorAll("button, input, select")].filter((each) => each.checkVisibility())
            .map((each) => each.ariaLabel || each.labels?.[0]?.textContent || each.textContent.trim())"""
    )
    assert all(names)
    assert len(names) > 5
    for _ in range(20):
        page.keyboard.press("Tab")
        if page.evaluate("document.activeElement.id") == "call":
            break
    page.keyboard.press("Enter")
    page.wait_for_selector("#text:enabled")
    assert page.inner_text("#call-label") == "Hang up"
    page.keyboard.press("Enter")
    page.wait_for_selector("#text:disabled")


def test_it_shows_what_can_be_said_to_a_recognizer_with_a_grammar(visit: Visit, quiet: Path) -> None:
    page = visit(quiet)
    sentences = page.locator("#sentences button").all_inner_texts()
    assert "what is the weather in paris" in sentences
    assert len(set(sentences)) == len(sentences) >= 5
    assert "--set stt=" in page.inner_text("#advice")
    assert page.evaluate(
        "document.documentElement.scrollHeight <= innerHeight"
    )  # each column scrolls by itself
