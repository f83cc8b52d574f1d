"""What a stream is told, in order and within bounds."""

from __future__ import annotations

import asyncio
from collections import deque

from beluga_voice.contracts import S2SStream
from beluga_voice.errors import ProviderError, ProviderTimeoutError
from beluga_voice.session.s2s.requests import Command

SEND = 5.0
"""Seconds that a command may take to be sent, then the stream is broken."""


class RenewalDue(Exception):
    """The stream is to be replaced."""


class Outbox:
    """Commands that wait to be sent.

    Args:
        most: samples of the caller's audio that may wait; beyond, the stream is broken.
        backlog: these, in seconds.
    """

    def __init__(self, most: int, backlog: float) -> None:
        self._most = most
        self._backlog = backlog
        self._commands: deque[tuple[Command, int]] = deque()
        self._samples = 0
        self._wake = asyncio.Event()
        self._ending = False

    def begin(self) -> None:
        """Begin anew: what was not sent is forgotten."""
        self._commands.clear()
        self._samples = 0
        self._ending = False

    def post(self, command: Command, samples: int = 0) -> None:
        """Send `command` after all that waits; it carries `samples` of new audio."""
        self._commands.append((command, samples))
        self._samples += samples
        self._wake.set()

    def end(self) -> None:
        """Send nothing more: `run` raises `RenewalDue`."""
        self._ending = True
        self._wake.set()

    async def run(self, stream: S2SStream) -> None:
        """Send until cancelled.

        Raises:
            ProviderError: the model takes nothing, or too slowly.
            RenewalDue: `end` was called.
        """
        while not self._ending:
            while self._commands and not self._ending:
                await self._send_next(stream)
            self._wake.clear()
            if not self._commands and not self._ending:
                await self._wake.wait()
        raise RenewalDue

    async def _send_next(self, stream: S2SStream) -> None:
        if self._samples > self._most:
            behind = f"the model is {self._backlog:g} s behind the caller's speech"
            raise ProviderError(behind, retryable=True)
        command, samples = self._commands.popleft()
        self._samples -= samples
        limit = asyncio.timeout(SEND)
        try:
            async with limit:
                await command(stream)
        except TimeoutError:
            if not limit.expired():
                raise
            raise ProviderTimeoutError(f"the model took nothing for {SEND:g} s") from None
