"""The handle of something that is to be said."""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Generator

from beluga_voice.errors import ErrorCode, SessionError
from beluga_voice.events import UtteranceEnded


class SayHandle:
    """Follows one `say` to its end.

    Awaiting the handle waits until the caller has heard it, or it ended otherwise; it never hangs, since every
    utterance ends. It may be awaited by many, and later again.

    Attributes:
        utterance: its number.
        text: what is to be said; empty if an agent makes it.
        error: by what it failed, once it has; its code is `tts_failed`, `agent_failed`, or `stream_error` if
            audio was owed for too long.
    """

    __slots__ = ("_cut", "_ended", "error", "text", "utterance")

    def __init__(
        self, utterance: int, text: str, ended: asyncio.Future[UtteranceEnded], cut: Callable[[int], None]
    ) -> None:
        self.utterance = utterance
        self.text = text
        self.error: SessionError | None = None
        self._ended = ended
        self._cut = cut

    @property
    def done(self) -> bool:
        """Whether it has ended."""
        return self._ended.done()

    def cancel(self) -> None:
        """Stop speaking it, or take it from the queue. Idempotent; nothing happens once it has ended."""
        if not self.done:
            self._cut(self.utterance)

    async def wait_for_playout(self, *, timeout: float | None = None, check: bool = False) -> UtteranceEnded:
        """Wait until it has ended.

        Args:
            timeout: seconds to wait at most; it goes on being said then.
            check: whether to raise `error` if it has failed.

        Returns:
            How: its `outcome` is played, cut or failed; `heard` are the words that the caller heard.

        Raises:
            SessionError: `context_timeout`: it has not ended in time. With `check`, its `error`.
        """
        try:
            async with asyncio.timeout(timeout) as limit:
                ended = await asyncio.shield(self._ended)
        except TimeoutError:
            if not limit.expired():
                raise
            raise SessionError(
                "wait_for_playout", ErrorCode.CONTEXT_TIMEOUT, f"it is still being said after {timeout:g} s"
            ) from None
        if check and self.error is not None:
            raise self.error
        return ended

    def __await__(self) -> Generator[object, None, UtteranceEnded]:
        return self.wait_for_playout().__await__()
