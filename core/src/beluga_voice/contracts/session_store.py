"""Session stores: what of a session survives its process."""

from __future__ import annotations

from abc import abstractmethod
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import ClassVar

from beluga_voice.contracts.provider import Provider
from beluga_voice.conversation import Message


@dataclass(frozen=True, slots=True)
class SessionSnapshot:
    """What a session needs to go on elsewhere. It holds what was said: personal data.

    Attributes:
        session_id: the session's name.
        saved_at: when it was taken, seconds since 1970 UTC: clocks of processes differ, calendars do not.
        history: the conversation as both sides heard it, oldest first.
        profile: of the settings that it was opened with; None for those at the top.
        data: of whoever keeps the snapshot, by name; short texts.
    """

    session_id: str
    saved_at: float
    history: tuple[Message, ...] = ()
    profile: str | None = None
    data: Mapping[str, str] = field(default_factory=dict)


class SessionStore(Provider):
    """Keeps the latest snapshot of each session. Shared by the process, and by processes if it can be.

    A snapshot that `save` has returned for survives the process's end.
    """

    kind: ClassVar[str] = "session_store"

    @abstractmethod
    async def save(self, snapshot: SessionSnapshot) -> None:
        """Keep `snapshot` in place of what was kept of this session.

        Raises:
            ProviderError: it cannot be written.
            ClosedError: before `open`, or after `aclose`.
        """

    @abstractmethod
    async def load(self, session_id: str) -> SessionSnapshot | None:
        """Return the latest snapshot; None if there is none.

        Raises:
            ProviderError: it cannot be read.
            ClosedError: before `open`, or after `aclose`.
        """

    @abstractmethod
    async def delete(self, session_id: str) -> None:
        """Forget a session; nothing happens if it is not known.

        Raises:
            ProviderError: it cannot be written.
            ClosedError: before `open`, or after `aclose`.
        """

    @abstractmethod
    async def expire(self, before: float) -> int:
        """Forget all sessions saved earlier than `before`, seconds since 1970 UTC; return how many.

        Raises:
            ProviderError: it cannot be written.
            ClosedError: before `open`, or after `aclose`.
        """
