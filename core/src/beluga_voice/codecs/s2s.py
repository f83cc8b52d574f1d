"""A speech-to-speech model over a WebSocket, as a pure codec."""

from __future__ import annotations

import asyncio
from abc import abstractmethod
from collections import deque
from collections.abc import Iterable, Iterator, Sequence
from typing import Generic, TypeAlias, TypeVar, get_args

from beluga_voice.audio import AudioFrame
from beluga_voice.codecs.codec import Codec, Reply, unreadable
from beluga_voice.connection import Link, Message, Request
from beluga_voice.contracts import s2s
from beluga_voice.contracts.llm import AssistantMessage, CallerMessage, ToolMessage, ToolSpec
from beluga_voice.errors import ClosedError, ContractError, ProviderError

S_co = TypeVar("S_co", covariant=True)

AHEAD = 0.5
"""Seconds of audio that may wait to be sent; who gives more has to wait."""

S2SAnswer: TypeAlias = s2s.S2SEvent | Reply


class WebSocketS2S(Codec[S_co], s2s.S2S, Generic[S_co]):
    """A model that is reached over a WebSocket. A vendor's plugin says what the messages are.

    `decode` yields the contract's events. The numbers of commits and of requests for responses, which events name,
    are given to `encode_commit` and its like: the codec remembers which of the vendor's names stands for which.

    The conversation is the vendor's memory: a connection that is lost ends the stream, and whoever uses it opens
    another, which is told the history. While it opens, it is tried as often as the policy says.
    """

    awaits_ready: bool = True
    """Whether `decode` yields `s2s.Ready`; else the stream is ready once `encode_setup` was sent."""

    @abstractmethod
    def request(self) -> Request: ...

    @abstractmethod
    def encode_setup(self, setup: s2s.S2SSetup) -> Iterable[Message]:
        """Yield what is sent first: instructions, tools, history."""

    @abstractmethod
    def encode(self, frame: AudioFrame) -> Message | tuple[Message, ...]:
        """Return the message that holds a frame: mono int16 at `S2S.input_sample_rate`; or several, in order.

        A vendor may want to be told first that speech begins.
        """

    @abstractmethod
    def decode(self, message: Message) -> Iterable[S2SAnswer]:
        """Yield what a message of the vendor's says; nothing if it does not matter.

        Raises:
            ProviderError: the stream has failed; `retryable` tells whether another may work.
        """

    @abstractmethod
    def encode_respond(self, request: int, instructions: str) -> Iterable[Message]:
        """Yield what `S2SStream.respond` sends."""

    @abstractmethod
    def encode_cancel(self, response: str) -> Iterable[Message]:
        """Yield what `S2SStream.cancel` sends; nothing for a response that is over."""

    @abstractmethod
    def encode_message(self, message: CallerMessage | AssistantMessage) -> Iterable[Message]:
        """Yield what `S2SStream.add` sends."""

    def encode_commit(self, number: int) -> Iterable[Message]:  # noqa: ARG002
        """Yield what `S2SStream.commit` sends; needed where `S2S.commits`."""
        raise self._lacks("commits", "encode_commit")

    def encode_say(self, request: int, text: str) -> Iterable[Message]:  # noqa: ARG002
        """Yield what `S2SStream.say` sends; needed where `S2S.says`."""
        raise self._lacks("says", "encode_say")

    def encode_truncate(self, response: str, samples: int) -> Iterable[Message]:  # noqa: ARG002
        """Yield what `S2SStream.truncate` sends; needed where `S2S.truncates`."""
        raise self._lacks("truncates", "encode_truncate")

    def encode_result(self, result: ToolMessage) -> Iterable[Message]:  # noqa: ARG002
        """Yield what `S2SStream.send_result` sends; needed where `S2S.calls_tools`."""
        raise self._lacks("calls_tools", "encode_result")

    def encode_update(self, instructions: str, tools: Sequence[ToolSpec]) -> Iterable[Message]:  # noqa: ARG002
        """Yield what `S2SStream.update` sends; needed where `S2S.updates`."""
        raise self._lacks("updates", "encode_update")

    def _lacks(self, ability: str, method: str) -> ContractError:
        return ContractError(f"{type(self).__name__}.{ability} is True, but it has no {method}")

    async def open_stream(self, setup: s2s.S2SSetup) -> s2s.S2SStream:
        """Connect, and return when the vendor is ready; see `S2S.open_stream`."""
        stream = CodecS2SStream(self.for_stream(), setup)
        await stream.open()
        return stream


class CodecS2SStream(s2s.S2SStream):
    """A stream of a `WebSocketS2S`: one connection, from the setup to its end."""

    def __init__(self, codec: WebSocketS2S[object], setup: s2s.S2SSetup) -> None:
        self._codec = codec
        self._setup = setup
        self._ready = False
        self._outgoing: deque[Message | AudioFrame | Iterator[Message]] = deque()
        self._audio_samples = 0
        self._room = asyncio.Event()
        self._events: deque[s2s.S2SEvent] = deque()
        self._changed = asyncio.Event()
        self._live: set[str] = set()
        self._error: Exception | None = None
        self._closed = False
        self._link = Link(self, codec.connector, codec.service, codec.policy, reopens=False)

    async def open(self) -> None:
        """Connect.

        Raises:
            ProviderError: no connection can be had.
        """
        await self._link.open()

    # -- the stream --

    async def send(self, frame: AudioFrame) -> None:
        self._check()
        while self._audio_samples >= AHEAD * self._codec.input_sample_rate:
            self._room.clear()
            await self._room.wait()
            self._check()
        self._audio_samples += len(frame)
        copied = AudioFrame(frame.samples.copy(), frame.sample_rate, frame.position)
        self._outgoing.append(copied)
        self._link.wake()

    async def commit(self, number: int) -> None:
        self._put(self._codec.encode_commit(number))

    async def respond(self, request: int, instructions: str = "") -> None:
        self._put(self._codec.encode_respond(request, instructions))

    async def say(self, request: int, text: str) -> None:
        self._put(self._codec.encode_say(request, text))

    async def cancel(self, response: str) -> None:
        self._put(self._codec.encode_cancel(response))

    async def truncate(self, response: str, samples: int) -> None:
        self._put(self._codec.encode_truncate(response, samples))

    async def add(self, message: CallerMessage | AssistantMessage) -> None:
        self._put(self._codec.encode_message(message))

    async def send_result(self, result: ToolMessage) -> None:
        self._put(self._codec.encode_result(result))

    async def update(self, instructions: str, tools: Sequence[ToolSpec]) -> None:
        self._put(self._codec.encode_update(instructions, tools))

    async def receive(self) -> s2s.S2SEvent:
        while not self._events or self._closed:
            self._check()
            self._changed.clear()
            await self._changed.wait()
        return self._events.popleft()

    async def aclose(self) -> None:
        self._closed = True
        self._events.clear()
        self._changed.set()
        self._room.set()
        await self._link.aclose()

    def _put(self, messages: Iterable[Message]) -> None:
        """Queue what a command sends; a codec that makes it by a generator does so after the audio before it."""
        self._check()
        self._outgoing.append(iter(messages))
        self._link.wake()

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
        return bool(self._live)

    @property
    def due(self) -> float | None:
        return None

    def expire(self, now: float) -> None:
        """Nothing expires here."""

    def request(self) -> Request:
        self._ready = False
        self._events.clear()
        self._codec.begin()
        return self._codec.request()

    def opening(self) -> Iterable[Message]:
        yield from self._codec.encode_setup(self._setup)
        if not self._codec.awaits_ready:
            self._hear(s2s.Ready())

    def next_message(self) -> Message | None:
        while self._outgoing:
            item = self._outgoing.popleft()
            if isinstance(item, (str, bytes)):
                return item
            messages = self._encoded(item) if isinstance(item, AudioFrame) else item
            message = next(messages, None)
            if message is not None:
                self._outgoing.appendleft(messages)
                return message
        return None

    def _encoded(self, frame: AudioFrame) -> Iterator[Message]:
        self._audio_samples -= len(frame)
        self._room.set()
        encoded = self._codec.encode(frame)
        return iter(encoded if isinstance(encoded, tuple) else (encoded,))

    def received(self, message: Message) -> None:
        try:
            answers = list(self._codec.decode(message))
        except (ProviderError, ContractError):
            raise
        except Exception as error:  # the boundary to a vendor's messages
            raise unreadable(self._codec.service, error) from error
        for answer in answers:
            if isinstance(answer, Reply):
                self._outgoing.appendleft(answer.message)
            else:
                self._hear(answer)

    def keep_alive(self) -> Message | None:
        return self._codec.encode_keep_alive()

    def closing(self) -> Message | None:
        return self._codec.encode_close()

    def lost(self) -> None:
        self._ready = False

    def failed(self, error: Exception) -> None:
        self._error = error
        self._changed.set()
        self._room.set()

    # -- what is heard --

    def _hear(self, event: s2s.S2SEvent) -> None:
        if not isinstance(event, _EVENTS):
            name = type(event).__name__
            raise ContractError(
                f"{type(self._codec).__name__}.decode gave a {name}, which is no event of S2S"
            )
        if isinstance(event, s2s.Ready):
            if self._ready:
                return  # vendors say it again after an update
            self._ready = True
        elif isinstance(event, s2s.ResponseStarted):
            self._live.add(event.response)
        elif isinstance(event, s2s.ResponseDone):
            self._live.discard(event.response)
        self._events.append(event)
        self._changed.set()


_EVENTS: tuple[type, ...] = get_args(s2s.S2SEvent)
