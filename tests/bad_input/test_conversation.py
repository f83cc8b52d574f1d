"""Text of any kind, and providers that break their contracts, in a session on virtual time."""

from __future__ import annotations

import asyncio
import sys
from collections.abc import AsyncGenerator
from pathlib import Path

import numpy as np
import pytest

from beluga_voice import events as ev
from beluga_voice.audio import AudioFrame
from beluga_voice.contracts import (
    STT,
    TTS,
    Speech,
    SpeechOptions,
    STTStream,
    Transcript,
    TTSStream,
    Turn,
    Word,
)
from beluga_voice.contracts.tts import PLAIN_SPEECH
from beluga_voice.conversation import Role
from beluga_voice.errors import ClosedError, ConfigurationError, ErrorCode, SessionError
from beluga_voice.events import Outcome, SessionState
from beluga_voice.session import SessionConfig, VoiceSession
from beluga_voice.testing import (
    AmplitudeVAD,
    LoopbackTransport,
    ScriptedAgent,
    ScriptedSTT,
    ScriptedTTS,
    sounds,
)
from beluga_voice_espeak.tts import EspeakTTS

MEGABYTE = 1 << 20

TEXTS = {
    "markup": '<speak>Hello <b>there</b> &amp; "you" <!-- no --></speak>',
    "emoji": "Hello 👋🏽 there 👨‍👩‍👧 🇦🇹 you",
    "control characters": "Hello\x00 there\x07\x1b[2J you\r\n\x85 \u202eagain",
    "half a character": "Hello \ud83d there",
    "phonemes as espeak has them": "Hello [[h@l'oU]] there",
    "another script": "שלום 你好 नमस्ते hello",
    "one word without end": "a" * 100_000,
}

# -- text --


@pytest.mark.parametrize("kind", TEXTS)
async def test_text_of_any_kind_is_taken_spoken_and_kept(kind: str) -> None:
    text = TEXTS[kind]
    asked: list[str] = []

    def agent(turn: Turn) -> str:
        asked.append(turn.text)
        return text if len(asked) == 1 else "Fine."

    async with EspeakTTS() as tts:
        session = VoiceSession(stt=ScriptedSTT(), tts=tts, agent=agent)
        failed: list[ev.Event] = []
        session.on_event(lambda e: failed.append(e) if isinstance(e, ev.ProviderFailed) else None)
        async with session:
            session.send_text(text)
            await until(session, ev.PlayoutStarted)
            said = session.say(text)
            session.send_text("And now?")  # cuts the answer, and what waits follows the next
            await until(session, ev.PlayoutStarted)
            said.cancel()
            assert (await said).outcome is Outcome.CUT
            assert (await session.say("Good bye.")).outcome is Outcome.PLAYED
        assert asked == [text, "And now?"]
        assert failed == []
        kept = [each.text for each in session.history]
        assert kept[0] == text
        assert [each for each in kept if each in ("And now?", "Good bye.")] == ["And now?", "Good bye."]


async def test_a_megabyte_of_text_is_begun_at_once_and_cut_at_once() -> None:
    text = "word " * (MEGABYTE // 5)
    tts, line = ScriptedTTS(), LoopbackTransport()
    session = VoiceSession(stt=ScriptedSTT(), tts=tts, agent=lambda _: text, transport=line)
    loop = asyncio.get_running_loop()
    async with session:
        start = loop.time()
        session.send_text(text)
        await until(session, ev.PlayoutStarted)
        assert loop.time() - start < 0.1
        await asyncio.sleep(1)
        session.send_text("stop")
        await asyncio.sleep(0)
        cut = len(line.sent)
        assert sum(map(len, tts.texts)) < 1000  # no more than what may be ahead was ever synthesised
    heard = [each.text for each in session.history if each.interrupted]
    assert (session.history[0].text, heard) == (text.strip(), ["word word word"])
    assert 50 <= cut <= 52


@pytest.mark.parametrize("text", ["", "   \n\t", "\u2003 \u00a0"])
async def test_text_that_says_nothing_is_refused_with_its_code(text: str) -> None:
    session = VoiceSession(stt=ScriptedSTT(), tts=ScriptedTTS())
    async with session:
        for take in (session.say, session.send_text):
            with pytest.raises(SessionError) as caught:
                take(text)
            assert caught.value.code is ErrorCode.EMPTY_TEXT
        assert session.state is SessionState.LISTENING


# -- a TTS that breaks its contract --


class Babbler(TTS):
    """Goes on after it was cut, and after its end."""

    sample_rate = 24000

    def __init__(self) -> None:
        self.after_the_cut = 0

    async def open_stream(self) -> TTSStream:
        return _Babble(self)


class _Babble(TTSStream):
    def __init__(self, tts: Babbler) -> None:
        self._tts = tts

    async def synthesize(
        self, text: str, options: SpeechOptions = PLAIN_SPEECH
    ) -> AsyncGenerator[Speech, None]:
        try:
            for _ in range(100):
                yield self._part()
                await asyncio.sleep(0.1)
        except (asyncio.CancelledError, GeneratorExit):
            self._tts.after_the_cut += 1
            yield self._part()  # which raises RuntimeError in whoever closes it

    def _part(self) -> Speech:
        return Speech(AudioFrame(np.full(2400, 3000, np.int16), 24000))

    async def aclose(self) -> None:
        return


async def test_audio_after_the_end_is_not_heard_and_the_session_goes_on() -> None:
    tts, line = Babbler(), LoopbackTransport()
    session = VoiceSession(stt=ScriptedSTT(), tts=tts, agent=ScriptedAgent(), transport=line)
    async with session:
        said = session.say("One two three.")
        await asyncio.sleep(1)
        said.cancel()
        assert (await said).outcome is Outcome.CUT
        cut = len(line.sent)
        await asyncio.sleep(1)
        assert (tts.after_the_cut, len(line.sent)) == (1, cut)
        session.say("Again.")
        await asyncio.sleep(1)
        assert len(line.sent) >= cut + 49
    assert session.state is SessionState.ENDED


# -- an STT that answers out of order --


class Muddler(STT):
    """Says what the test says, whenever it says it."""

    def __init__(self) -> None:
        self.told: asyncio.Queue[Transcript] = asyncio.Queue()

    async def open_stream(self) -> STTStream:
        return _Muddle(self)


class _Muddle(STTStream):
    def __init__(self, stt: Muddler) -> None:
        self._stt = stt
        self._closed = False

    async def send(self, frame: AudioFrame) -> None:
        return

    async def finalize(self) -> None:
        return

    async def receive(self) -> Transcript:
        if self._closed:
            raise ClosedError("closed")
        return await self._stt.told.get()

    async def aclose(self) -> None:
        self._closed = True


DISORDER = {
    "an answer that nobody asked for": [Transcript("hello there", True, answers_finalize=True)],
    "an interim after its final": [
        Transcript("hello there", True, 0.1, 0.5),
        Transcript("hello", False, 0.1, 0.3),
    ],
    "the later part first": [Transcript("there", True, 0.4, 0.6), Transcript("hello", True, 0.0, 0.3)],
    "an end before its start": [Transcript("hello there", True, 0.6, 0.1)],
    "times that are none": [Transcript("hello there", True, float("nan"), float("inf"))],
    "times of the future": [Transcript("hello there", True, 1e6, 1e6 + 1, (Word("hello", 1e6, 1e6 + 1),))],
    "times before the call": [Transcript("hello there", True, -1e6, -1e6 + 1)],
    "the same answer five times": [Transcript("hello there", True, 0.1, 0.5, answers_finalize=True)] * 5,
}


@pytest.mark.parametrize("kind", DISORDER)
async def test_an_stt_that_answers_out_of_order_loses_no_word_and_ends_no_session(kind: str) -> None:
    stt, line = Muddler(), LoopbackTransport()
    async with AmplitudeVAD() as vad:
        session = VoiceSession(stt=stt, tts=ScriptedTTS(), agent=ScriptedAgent(), vad=vad, transport=line)
        async with session:
            await line.play(sounds.speech_like(0.7))
            for transcript in DISORDER[kind]:
                stt.told.put_nowait(transcript)
            await line.silence(5)
            heard = " ".join(each.text for each in session.history if each.role is Role.CALLER)
            assert {"hello", "there"} <= set(heard.split())
            assert session.state is SessionState.LISTENING
            session.send_text("Are you there?")
            await line.silence(3)
            assert session.history[-1].text == "Are you there?"
    assert session.history[-1].role is Role.AGENT


async def until(session: VoiceSession, kind: type[ev.Event]) -> None:
    async for event in session.events():
        if isinstance(event, kind):
            return


# -- what is kept --


@pytest.mark.skipif(sys.platform == "win32", reason="no locks")
@pytest.mark.parametrize("kept", ["record", "journal"])
async def test_two_calls_are_not_written_into_one_file(folder: Path, kept: str) -> None:
    def make(name: str) -> VoiceSession:
        config = SessionConfig(**{kept: str(folder / name)})  # type: ignore[arg-type]
        return VoiceSession(stt=ScriptedSTT(), tts=ScriptedTTS(), config=config)

    async with make("call") as first:
        await first.say("One.")
        with pytest.raises(ConfigurationError, match=r"call: another call is being written to it; give each"):
            await make("call").start()
        async with make("call-{session_id}"):
            assert (await first.say("Two.")).outcome is Outcome.PLAYED
    assert (folder / "call").stat().st_size > 0
    async with make("call"):  # its turn now
        pass
