"""A recognizer over a WebSocket, as a pure codec."""

from __future__ import annotations

import asyncio
from abc import abstractmethod
from collections import deque
from collections.abc import Iterable
from dataclasses import dataclass
from typing import Generic, TypeAlias, TypeVar

from beluga_voice.audio import AudioFrame
from beluga_voice.codecs.codec import Codec, Ready, Reply, unreadable
from beluga_voice.connection import Link, Message, Request
from beluga_voice.contracts import STT, STTStream, Transcript
from beluga_voice.errors import AudioError, ClosedError, ContractError, ProviderError
from beluga_voice.resilience.replay import SentAudio

S_co = TypeVar("S_co", covariant=True)


@dataclass(frozen=True, slots=True)
class Acknowledged:
    """The vendor has done with the audio of this connection up to `until` seconds: it need not be sent again.

    Finals acknowledge by themselves: up to their `Transcript.end`, or all that was sent where they have none, or
    up to the `finalize` that they answer. Vendors whose finals say less, or more often, tell it by this.
    """

    until: float


STTAnswer: TypeAlias = Transcript | Acknowledged | Ready | Reply


class WebSocketSTT(Codec[S_co], STT, Generic[S_co]):
    """A recognizer that is reached over a WebSocket. A vendor's plugin says what the messages are.

    Times in transcripts are seconds of the audio sent on this connection; the base adds what went before. When a
    connection is lost the audio that was not acknowledged is sent again on the next, and each `finalize` that
    was not answered is asked again. A final that comes twice is given once.
    """

    message_duration: float = 0.0
    """Seconds of audio that a message holds at least, for vendors that refuse single frames; less before a
    `finalize`."""

    finalize_silence: float | None = None
    """Seconds after which a `finalize` without an answer counts as answered by no words, for vendors that say
    nothing when there is nothing to say; None if each is answered."""

    tells_progress: bool = False
    """Whether the vendor says something now and then while it is sent audio, words or not. Then `finalize_silence`
    counts only once it has, since the `finalize` before: one that says nothing at all is waited for as for any
    answer, and given up."""

    @abstractmethod
    def request(self) -> Request: ...

    @abstractmethod
    def encode(self, frame: AudioFrame) -> Message:
        """Return the message that holds a frame: mono int16 at `STT.sample_rate`."""

    @abstractmethod
    def decode(self, message: Message) -> Iterable[STTAnswer]:
        """Yield what a message of the vendor's says; nothing if it does not matter.

        Raises:
            ProviderError: it says that something failed; `retryable` tells whether another connection may work.
        """

    def encode_finalize(self) -> Message | None:
        """Return what asks for the final words of all audio so far; needed where `STT.finalizes` is true."""
        return None

    async def open_stream(self) -> STTStream:
        """Connect; see `STT.open_stream`."""
        stream = CodecSTTStream(self.for_stream())
        await stream.open()
        return stream


class CodecSTTStream(STTStream):
    """A stream of a `WebSocketSTT`: audio in, transcripts out; what was not acknowledged outlives a connection."""

    def __init__(self, codec: WebSocketSTT[object]) -> None:
        self._codec = codec
        self._ready = not codec.awaits_ready
        self._alive = False
        self._audio = SentAudio(codec.sample_rate, keep=codec.policy.replay)
        self._transcripts: deque[Transcript] = deque()
        self._replies: deque[Message] = deque()
        self._changed = asyncio.Event()
        self._room = asyncio.Event()
        self._error: Exception | None = None
        self._closed = False
        self._link = Link(self, codec.connector, codec.service, codec.policy)

    async def open(self) -> None:
        """Connect.

        Raises:
            ProviderError: no connection can be had.
        """
        await self._link.open()

    # -- the stream --

    def send_nowait(self, frame: AudioFrame) -> bool:
        self._check()
        if frame.sample_rate != self._codec.sample_rate:
            raise AudioError(
                f"a frame at {frame.sample_rate} Hz; {self._codec.service.name} is sent "
                f"{self._codec.sample_rate} Hz: resample it"
            )
        if self._audio.full:
            return False
        self._audio.add(frame)
        self._link.wake()
        return True

    async def send(self, frame: AudioFrame) -> None:
        while not self.send_nowait(frame):
            self._room.clear()
            await self._room.wait()

    async def finalize(self) -> None:
        self._check()
        if self._codec.finalizes:
            self._audio.add_finalize()
            self._answer_what_needs_no_words()
            self._link.wake()

    async def receive(self) -> Transcript:
        while not self._transcripts:
            self._check()
            self._changed.clear()
            await self._changed.wait()
        return self._transcripts.popleft()

    async def aclose(self) -> None:
        self._closed = True
        self._transcripts.clear()
        self._changed.set()
        self._room.set()
        await self._link.aclose()

    def _check(self) -> None:
        if self._closed:
            raise ClosedError("this stream was closed; open a new one")
        if self._error is not None:
            raise self._error

    # -- the link's driver --

    @property
    def ready(self) -> bool:
        return self._ready

    @property
    def wanted(self) -> bool:
        return True

    @property
    def owed(self) -> bool:
        return self._audio.asked is not None

    @property
    def due(self) -> float | None:
        asked, silence = self._audio.asked, self._codec.finalize_silence
        if asked is None or silence is None or (self._codec.tells_progress and not self._alive):
            return None
        return asked.sent_at + silence

    def expire(self, now: float) -> None:
        asked = self._audio.asked
        if asked is not None and self.due is not None and now >= self.due:
            self._answer(Transcript("", final=True, answers_finalize=True))

    def request(self) -> Request:
        self._codec.begin()
        return self._codec.request()

    def opening(self) -> Iterable[Message]:
        return self._codec.encode_start()

    def next_message(self) -> Message | None:
        if self._replies:
            return self._replies.popleft()
        item = self._audio.next(self._codec.message_duration, asyncio.get_running_loop().time())
        if item is None:
            return None
        self._room.set()
        if isinstance(item, AudioFrame):
            return self._codec.encode(item)
        message = self._codec.encode_finalize()
        if message is None:
            name = type(self._codec).__name__
            raise ContractError(f"{name}.finalizes is True, but its encode_finalize returns None")
        return message

    def received(self, message: Message) -> None:
        self._alive = True
        try:
            answers = list(self._codec.decode(message))
        except (ProviderError, ContractError):
            raise
        except Exception as error:  # the boundary to a vendor's messages
            raise unreadable(self._codec.service, error) from error
        for answer in answers:
            if isinstance(answer, Transcript):
                self._hear(answer)
            elif isinstance(answer, Acknowledged):
                self._audio.acknowledge(answer.until)
            elif isinstance(answer, Reply):
                self._replies.append(answer.message)
            else:
                self._ready = True

    def keep_alive(self) -> Message | None:
        return self._codec.encode_keep_alive()

    def closing(self) -> Message | None:
        return self._codec.encode_close()

    def lost(self) -> None:
        self._ready, self._alive = not self._codec.awaits_ready, False
        self._replies.clear()
        self._audio.rewind()

    def failed(self, error: Exception) -> None:
        self._error = error
        self._changed.set()
        self._room.set()

    # -- what is heard --

    def _hear(self, transcript: Transcript) -> None:
        shifted = self._audio.shifted(transcript)
        if not shifted.final:
            self._give(shifted)
        elif not self._audio.is_repeated(shifted):
            self._answer(shifted)

    def _answer(self, final: Transcript) -> None:
        """Give a final, and let go of the audio it is made of."""
        if final.answers_finalize:
            self._alive = False
        self._give(self._audio.settle(final))
        self._answer_what_needs_no_words()

    def _answer_what_needs_no_words(self) -> None:
        """Answer each `finalize` before which no audio was left to recognise."""
        while self._audio.pop_empty():
            self._give(Transcript("", final=True, answers_finalize=True))

    def _give(self, transcript: Transcript) -> None:
        self._transcripts.append(transcript)
        self._changed.set()
