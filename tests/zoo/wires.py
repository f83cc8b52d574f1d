"""Broken transports, vendors' connections and speech-to-speech models."""

from __future__ import annotations

import asyncio
import threading
from collections.abc import AsyncGenerator, Sequence
from contextlib import aclosing

import numpy as np

from beluga_voice.audio import AudioFrame
from beluga_voice.contracts import Receiver, Speech, SpeechOptions, ToolChoice, Transcript
from beluga_voice.contracts.llm import LLMMessage
from beluga_voice.contracts.tts import PLAIN_SPEECH
from beluga_voice.errors import ProviderError
from beluga_voice.testing import (
    LoopbackTransport,
    ScriptedSTTStream,
    ScriptedTTSStream,
    check_llm,
    check_stt,
    check_transport,
    check_tts,
    sounds,
)

from .cage import breaks
from .dialogue import Chunks, Thinking
from .recognizers import SPEECH, WORDS
from .recognizers import Sound as Recognizer
from .voices import TEXT
from .voices import Sound as Voice


async def call(line: LoopbackTransport) -> None:
    await line.speak(0.3)
    line.hang_up()


async def transport(kind: type) -> None:
    await check_transport(kind, call=call)


@breaks(transport, "pushes the caller's frames")
class RepeatsPositions(LoopbackTransport):
    async def play(self, samples: np.ndarray) -> None:
        for frame in sounds.frames(samples):
            self._position = 0
            await super().play(frame.samples)


@breaks(transport, "is called on the loop's thread")
class EndsTwice(LoopbackTransport):
    def hang_up(self, error: Exception | None = None) -> None:
        super().hang_up(error)
        super().hang_up(error)


@breaks(transport, "is called on the loop's thread")
class PushesFromAThread(LoopbackTransport):
    def hang_up(self, error: Exception | None = None) -> None:
        worker = threading.Thread(target=super().hang_up, name="reader")
        worker.start()
        worker.join()


@breaks(transport, "takes frames of 20 ms, a shorter last one")
class ChangesFrames(LoopbackTransport):
    def send_nowait(self, frame: AudioFrame) -> None:
        frame.samples[:1] += 1
        super().send_nowait(frame)


@breaks(transport, "closing twice is harmless")
class HangsUpOnce(LoopbackTransport):
    async def aclose(self) -> None:
        if self.closed:
            raise OSError("bad file descriptor")
        await super().aclose()


@breaks(transport, "when it returns no frame is pushed")
class PushesAfterClose(LoopbackTransport):
    async def open(self, receiver: Receiver) -> None:
        await super().open(receiver)
        frame = AudioFrame(sounds.tone(0.02), 16000, 10**6)
        asyncio.get_running_loop().call_later(0.5, receiver.process_audio, frame)


@breaks(transport, "one call's line does not know of another's")
class SharesTheLine(LoopbackTransport):
    hung_up: set[int] = set()  # noqa: RUF012 - that is its fault

    async def open(self, receiver: Receiver) -> None:
        self.made_after = len(self.hung_up)
        await super().open(receiver)

    async def play(self, samples: np.ndarray) -> None:
        if self.made_after < 5:
            await super().play(samples)

    async def aclose(self) -> None:
        self.hung_up.add(id(self))
        self.kept = [*getattr(type(self), "kept", []), self]
        type(self).kept = self.kept  # type: ignore[attr-defined] # so that ids stay their own
        await super().aclose()


@breaks(transport, "may be called after aclose")
class FlushesAClosedSocket(LoopbackTransport):
    def flush(self) -> None:
        if self.closed:
            raise AttributeError("'NoneType' object has no attribute 'write'")
        super().flush()


@breaks(transport, "never waits: a second of frames")
class HasAShortQueue(LoopbackTransport):
    def send_nowait(self, frame: AudioFrame) -> None:
        latest = [each for each in self.sent if each.at == asyncio.get_running_loop().time()]
        if len(latest) >= 25:
            raise asyncio.QueueFull
        super().send_nowait(frame)


class Vendor:
    """A vendor of which each provider here makes something of its own when it fails."""

    def __init__(self) -> None:
        self.cuts = 0
        self.reads = self.answers = True

    def cut(self) -> None:
        self.cuts += 1

    def stop_reading(self) -> None:
        self.reads = False

    def fall_silent(self) -> None:
        self.answers = False

    def recover(self) -> None:
        self.reads = self.answers = True


VENDOR = Vendor()


async def stt_of_vendor(kind: type) -> None:
    VENDOR.__init__()  # type: ignore[misc]
    await check_stt(kind, speech=SPEECH, words=WORDS, faults=VENDOR)


async def tts_of_vendor(kind: type) -> None:
    VENDOR.__init__()  # type: ignore[misc]
    await check_tts(kind, text=TEXT, voices=("ann", "bob"), faults=VENDOR)


class Wired(ScriptedSTTStream):
    """Does as it should when its vendor fails; subclasses do not in one way."""

    cuts_seen = 0
    sees_cut = sees_stall = sees_silence = True

    def send_nowait(self, frame: AudioFrame) -> bool:
        self._check_usable()
        return False

    async def send(self, frame: AudioFrame) -> None:
        self._check_usable()
        self.cuts_seen = self.cuts_seen or VENDOR.cuts + 1
        if VENDOR.cuts + 1 > self.cuts_seen:
            self.on_cut()
        if not VENDOR.reads:
            if not self.sees_stall:
                await asyncio.Event().wait()
            await asyncio.sleep(2)
            raise ProviderError("it takes nothing", retryable=True)
        await super().send(frame)

    def on_cut(self) -> None:
        raise ProviderError("the line was dropped", retryable=True)

    async def receive(self) -> Transcript:
        if not VENDOR.answers:
            if not self.sees_silence:
                await asyncio.Event().wait()
            await asyncio.sleep(10)
            raise ProviderError("it answers nothing", retryable=True)
        return await super().receive()


@breaks(stt_of_vendor, "a vendor that drops the line loses no word")
class LosesWhatWasSaid(Recognizer):
    class stream(Wired):  # noqa: N801
        def on_cut(self) -> None:
            self._script.clear()
            self.cuts_seen = VENDOR.cuts + 1


@breaks(stt_of_vendor, "a vendor that drops the line loses no word")
class SaysItIsForEver(Recognizer):
    class stream(Wired):  # noqa: N801
        def on_cut(self) -> None:
            raise ProviderError("the line was dropped", retryable=False)


@breaks(stt_of_vendor, "a vendor that accepts and never reads")
class WaitsForTheReader(Recognizer):
    class stream(Wired):  # noqa: N801
        sees_stall = False


@breaks(stt_of_vendor, "a vendor that owes an answer")
class WaitsForTheAnswer(Recognizer):
    class stream(Wired):  # noqa: N801
        sees_silence = False


class WiredVoice(ScriptedTTSStream):
    """Does as it should when its vendor fails; subclasses do not in one way."""

    sees_stall = sees_silence = True
    ends_early = False

    async def synthesize(
        self, text: str, options: SpeechOptions = PLAIN_SPEECH
    ) -> AsyncGenerator[Speech, None]:
        cuts = VENDOR.cuts
        for works, sees in ((VENDOR.reads, self.sees_stall), (VENDOR.answers, self.sees_silence)):
            if not works:
                await (asyncio.sleep(5) if sees else asyncio.Event().wait())
                raise ProviderError("it does nothing", retryable=True)
        async with aclosing(super().synthesize(text, options)) as speech:
            async for part in speech:
                if VENDOR.cuts > cuts:
                    if self.ends_early:
                        return
                    raise ProviderError("the line was dropped", retryable=True)
                yield part


@breaks(tts_of_vendor, "a vendor that drops the line ends no text early")
class TakesACutForTheEnd(Voice):
    class stream(WiredVoice):  # noqa: N801
        ends_early = True


@breaks(tts_of_vendor, "a vendor that accepts and never reads")
class WaitsForTheVoice(Voice):
    class stream(WiredVoice):  # noqa: N801
        sees_stall = False


@breaks(tts_of_vendor, "a vendor that takes a text and gives no audio")
class WaitsForTheAudio(Voice):
    class stream(WiredVoice):  # noqa: N801
        sees_silence = False


async def llm_of_vendor(kind: type) -> None:
    VENDOR.__init__()  # type: ignore[misc]
    await check_llm(kind, faults=VENDOR)


@breaks(llm_of_vendor, "a vendor that drops the line ends no answer early")
class TakesACutForTheAnswersEnd(Thinking):
    async def changed(self, messages: Sequence[LLMMessage], chunks: Chunks, choice: ToolChoice) -> Chunks:
        cuts = VENDOR.cuts
        async with aclosing(chunks):
            async for chunk in chunks:
                if VENDOR.cuts > cuts:
                    return
                if not VENDOR.answers:
                    raise ProviderError("it answers nothing", retryable=True)
                yield chunk


@breaks(llm_of_vendor, "a vendor that never answers is given up")
class WaitsForAnAnswer(Thinking):
    async def changed(self, messages: Sequence[LLMMessage], chunks: Chunks, choice: ToolChoice) -> Chunks:
        async with aclosing(chunks):
            async for chunk in chunks:
                if not VENDOR.answers:
                    await asyncio.Event().wait()
                yield chunk
