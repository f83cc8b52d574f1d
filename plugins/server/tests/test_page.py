"""The page, what it is told of the server, and the calls that are kept for it."""

from __future__ import annotations

import re
from collections.abc import AsyncGenerator
from contextlib import asynccontextmanager
from pathlib import Path
from typing import Any

import pytest

from beluga_voice.contracts import ASGI
from beluga_voice.session import SessionConfig
from beluga_voice.testing import ScriptedAgent
from beluga_voice_server.grammar import examples
from beluga_voice_server.kept import KeptCalls
from beluga_voice_server.page import TYPES
from beluga_voice_server.testing import fetch, scripted_voice

ELSEWHERE: dict[str, Any] = {"client": ("203.0.113.7", 4711), "server": ("192.0.2.1", 80)}
STATIC = Path(__file__).parents[1] / "src" / "beluga_voice_server" / "static"


@asynccontextmanager
async def serving(**settings: object) -> AsyncGenerator[ASGI, None]:
    voice = scripted_voice(server={"max_lag": 10} | settings)
    app = voice.asgi(ScriptedAgent())
    async with voice.lifespan():
        yield app


async def test_the_page_and_each_of_its_files_is_served_under_a_strict_policy() -> None:
    async with serving() as app:
        for file in STATIC.iterdir():
            path = "/" if file.name == "index.html" else f"/{file.name}"
            fetched = await fetch(app, "GET", path)
            assert (fetched.status, fetched.body) == (200, file.read_bytes())
            assert fetched.headers["content-type"] == TYPES[file.suffix]
            assert "default-src 'none'; script-src 'self';" in fetched.headers["content-security-policy"]


async def test_a_file_that_the_browser_has_is_not_sent_again() -> None:
    async with serving() as app:
        first = await fetch(app, "GET", "/main.js")
        again = await fetch(app, "GET", "/main.js", headers={"if-none-match": first.headers["etag"]})
        assert (again.status, again.body) == (304, b"")


async def test_the_page_is_under_the_mount_and_names_nothing_by_an_absolute_path() -> None:
    async with serving() as app:
        assert (await fetch(app, "GET", "/", root_path="/voice")).status == 200
    for file in STATIC.iterdir():
        text = file.read_text(encoding="utf-8")
        assert not re.search(r"(?:src|href)=\"(?:/|https?:)|fetch\([\"'`]/", text), file.name


async def test_there_is_no_page_where_the_settings_say_so() -> None:
    async with serving(page=False) as app:
        for path in ("/", "/main.js", "/page.json"):
            assert (await fetch(app, "GET", path)).status == 404


async def test_the_page_is_told_what_it_needs_and_callers_from_elsewhere_less() -> None:
    async with serving(key="the key of this server") as app:
        here = (await fetch(app, "GET", "/page.json")).json
        there = (await fetch(app, "GET", "/page.json", **ELSEWHERE)).json
    assert (here["open"], here["keeps"], here["key"]) == (True, True, True)
    assert (there["open"], there["keeps"], there["profiles"]) == (False, False, [])


async def test_a_call_that_is_not_kept_is_refused() -> None:
    async with serving() as app:
        fetched = await fetch(app, "GET", "/calls/call-1/journal.jsonl")
        assert (fetched.status, fetched.json["error"]["code"]) == (404, "not_kept")  # type: ignore[index]
        assert (await fetch(app, "GET", "/calls/call-1/other")).json["error"]["code"] == "not_found"  # type: ignore[index]


def test_the_last_calls_are_kept_and_files_are_gone_at_the_end() -> None:
    kept = KeptCalls(2)
    folders = []
    for name in ("a", "b", "c"):
        config = kept.config(name, SessionConfig())
        Path(config.journal).write_text("{}\n", encoding="utf-8")
        folders.append(Path(config.journal).parent)
    assert kept.find("a", "journal.jsonl") is None
    assert not folders[0].exists()
    assert kept.find("c", "journal.jsonl") == folders[2] / "journal.jsonl"
    assert kept.find("c", "../c/journal.jsonl") is None
    assert kept.find("c", "recording.wav") is None
    assert folders[2].parent.stat().st_mode & 0o077 == 0
    kept.close()
    assert not folders[2].parent.exists()


def test_a_name_that_is_a_path_stays_within_the_folder() -> None:
    kept = KeptCalls(1)
    folder = Path(kept.config("../../etc", SessionConfig()).journal).parent
    assert folder.name == "______etc"
    kept.close()


@pytest.mark.parametrize("config", [SessionConfig(journal="call.jsonl"), SessionConfig(record="call.wav")])
def test_what_the_settings_say_goes_before(config: SessionConfig) -> None:
    assert KeptCalls(2).config("a", config) is config


def test_none_is_kept_if_none_may_be() -> None:
    assert KeptCalls(0).config("a", SessionConfig()) == SessionConfig()


CALL = """#JSGF V1.0;
// of a shop
grammar call;
<item> = ( tea | coffee {DRINK} ) | /0.5/ "ice cream";
public <order> = [ please ] bring me <item>+ | the bill; /* or
both */
"""


def test_examples_of_a_grammar_are_its_sentences() -> None:
    said = examples(CALL, 20)
    assert {"the bill", "bring me tea", "please bring me coffee", "bring me ice cream"} <= {*said}
    assert len({*said}) == len(said)
    assert all(each == "the bill" or "bring me" in each for each in said)


@pytest.mark.parametrize(
    "text",
    [
        "",
        "no grammar",
        "#JSGF V1.0; public <a> = <a>;",
        "public <a> = ((((;",
        "<a> = | | ;",
        "public <a> = <b> ] ) ;",
    ],
)
def test_what_is_no_grammar_has_no_examples(text: str) -> None:
    assert all(each == "b" for each in examples(text, 5))
