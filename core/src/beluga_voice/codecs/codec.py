"""What the codecs of all vendors have in common: how a connection is asked for, begun, kept and ended."""

from __future__ import annotations

import copy
from abc import abstractmethod
from collections.abc import Iterable
from dataclasses import dataclass
from typing import ClassVar, Generic, Self, TypeVar

from beluga_voice.connection import ConnectionPolicy, Connector, Message, Pool, Request, Service
from beluga_voice.contracts import Provider
from beluga_voice.errors import ClosedError, ProviderError

S_co = TypeVar("S_co", covariant=True)


@dataclass(frozen=True, slots=True)
class Ready:
    """The vendor takes audio or text from now on; see `Codec.awaits_ready`."""


@dataclass(frozen=True, slots=True)
class Reply:
    """What a codec answers to a message at once, such as a vendor's own ping; sent before all else."""

    message: Message


class Codec(Provider, Generic[S_co]):
    """A streaming vendor as a pure codec: messages are made and read, nothing is sent or waited for.

    Each stream has a copy of the provider as its codec, and calls `begin` on it at each connection: what `begin`
    and the methods after it assign to ``self`` belongs to that stream. Do not change in place what `__init__` made.

    Attributes:
        settings: the provider's own settings.
        connector: opens the sockets; tests may put another in its place before the first stream.
    """

    policy: ConnectionPolicy = ConnectionPolicy()
    """Deadlines and tries of each connection."""

    awaits_ready: bool = False
    """Whether `decode` yields `Ready` on each connection before the vendor takes anything but `encode_start`."""

    vendor: ClassVar[str] = ""
    """The vendor's name in error texts; the class's without the contract's if empty."""

    key_variable: ClassVar[str] = ""
    """Environment variable that holds the key, for the error when it is refused; the setting's if empty."""

    kind: ClassVar[str]

    def __init__(self, settings: S_co) -> None:
        self.settings = settings
        self.connector: Connector = Pool()
        self._closed = False

    @property
    def service(self) -> Service:
        """The vendor as error texts name it."""
        name = self.vendor or type(self).__name__.removesuffix(self.kind.upper())
        return Service(name, self.key_variable or f"BELUGA_VOICE_{self.kind.upper()}__API_KEY", self.kind)

    # -- the codec --

    def begin(self) -> None:
        """Begin a connection: set here what `encode` and `decode` remember."""

    @abstractmethod
    def request(self) -> Request:
        """Return the request that opens the WebSocket; called for each connection."""

    def encode_start(self) -> Iterable[Message]:
        """Return the messages that are sent first on each connection."""
        return ()

    def encode_keep_alive(self) -> Message | None:
        """Return what keeps a connection on which nothing is sent; None to send a WebSocket ping."""
        return None

    def encode_close(self) -> Message | None:
        """Return what is sent before the connection is closed; None for nothing."""
        return None

    # -- the provider --

    async def aclose(self) -> None:
        """Close what the connections share; streams are closed by who opened them. Idempotent."""
        self._closed = True
        await self.connector.aclose()

    def for_stream(self) -> Self:
        """Return the codec of a new stream.

        Raises:
            ClosedError: after `aclose`.
        """
        if self._closed:
            raise ClosedError(f"this {type(self).__name__} was closed; make a new one")
        return copy.copy(self)


def unreadable(service: Service, error: Exception) -> ProviderError:
    """Return the error for a message that a codec could not read; without the message, which may be private."""
    return ProviderError(
        f"{service.name} sent a message that cannot be read: {type(error).__name__}: {error}",
        retryable=True,
        kind=service.kind,
        code="malformed_response",
    )
