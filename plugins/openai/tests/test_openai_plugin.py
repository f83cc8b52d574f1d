"""The plugin as it is installed: light to import, and examined by ``beluga-voice doctor``."""

from __future__ import annotations

import asyncio
import subprocess
import sys
from collections.abc import Mapping

import pytest
from click.testing import CliRunner

from beluga_voice.cli import main
from beluga_voice_simulators.openai import OpenAISimulator


def test_loads_neither_sdk_nor_client_before_it_is_used() -> None:
    code = (
        "import sys\nfrom beluga_voice_openai import llm, stt, tts\n"
        "print([name for name in ('openai', 'aiohttp', 'httpx') if name in sys.modules])"
    )
    done = subprocess.run(
        [sys.executable, "-c", code], capture_output=True, text=True, check=True, timeout=30
    )
    assert done.stdout.strip() == "[]"


async def doctor(environment: Mapping[str, str | None], *arguments: str) -> str:
    command = ["doctor", "--online", "--set", "stt=none", "--set", "tts=none", "--set", "vad=none"]

    def run() -> str:
        return CliRunner().invoke(main, [*command, *arguments], env=dict(environment)).output

    return await asyncio.to_thread(run)


@pytest.mark.real_time
async def test_doctor_tells_what_is_wrong_with_an_account_apart(vendor: OpenAISimulator) -> None:
    good: dict[str, str | None] = dict(vendor.environment())
    assert "llm: openai, from beluga-voice-openai 0.1.0: ok" in await doctor(good, "--set", "llm=openai")
    found = {
        "missing": await doctor(
            {**good, "OPENAI_API_KEY": None, "OPENAI_BASE_URL": None}, "--set", "llm=openai"
        ),
        "wrong": await doctor({**good, "OPENAI_API_KEY": "sk-bad"}, "--set", "llm=openai"),
        "unreachable": await doctor(
            {**good, "OPENAI_BASE_URL": "http://127.0.0.1:9/v1"}, "--set", "llm=openai"
        ),
        "model": await doctor(good, "--set", "llm=openai:gpt-9"),
    }
    assert "OPENAI_API_KEY is not set" in found["missing"]
    assert "try: export OPENAI_API_KEY" in found["missing"]
    assert "refused the key (HTTP 401)" in found["wrong"]
    assert "cannot be reached at http://127.0.0.1:9/v1" in found["unreachable"]
    assert "has no model 'gpt-9'" in found["model"]
