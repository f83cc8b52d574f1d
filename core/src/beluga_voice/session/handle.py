"""The handle of something that is to be said."""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Generator

from beluga_voice.events import UtteranceEnded


class SayHandle:
    """Follows one `say` to its end.

    Awaiting the handle waits until the caller has heard it, or it ended otherwise; it never hangs, since every
    utterance ends. It may be awaited by many, and later again.
    """

    __slots__ = ("_cut", "_ended", "text", "utterance")

    def __init__(
        self, utterance: int, text: str, ended: asyncio.Future[UtteranceEnded], cut: Callable[[int], None]
    ) -> None:
        self.utterance = utterance
        self.text = text
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

    async def wait_for_playout(self) -> UtteranceEnded:
        """Wait until it has ended.

        Returns:
            How: its `outcome` is played, cut or failed; `heard` are the words that the caller heard.
        """
        return await asyncio.shield(self._ended)

    def __await__(self) -> Generator[object, None, UtteranceEnded]:
        return self.wait_for_playout().__await__()
