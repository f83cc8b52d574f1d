"""A voice over a WebSocket, as a pure codec."""

from __future__ import annotations

import asyncio
from abc import abstractmethod
from collections import deque
from collections.abc import AsyncGenerator, Iterable
from dataclasses import dataclass
from typing import Generic, TypeAlias, TypeVar

from beluga_voice.audio import AudioFrame
from beluga_voice.codecs.codec import Codec, Ready, Reply, unreadable
from beluga_voice.connection import Link, Message, Request
from beluga_voice.contracts import TTS, Speech, SpeechOptions, TTSStream
from beluga_voice.contracts.tts import PLAIN_SPEECH
from beluga_voice.errors import ClosedError, ContractError, ProviderError
from beluga_voice.words import Word

S_co = TypeVar("S_co", covariant=True)

HELD = 2
"""Bytes that are kept back until more comes or the text is done: a sample, for words whose times come last."""

MOST = 600.0
"""Seconds of audio that a vendor may give for one text before it is taken to be broken."""


@dataclass(frozen=True, slots=True)
class Audio:
    """More audio of a text.

    Attributes:
        data: little-endian 16-bit mono PCM at `TTS.sample_rate`; may end in mid-sample, and may be empty.
        words: whose times became known with it, in seconds from the text's first sample.
        context: the text's; empty where the vendor names none: then it is the oldest that is not done.
    """

    data: bytes
    words: tuple[Word, ...] = ()
    context: str = ""


@dataclass(frozen=True, slots=True)
class Done:
    """All audio of a text was given, also of one that was cancelled; `context` as in `Audio`."""

    context: str = ""


TTSAnswer: TypeAlias = Audio | Done | Ready | Reply


class WebSocketTTS(Codec[S_co], TTS, Generic[S_co]):
    """A voice that is reached over a WebSocket. A vendor's plugin says what the messages are.

    One connection serves a stream's texts one after the other, each under a context of its own. When it is lost,
    a text of which nothing was given is asked for again on the next; one that has begun fails, and whoever asked
    for it goes on with the rest.
    """

    contexts: bool = False
    """Whether the vendor's messages name the context: then the audio of a cancelled text is known as such."""

    one_text: bool = False
    """Whether a connection takes one text only: then each text opens its own."""

    options: SpeechOptions = PLAIN_SPEECH
    """How the text is to be spoken that `encode` is given, as far as `TTS.honours` lists it."""

    @abstractmethod
    def request(self) -> Request: ...

    @abstractmethod
    def encode(self, text: str, context: str) -> Iterable[Message]:
        """Yield the messages that have `text` spoken, to its end, under the name `context`."""

    @abstractmethod
    def decode(self, message: Message) -> Iterable[TTSAnswer]:
        """Yield what a message of the vendor's says; nothing if it does not matter.

        Raises:
            ProviderError: it says that something failed; `retryable` tells whether another connection may work.
        """

    def encode_cancel(self, context: str) -> Message | None:  # noqa: ARG002 - part of the codec
        """Return what ends a text early; the vendor's `Done` for it must follow where it names no contexts.

        None where there is no such message: then the audio is dropped as it comes, or, without contexts, the
        connection is given up for a new one.
        """
        return None

    async def open_stream(self) -> TTSStream:
        """Connect, unless each text does; see `TTS.open_stream`."""
        stream = CodecTTSStream(self.for_stream())
        if not self.one_text:
            await stream.open()
        return stream


class _Text:
    """A text that is being spoken."""

    def __init__(self, text: str, context: str, options: SpeechOptions) -> None:
        self.text = text
        self.options = options
        self.context = context
        self.sent = False
        self.cancelled = False
        self.samples = 0
        self.held = b""
        self.words: tuple[Word, ...] = ()
        self.parts: deque[Speech] = deque()
        self.ended = False
        self.error: Exception | None = None
        self.changed = asyncio.Event()

    def end(self, error: Exception | None = None) -> None:
        self.ended, self.error = True, error
        self.changed.set()

    async def next(self) -> Speech | None:
        """Wait for the next part; None at the end."""
        while not self.parts:
            if self.error is not None:
                raise self.error
            if self.ended:
                return None
            self.changed.clear()
            await self.changed.wait()
        return self.parts.popleft()


class CodecTTSStream(TTSStream):
    """A stream of a `WebSocketTTS`: texts in, audio out."""

    def __init__(self, codec: WebSocketTTS[object]) -> None:
        self._codec = codec
        self._ready = not codec.awaits_ready
        self._texts: deque[_Text] = deque()
        self._outgoing: deque[Message] = deque()
        self._count = 0
        self._closed = False
        self._link: Link | None = None
        self._opening = asyncio.Lock()

    async def open(self) -> None:
        """Connect, unless that is done.

        Raises:
            ProviderError: no connection can be had.
        """
        async with self._opening:
            if self._link is None and not self._closed:
                link = Link(self, self._codec.connector, self._codec.service, self._codec.policy)
                self._link = link
                try:
                    await link.open()
                except BaseException:
                    self._link = None
                    raise

    # -- the stream --

    async def synthesize(
        self, text: str, options: SpeechOptions = PLAIN_SPEECH
    ) -> AsyncGenerator[Speech, None]:
        self._check()
        if not text.strip():
            return
        self._count += 1
        spoken = _Text(text, f"text-{self._count}", options)
        self._texts.append(spoken)
        if self._codec.one_text:
            self._codec.options = options  # for what `request` has to say of it
        try:
            await self.open()
            self._check()
            self._wake()
            while (part := await spoken.next()) is not None:
                yield part
        finally:
            await self._leave(spoken)

    async def aclose(self) -> None:
        self._closed = True
        for text in self._texts:
            text.end(ClosedError("this stream was closed"))
        await self._cut()

    def _check(self) -> None:
        if self._closed:
            raise ClosedError("this stream was closed; open a new one")

    async def _leave(self, spoken: _Text) -> None:
        """Have done with a text, at its end or before."""
        if spoken.ended or not spoken.sent:
            self._forget(spoken)
            if self._codec.one_text:
                await self._cut()
            return
        spoken.cancelled = True
        message = self._codec.encode_cancel(spoken.context)
        if self._codec.one_text or (message is None and not self._codec.contexts):
            self._forget(spoken)
            await self._cut()
        elif message is not None:
            self._outgoing.append(message)
            self._wake()
        if self._codec.contexts:
            self._forget(spoken)

    def _forget(self, spoken: _Text) -> None:
        if spoken in self._texts:
            self._texts.remove(spoken)

    async def _cut(self) -> None:
        link, self._link = self._link, None
        if link is not None:
            await link.aclose()
        self._begin_connection()

    def _wake(self) -> None:
        if self._link is not None:
            self._link.wake()

    # -- the link's driver --

    @property
    def ready(self) -> bool:
        return self._ready

    @property
    def wanted(self) -> bool:
        return any(not text.cancelled for text in self._texts)

    @property
    def owed(self) -> bool:
        return any(text.sent and not text.ended for text in self._texts)

    @property
    def due(self) -> float | None:
        return None

    def expire(self, now: float) -> None:
        """Nothing expires here."""

    def request(self) -> Request:
        self._codec.begin()
        return self._codec.request()

    def opening(self) -> Iterable[Message]:
        return self._codec.encode_start()

    def next_message(self) -> Message | None:
        while not self._outgoing:
            text = next((text for text in self._texts if not text.sent), None)
            if text is None:
                return None
            text.sent = True
            self._codec.options = text.options
            self._outgoing.extend(self._codec.encode(text.text, text.context))
        return self._outgoing.popleft()

    def received(self, message: Message) -> None:
        try:
            answers = list(self._codec.decode(message))
        except (ProviderError, ContractError):
            raise
        except Exception as error:  # the boundary to a vendor's messages
            raise unreadable(self._codec.service, error) from error
        for answer in answers:
            if isinstance(answer, Audio):
                self._hear(answer)
            elif isinstance(answer, Done):
                self._end(answer)
            elif isinstance(answer, Reply):
                self._outgoing.appendleft(answer.message)
            else:
                self._ready = True

    def keep_alive(self) -> Message | None:
        return self._codec.encode_keep_alive()

    def closing(self) -> Message | None:
        return self._codec.encode_close()

    def lost(self) -> None:
        self._begin_connection()
        error = ProviderError(f"{self._codec.service.name} broke off in mid-speech", retryable=True)
        for text in tuple(self._texts):
            if text.cancelled or text.samples:
                text.end(error)
                self._texts.remove(text)
            text.sent, text.held, text.words = False, b"", ()

    def failed(self, error: Exception) -> None:
        self._link = None
        self._begin_connection()
        for text in self._texts:
            text.end(error)
        self._texts.clear()

    def _begin_connection(self) -> None:
        self._ready = not self._codec.awaits_ready
        self._outgoing.clear()

    # -- what is heard --

    def _find(self, context: str) -> _Text | None:
        for text in self._texts:
            if text.sent and context in ("", text.context):
                return text
        return None

    def _hear(self, audio: Audio) -> None:
        text = self._find(audio.context)
        if text is None or text.cancelled or text.ended:
            return
        text.words += audio.words
        data = text.held + audio.data
        keep = min(len(data), HELD + len(data) % 2)
        text.held = data[len(data) - keep :]
        self._give(text, data[: len(data) - keep])

    def _give(self, text: _Text, data: bytes) -> None:
        if data:
            frame = AudioFrame.from_bytes(data, self._codec.sample_rate, text.samples)
            text.samples += len(frame)
            text.parts.append(Speech(frame, text.words))
            text.words = ()
            text.changed.set()
        if text.samples > MOST * self._codec.sample_rate:
            raise ProviderError(f"{self._codec.service.name} gave more than {MOST:g} s of audio for one text")

    def _end(self, done: Done) -> None:
        text = self._find(done.context)
        if text is None:
            return
        self._give(text, text.held[: len(text.held) & ~1])
        text.end()
        if text.cancelled:
            self._forget(text)
