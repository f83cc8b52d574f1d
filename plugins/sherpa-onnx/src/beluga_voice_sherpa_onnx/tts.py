"""The voice: a provider over one loaded model, and its streams."""

from __future__ import annotations

import asyncio
import re
from collections import deque
from collections.abc import AsyncGenerator, Iterator
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import numpy as np

from beluga_voice.audio import AudioFrame
from beluga_voice.clock import working
from beluga_voice.contracts import TTS, Speech, SpeechOptions, TTSStream
from beluga_voice.contracts.tts import PLAIN_SPEECH
from beluga_voice.errors import ClosedError, ConfigurationError, ProviderError, ProviderTimeoutError
from beluga_voice.models import ModelStore
from beluga_voice.sentences import SentenceSplitter
from beluga_voice_sherpa_onnx.engine import Audio, Voice, load_voice
from beluga_voice_sherpa_onnx.folder import voice_files
from beluga_voice_sherpa_onnx.settings import SherpaTTSSettings

MODELS = ("sherpa-kokoro-en", "sherpa-kitten-en")
"""What is looked for where the settings name no model, the better voice first."""

_PART = 0.1
"""Seconds of one part: how much comes at most after a synthesis was ended."""

_LONGEST = 300
"""Characters said in one call of the engine; bounds what is held in memory and how long others wait."""

_UNSAYABLE = re.compile("[\x00-\x1f\x7f-\x9f\ud800-\udfff\ue000-\uf8ff\ufffe\uffff]")
"""Taken for spaces: controls, lone surrogates and private use."""

_SAID = re.compile(r"[^\W_]")


class SherpaTTS(TTS):
    """A neural voice on this machine.

    One loaded model speaks for all sessions, a sentence at a time on a thread of its own, outside the event loop.
    """

    honours = frozenset({"voice", "speed"})

    def __init__(self, settings: SherpaTTSSettings | None = None) -> None:
        """Make a voice; the model is loaded by `open`."""
        self._settings = settings or SherpaTTSSettings()
        self._voice: Voice | None = None
        self._speakers = 0
        self._executor: ThreadPoolExecutor | None = None
        self._streams: set[SherpaTTSStream] = set()
        self._closed = False

    async def open(self) -> None:
        """Load the model.

        Raises:
            ConfigurationError: there is no such folder, a file is missing, no model was fetched, or it has no such
                speaker.
            ProviderError: the files hold no such model.
            ClosedError: after `aclose`.
        """
        if self._closed:
            raise ClosedError("the sherpa-onnx voice is closed; make another one")
        if self._voice is not None:
            return
        found = (ModelStore().find(name) for name in MODELS)
        folder = self._settings.model or next(filter(None, found), None)
        if folder is None:
            raise ConfigurationError(
                f"the sherpa-onnx voice has no model. Try: beluga-voice models fetch {MODELS[-1]}, or the path "
                "of a folder as its setting `model`"
            )
        with working("sherpa-onnx: loading the voice"):
            voice = await asyncio.to_thread(self._load, folder.expanduser())
        self.sample_rate, self._speakers = voice.sample_rate, max(1, voice.num_speakers)
        self._speaker(SpeechOptions(voice=str(self._settings.voice)))
        self._voice, self._executor = voice, ThreadPoolExecutor(1, "sherpa-onnx-tts")

    def _load(self, folder: Path) -> Voice:
        return load_voice(voice_files(folder, self._settings.lexicon), self._settings.threads)

    def check_options(self, options: SpeechOptions) -> None:
        """Refuse a speaker that the model does not have; before `open`, only what is no number.

        Raises:
            ConfigurationError: there is no such speaker.
        """
        super().check_options(options)
        self._speaker(options)

    def _speaker(self, options: SpeechOptions) -> int:
        if options.voice is None:
            return self._settings.voice
        number = int(options.voice) if options.voice.isdecimal() else -1
        if number < 0 or (self._speakers and number >= self._speakers):
            allowed = f"0 to {self._speakers - 1}" if self._speakers else "a number from 0"
            raise ConfigurationError(f"voice is {options.voice!r}; speakers of this model are {allowed}")
        return number

    async def open_stream(self) -> SherpaTTSStream:
        """Open a stream for one session.

        Raises:
            ClosedError: before `open` or after `aclose`.
        """
        if self._voice is None or self._executor is None:
            raise ClosedError("the sherpa-onnx voice is not open; await open() first, and once")
        stream = SherpaTTSStream(self, self._voice, self._executor, self._settings, self._streams)
        self._streams.add(stream)
        return stream

    async def aclose(self) -> None:
        """Close the streams and end the thread, after the sentence that it is at. Idempotent."""
        self._closed = True
        for stream in tuple(self._streams):
            await stream.aclose()
        executor, self._executor, self._voice = self._executor, None, None
        if executor is not None:
            with working("sherpa-onnx: ending the voice's thread"):
                await asyncio.to_thread(executor.shutdown)


class SherpaTTSStream(TTSStream):
    """One session's voice."""

    def __init__(
        self,
        tts: SherpaTTS,
        voice: Voice,
        executor: ThreadPoolExecutor,
        settings: SherpaTTSSettings,
        streams: set[SherpaTTSStream],
    ) -> None:
        self._tts = tts
        self._voice = voice
        self._executor = executor
        self._settings = settings
        self._streams = streams
        self._spoken: set[_Sentence] = set()
        self._closed = False

    async def synthesize(
        self, text: str, options: SpeechOptions = PLAIN_SPEECH
    ) -> AsyncGenerator[Speech, None]:
        """Speak `text`, a sentence at a time, yielding 100 ms of audio or less.

        Raises:
            ClosedError: after `aclose`, when iterated.
            ConfigurationError: there is no such speaker.
            ProviderError: the engine failed, or took longer than the deadline.
        """
        self._check_open()
        speaker = self._tts._speaker(options)
        speed = self._settings.speed * (options.speed or 1.0)
        for sentence in _sentences(text):
            said = _Sentence(sentence, speaker, speed)
            self._spoken.add(said)
            work = asyncio.get_running_loop().run_in_executor(self._executor, said.speak, self._voice)
            try:
                while (audio := await said.next(work, self._settings.deadline)) is not None:
                    for part in self._parts(audio):
                        yield part
                        self._check_open()
            finally:
                said.abandoned = True
                self._spoken.discard(said)
                work.cancel()

    def _parts(self, audio: Audio) -> Iterator[Speech]:
        samples = np.rint(np.clip(audio, -1, 1) * 32767).astype(np.int16)
        size = round(_PART * self._tts.sample_rate)
        for at in range(0, len(samples), size):
            yield Speech(AudioFrame(samples[at : at + size], self._tts.sample_rate))

    def _check_open(self) -> None:
        if self._closed:
            raise ClosedError("the sherpa-onnx stream is closed")

    async def aclose(self) -> None:
        """End the stream; a synthesis that is going on raises `ClosedError`. Idempotent."""
        self._closed = True
        self._streams.discard(self)
        for said in self._spoken:
            said.abandon()


def _sentences(text: str) -> Iterator[str]:
    """Cut lazily, so that a megabyte does not hold up the loop; nothing without a letter or digit."""
    splitter = SentenceSplitter(first_min=_LONGEST, max_length=_LONGEST)
    for start in range(0, len(text), _LONGEST):
        yield from filter(_SAID.search, splitter.feed(_UNSAYABLE.sub(" ", text[start : start + _LONGEST])))
    yield from filter(_SAID.search, splitter.flush())


class _Sentence:
    """One sentence on its way from the engine's thread to the loop."""

    def __init__(self, text: str, speaker: int, speed: float) -> None:
        self.abandoned = False  # read by the engine's thread at each part
        self._text = text
        self._speaker = speaker
        self._speed = speed
        self._loop = asyncio.get_running_loop()
        self._arrived = asyncio.Event()
        self._audio: deque[Audio] = deque()

    def abandon(self) -> None:
        """End the synthesis at the next part, and the waiting for it. On the loop's thread."""
        self.abandoned = True
        self._arrived.set()

    def speak(self, voice: Voice) -> None:
        """Speak it. Runs in the engine's thread."""
        if not self.abandoned:
            voice.generate(self._text, sid=self._speaker, speed=self._speed, callback=self._take)

    def _take(self, audio: Audio, progress: float) -> int:  # noqa: ARG002 - what the engine calls with
        """Hand a part to the loop; return whether to go on. Raises nothing: the engine is no Python."""
        if len(audio) and not self.abandoned:
            self._audio.append(audio)
            try:
                self._loop.call_soon_threadsafe(self._arrived.set)
            except RuntimeError:  # the loop was closed before the generator
                self.abandoned = True
        return 0 if self.abandoned else 1

    async def next(self, work: asyncio.Future[None], deadline: float) -> Audio | None:
        """Wait for the next part; None at the end of the sentence.

        Raises:
            ProviderError: the engine failed, or took longer than `deadline` seconds.
            ClosedError: the stream was closed meanwhile.
        """
        work.add_done_callback(self._wake)
        try:
            async with asyncio.timeout(deadline) as limit:
                while not self._audio and not work.done() and not self.abandoned:
                    self._arrived.clear()
                    await self._arrived.wait()
        except TimeoutError:
            if not limit.expired():
                raise
            raise ProviderTimeoutError(f"sherpa-onnx gave nothing for {deadline:g} s", kind="tts") from None
        finally:
            work.remove_done_callback(self._wake)
        if self.abandoned:
            raise ClosedError("the sherpa-onnx stream is closed")
        if self._audio:
            return self._audio.popleft()
        if (error := work.exception()) is not None:
            raise ProviderError(f"sherpa-onnx failed: {error}", retryable=True) from error
        return None

    def _wake(self, _: object) -> None:
        self._arrived.set()
