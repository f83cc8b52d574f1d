"""Groq's address, key, models and formats, held by a simulator that knows only those."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import aclosing

import pytest

from beluga_voice.contracts import CallerMessage, TextDelta
from beluga_voice.errors import ConfigurationError, ProviderError
from beluga_voice.testing import sounds
from beluga_voice_groq.providers import GroqLLM, GroqSTT, GroqTTS
from beluga_voice_groq.settings import GroqLLMSettings
from beluga_voice_simulators.openai import OpenAISimulator
from beluga_voice_simulators.thread import running


class GroqSimulator(OpenAISimulator):
    """OpenAI's interface with Groq's path, models and voices."""

    vendor = "groq"
    prefix = "/openai/v1"
    voices = frozenset({"autumn", "diana", "hannah", "austin", "daniel", "troy"})
    models = {  # noqa: RUF012 - never changed
        "chat": ("llama-3.3-70b-versatile",),
        "transcription": ("whisper-large-v3", "whisper-large-v3-turbo"),
        "speech": ("canopylabs/orpheus-v1-english",),
        "realtime": (),
    }


@pytest.fixture
def groq(monkeypatch: pytest.MonkeyPatch) -> Iterator[GroqSimulator]:
    with running(GroqSimulator(keys={"gsk-good"})) as simulator:
        monkeypatch.setenv("GROQ_API_KEY", "gsk-good")
        monkeypatch.setenv("GROQ_BASE_URL", simulator.url)
        yield simulator


@pytest.mark.real_time
async def test_answers(groq: GroqSimulator) -> None:
    async with GroqLLM() as llm:
        await llm.check_health()
        async with aclosing(llm.stream((CallerMessage("hello"),))) as chunks:
            text = "".join([chunk.text async for chunk in chunks if isinstance(chunk, TextDelta)])
    assert text == "You said: hello"
    assert llm.provider_name == "groq"


@pytest.mark.real_time
async def test_speaks_from_wav(groq: GroqSimulator) -> None:
    async with GroqTTS() as tts:
        await tts.check_health()
        stream = await tts.open_stream()
        async with aclosing(stream.synthesize("Hello there.")) as speech:
            duration = sum([part.frame.duration async for part in speech])
        await stream.aclose()
    assert duration == pytest.approx(10 * 0.06, abs=0.01)
    assert groq.asked[-1].body["response_format"] == "wav"


@pytest.mark.real_time
async def test_hears_without_a_stream(groq: GroqSimulator) -> None:
    async with GroqSTT() as stt:
        stream = await stt.open_stream()
        for frame in sounds.frames(sounds.speech_like(0.5), 16000):
            await stream.send(frame)
        await stream.finalize()
        heard = await stream.receive()
        await stream.aclose()
    assert (heard.text, heard.answers_finalize) == ("hello", True)
    assert "stream" not in groq.asked[-1].body


@pytest.mark.real_time
async def test_names_groq_and_its_variables_in_errors(
    groq: GroqSimulator, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("GROQ_API_KEY", "gsk-bad")
    async with GroqLLM(GroqLLMSettings(tries=1)) as llm:
        with pytest.raises(
            ProviderError, match=r"^Groq at .* refused the key .* Try: another key in GROQ_API_KEY"
        ):
            await llm.check_health()
    monkeypatch.delenv("GROQ_API_KEY")
    monkeypatch.delenv("GROQ_BASE_URL")
    with pytest.raises(ConfigurationError, match="Groq needs a key, and GROQ_API_KEY is not set"):
        await GroqLLM().open()
