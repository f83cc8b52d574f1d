"""The parrot keeps its contracts, holds a conversation, and watches it."""

from __future__ import annotations

import logging

import numpy as np
import pytest
from click.testing import CliRunner

import beluga_voice_parrot
from beluga_voice import Turn
from beluga_voice.cli import main
from beluga_voice.container import VoiceContainer
from beluga_voice.errors import ProviderError
from beluga_voice.plugins import Plugins
from beluga_voice.settings import Settings
from beluga_voice.testing import (
    LocalServer,
    LoopbackTransport,
    MemoryServer,
    check_classifier,
    check_codec,
    check_import_hygiene,
    check_text_filter,
    collect,
)
from beluga_voice_parrot import checks, squawk
from beluga_voice_parrot.stt import ParrotSTT
from beluga_voice_parrot.tts import ParrotTTS
from beluga_voice_parrot.vendor import RATE, ParrotVendor
from beluga_voice_parrot.words import ParrotClassifier, ParrotTextFilter


@pytest.mark.parametrize("check", [checks.check_recognizer, checks.check_voice])
async def test_is_silver(check: object) -> None:
    with collect() as report:
        await check()  # type: ignore[operator]
    assert [str(finding) for finding in report.broken] == []
    assert report.level == "silver"


async def test_keeps_the_contracts_of_filter_and_classifier() -> None:
    await check_text_filter(ParrotTextFilter)
    await check_classifier(ParrotClassifier)
    check_import_hygiene("beluga_voice_parrot")


def test_reads_recorded_messages() -> None:
    heard = '{"type": "heard", "words": [["polly", 0.1, 0.4]], "from": 0.0, "to": 0.5, "enough": true}'
    check_codec(ParrotSTT(), ['{"type": "perched"}', '{"type": "hearing", "text": "pol"}', heard])
    audio = '{"type": "audio", "id": "text-1", "pcm": "AAAA", "words": [["a", 0.0, 0.1]]}'
    check_codec(ParrotTTS(), ['{"type": "perched"}', audio, '{"type": "said", "id": "text-1"}'])


@pytest.mark.parametrize("sizes", [(160,), (1, 7, 333), (4001,)])
def test_hears_what_it_says_in_frames_of_any_size(sizes: tuple[int, ...]) -> None:
    samples, ear, words, start = checks.speech("polly wants 2 crackers").samples, squawk.Ear(RATE), [], 0
    while start < len(samples):
        size = sizes[start % len(sizes)]
        words += [word for word, _, _ in ear.feed(samples[start : start + size])]
        start += size
    words += [word for word, _, _ in ear.end()]
    assert words == ["polly", "wants", "2", "crackers"]


async def test_a_wrong_key_is_told_and_not_tried_again() -> None:
    stt = ParrotSTT()
    stt.connector = MemoryServer(ParrotVendor("polly").serve)
    with pytest.raises(ProviderError, match=r"Parrot: who are you\?") as caught:
        await stt.open_stream()
    assert not caught.value.retryable
    await stt.aclose()


async def hold_conversation(voice: VoiceContainer) -> str:
    """Let a caller say something; return what the agent was heard to say, as a parrot hears it."""
    line = LoopbackTransport(output_sample_rate=RATE)

    def answer(turn: Turn) -> str:
        return f"you said {turn.text}"

    async with (
        voice.lifespan(),
        voice.get_sessions().open(answer, transport=line, session_id="polly") as session,
    ):
        await line.play(checks.speech("good morning").samples)
        await line.silence(6)
        assert [message.text for message in session.history] == ["good morning", "you said good morning"]
    ear = squawk.Ear(RATE)
    return " ".join(word for word, _, _ in [*ear.feed(line.heard), *ear.end()])


async def test_holds_a_conversation_and_counts_it(caplog: pytest.LogCaptureFixture) -> None:
    plugins = Plugins()
    plugins.register(beluga_voice_parrot, "parrot")
    voice = VoiceContainer(Settings(stt="parrot", tts="parrot", vad=None, turn_detector=None), plugins)
    with (
        voice.stt.override(checks.make_stt()),
        voice.tts.override(checks.make_tts()),
        caplog.at_level(logging.INFO, "beluga_voice_parrot"),
    ):
        assert await hold_conversation(voice) == "you said good morning"
    assert "session polly: 1 turns, " in caplog.text
    assert plugins.problems == ()


@pytest.mark.real_time
async def test_talks_to_the_vendor_over_a_socket() -> None:
    async with LocalServer(ParrotVendor("polly").serve) as server:
        plugins = Plugins()
        plugins.register(beluga_voice_parrot, "parrot")
        table = {"provider": "parrot", "url": server.url, "api_key": "polly"}
        tts = Settings(tts=table).tts
        speaker = plugins.tts.create("parrot", tts.settings(plugins))
        async with speaker:
            stream = await speaker.open_stream()
            parts = [part async for part in stream.synthesize("pieces of eight")]
            await stream.aclose()
    ear = squawk.Ear(RATE)
    samples = np.concatenate([part.frame.samples for part in parts])
    assert [word for word, _, _ in [*ear.feed(samples), *ear.end()]] == ["pieces", "of", "eight"]


def test_its_command_serves_the_vendor() -> None:
    done = CliRunner().invoke(main, ["--plugin", "beluga_voice_parrot", "parrot", "--seconds", "0.01"])
    assert done.exit_code == 0, done.output
    assert done.output.startswith("ws://127.0.0.1:")
