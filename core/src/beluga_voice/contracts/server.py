"""What a transport adds to the server, and what the server is to it.

A connection is one caller's wire: a WebSocket, a peer connection. It comes and goes; the call stays: `Calls.join`
puts a connection onto a call, new or resumed, and `Joined` is the call as that connection sees it.
"""

from __future__ import annotations

from abc import ABC, abstractmethod
from collections.abc import Awaitable, Callable, Mapping, MutableMapping, Sequence
from dataclasses import dataclass
from typing import ClassVar, Literal, Protocol

from beluga_voice.audio import AudioFrame
from beluga_voice.conversation import Message
from beluga_voice.errors import ConfigurationError

INPUT_SAMPLE_RATE = 16000
"""Hz of the frames that a connection brings: converted once, at the edge."""

OUTPUT_SAMPLE_RATE = 24000
"""Hz of the frames that a connection is handed."""


class ASGI(Protocol):
    """An application of the Asynchronous Server Gateway Interface, version 3."""

    async def __call__(
        self,
        scope: MutableMapping[str, object],
        receive: Callable[[], Awaitable[MutableMapping[str, object]]],
        send: Callable[[MutableMapping[str, object]], Awaitable[None]],
    ) -> None:
        """Serve one connection."""


@dataclass(frozen=True, slots=True)
class Offer:
    """A caller's WebRTC offer, as a browser posts it.

    Attributes:
        sdp: the session description (RFC 8866).
        type: always ``offer``.
        token: what lets the caller in, or back to a session; empty where none is needed.
        profile: of the settings; None for those at the top.

    Raises:
        ConfigurationError: `type` is not ``offer``, or `sdp` is empty.
    """

    sdp: str
    type: Literal["offer"] = "offer"
    token: str = ""
    profile: str | None = None

    def __post_init__(self) -> None:
        """See that it is an offer."""
        if self.type != "offer":
            raise ConfigurationError(f"type {self.type!r}; it must be 'offer'")
        if not self.sdp:
            raise ConfigurationError("sdp is empty; it must be the session description of an offer")


@dataclass(frozen=True, slots=True)
class Answer:
    """The server's answer to an `Offer`.

    Attributes:
        sdp: the session description.
        type: always ``answer``.
        session_id: the session's name.
        token: resumes the session, once; the next connection is given another one.
        connection: names this connection when candidates are added to it.
    """

    sdp: str
    session_id: str
    token: str
    connection: str
    type: Literal["answer"] = "answer"


@dataclass(frozen=True, slots=True, kw_only=True)
class Limits:
    """What the server allows a connection. Durations are seconds.

    Attributes:
        body: bytes of a request.
        message: bytes of a control message, in either direction.
        frame: bytes of a message with audio.
        backlog: bytes that may wait for a slow reader; beyond, it is cut.
        setup: from the first byte until the call begins.
        idle: without a byte from the caller.
    """

    body: int = 65536
    message: int = 16384
    frame: int = 65536
    backlog: int = 1 << 20
    setup: float = 10.0
    idle: float = 30.0


class Connection(ABC):
    """One caller's wire, as the server sees it. All methods but `aclose` are called by the call and never wait."""

    kind: ClassVar[str] = "connection"

    @abstractmethod
    def send_nowait(self, frame: AudioFrame) -> None:
        """Put 20 ms of the agent's audio on the wire, mono int16 at `OUTPUT_SAMPLE_RATE`; due now."""

    @abstractmethod
    def tell(self, message: Mapping[str, object]) -> None:
        """Send the caller a message that JSON can write."""

    def flush(self) -> None:
        """Drop what was sent and is not yet played."""

    @property
    def unplayed(self) -> float:
        """Seconds of audio that were handed over and are known not to have been played yet."""
        return 0.0

    @abstractmethod
    async def aclose(self, code: str = "", reason: str = "") -> None:
        """Close the wire, telling why. Idempotent. When it returns nothing of the connection runs."""


class Joined(Protocol):
    """A call as one of its connections sees it. Once another connection has taken over, all it does is nothing."""

    @property
    def session_id(self) -> str:
        """The session's name."""

    @property
    def token(self) -> str:
        """Resumes the session; given to the caller, it replaces the one before once the caller has been heard."""

    @property
    def resumed(self) -> bool:
        """Whether the session went on, rather than began."""

    @property
    def history(self) -> Sequence[Message]:
        """What was said."""

    def welcome(self) -> Mapping[str, object]:
        """The first message to the caller."""

    def begin(self) -> None:
        """Take the line, from the connection that has it: the caller hears the agent, and is told what happens."""

    def hear(self, frame: AudioFrame) -> None:
        """Take the caller's audio: mono int16 at `INPUT_SAMPLE_RATE`, at most 1 s. Never waits."""

    def receive(self, message: object) -> None:
        """Take a message of the caller's, as JSON has read it.

        Raises:
            RefusedError: it is none that there is; the call goes on.
        """

    def leave(self, error: Exception | None = None) -> None:
        """The wire is gone: the call waits for another one; `error` says what cut it."""


class Calls(Protocol):
    """The server, as one who knocks meets it: made for one request, it knows who asks and for which agent."""

    @property
    def limits(self) -> Limits:
        """What is allowed."""

    def vouched(self) -> Calls:
        """The same for a caller whom the transport knows, as by a vendor's signature: they need no token."""

    async def join(self, connection: Connection, *, token: str = "", profile: str | None = None) -> Joined:
        """Put `connection` onto a call: the token's, a new one, or the one that the token resumes.

        Raises:
            RefusedError: the token is wrong, expired or used, or there is no room.
        """

    async def admit(
        self, connection: Connection, *, profile: str | None = None, deps: object = None
    ) -> Joined:
        """Put `connection` onto a new call, whose caller the transport has checked, as by a vendor's signature.

        No token is asked for, and the calls of one address are not counted: a vendor has one for all its callers.

        Args:
            connection: the wire.
            profile: of the settings, unless the server has chosen one.
            deps: what the agent's tools get; None for what the agent's own factory makes.

        Raises:
            RefusedError: there is no room.
        """


class Routes(ABC):
    """What a transport adds to the server. Made once by each server.

    Paths are the transport's own, as in ``/ws``; a path that two transports add is given to neither.
    """

    kind: ClassVar[str] = "routes"

    @abstractmethod
    def apps(self, calls: Callable[[Mapping[str, object]], Calls]) -> Mapping[str, ASGI]:
        """Return an application for each path.

        Origin, host and body have been checked when one is called.

        Args:
            calls: gives what a request may do, by its scope.
        """

    async def describe(self, session_id: str) -> Mapping[str, object]:  # noqa: ARG002 - for what overrides it
        """Return what ``/start`` tells a caller of this transport, such as servers for the session."""
        return {}

    async def answer(self, offer: Offer, calls: Calls) -> Answer:
        """Answer a WebRTC offer; for a transport that can.

        Raises:
            RefusedError: the offer or its token is wrong, or there is no room.
            NotImplementedError: this transport knows no offers.
        """
        raise NotImplementedError

    async def aclose(self) -> None:
        """Close what is open. Idempotent. When it returns nothing of the transport runs."""
