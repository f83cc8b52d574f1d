"""A worker process as the provider sees it: started, talked to, killed, gone."""

from __future__ import annotations

import asyncio
import os
import sys
import threading
from collections import deque
from collections.abc import Callable
from contextlib import suppress
from typing import Protocol

from beluga_voice.clock import begin_work, working
from beluga_voice.errors import BelugaVoiceError, ConfigurationError, ProviderError, ProviderTimeoutError
from beluga_voice_pocketsphinx.messages import (
    Failure,
    Kind,
    Message,
    MessageError,
    Parser,
    decode_failure,
    encode,
)

COMMAND = (sys.executable, "-P", "-m", "beluga_voice_pocketsphinx.worker")
INHERITED = (
    "PATH",
    "PYTHONPATH",
    "PYTHONHOME",
    "VIRTUAL_ENV",
    "LD_LIBRARY_PATH",
    "TMPDIR",
    "LANG",
    "SYSTEMROOT",
)
"""What of the environment a worker needs to find Python and the engine; keys of vendors stay here."""
STDIN, STDOUT, STDERR = 0, 1, 2
STDERR_BYTES = 2000
GONE_DEADLINE = 5.0
WATCHER = "asyncio-waitpid-"
"""How CPython 3.11 calls the thread that waits for a child's end; it ends a moment after it has told the loop."""
WATCHER_ENDS_WITHIN = 0.1


class Receiver(Protocol):
    """Takes what a worker has to say about one stream."""

    def on_message(self, message: Message) -> None:
        """Take a message of the stream; raises `MessageError` if it makes no sense."""

    def on_failure(self, error: ProviderError) -> None:
        """Take note that the worker is of no further use. Nothing follows."""


class WorkerProcess(asyncio.SubprocessProtocol):
    """One worker process and the streams it serves.

    Attributes:
        number: counts the workers of a pool from 1, for errors.
        load: streams that were promised to callers, attached or soon to be.
        served: whether it has ever had a stream.
    """

    def __init__(self, number: int, setup: bytes, on_gone: Callable[[WorkerProcess], None]) -> None:
        loop = asyncio.get_running_loop()
        self.number = number
        self.load = 0
        self.served = False
        self._setup = setup
        self._on_gone = on_gone
        self._parser = Parser()
        self._receivers: dict[int, Receiver] = {}
        self._last_stream = 0
        self._stderr: deque[int] = deque(maxlen=STDERR_BYTES)
        self._transport: asyncio.SubprocessTransport | None = None
        self._pipe: asyncio.WriteTransport | None = None
        self._refusal: Failure | None = None
        self._error: BelugaVoiceError | None = None
        self._leaving = False
        self._killed = False
        self._watchers: list[threading.Thread] = []
        self._ready: asyncio.Future[None] = loop.create_future()
        self._gone: asyncio.Future[None] = loop.create_future()

    @property
    def pid(self) -> int | None:
        """The process's number, once it runs."""
        return None if self._transport is None else self._transport.get_pid()

    @property
    def failed(self) -> bool:
        """Whether it can take no further stream."""
        return self._leaving or self._error is not None

    async def start(self, deadline: float) -> None:
        """Start the process and wait until its model is loaded.

        Raises:
            ConfigurationError: the engine refused the model, dictionary, grammar or keywords.
            ProviderTimeoutError: it was not ready within `deadline` seconds; it has been killed.
            ProviderError: the process could not be started, or ended.
        """
        with working(f"pocketsphinx worker {self.number}: start"):
            try:
                async with asyncio.timeout(deadline):
                    await self._spawn()
                    await asyncio.shield(self._ready)
            except TimeoutError:
                self.fail(ProviderTimeoutError(f"{self} was not ready within {deadline:g} s"))
            except asyncio.CancelledError:
                self.fail(ProviderError(f"the start of {self} was cancelled", retryable=True))
                raise
        if self._error is not None:
            raise self._error

    async def _spawn(self) -> None:
        environment = {name: os.environ[name] for name in INHERITED if name in os.environ}
        loop = asyncio.get_running_loop()
        before = set(threading.enumerate())
        try:
            await loop.subprocess_exec(lambda: self, *COMMAND, env=environment, start_new_session=True)
        except OSError as error:
            self._error = ProviderError(f"{self} could not be started: {error}", retryable=True)
            self._end()
            return
        self._watchers = [t for t in threading.enumerate() if t not in before and t.name.startswith(WATCHER)]
        self._write(encode(Kind.SETUP, 0, self._setup))

    def attach(self, receiver: Receiver) -> int:
        """Open a stream whose messages go to `receiver`; return its number."""
        self._last_stream += 1
        self.served = True
        self._receivers[self._last_stream] = receiver
        self._write(encode(Kind.OPEN, self._last_stream))
        return self._last_stream

    def detach(self, stream: int) -> None:
        """Close a stream; its receiver hears nothing more. Idempotent."""
        if self._receivers.pop(stream, None) is not None:
            self._write(encode(Kind.CLOSE, stream))

    def write(self, kind: Kind, stream: int, payload: bytes = b"") -> None:
        """Send a message, at once or as soon as the pipe takes it. The caller bounds what it sends."""
        self._write(encode(kind, stream, payload))

    def fail(self, error: BelugaVoiceError) -> None:
        """Kill the process and tell its streams why. Only the first failure counts."""
        if self._error is None:
            self._error = error
            if not self._ready.done():
                self._ready.set_result(None)
            receivers, self._receivers = self._receivers, {}
            for receiver in receivers.values():
                receiver.on_failure(ProviderError(str(error), retryable=True))
        if not self._leaving:
            self._kill()

    async def aclose(self) -> None:
        """Kill the process and wait until the system has let it go. Idempotent.

        Raises:
            ProviderTimeoutError: the system did not let it go within 5 s.
        """
        self.fail(ProviderError(f"{self} was closed", retryable=True))
        if self._transport is None:
            self._end()
        work = begin_work(f"pocketsphinx worker {self.number}: end")
        try:
            await self._wait_gone()
            self._kill()
            async with asyncio.timeout(GONE_DEADLINE):
                await asyncio.shield(self._gone)
        except TimeoutError:
            raise ProviderTimeoutError(
                f"{self} was killed, but did not end within {GONE_DEADLINE:g} s"
            ) from None
        finally:
            work.done()
        for watcher in self._watchers:
            watcher.join(WATCHER_ENDS_WITHIN)

    async def _wait_gone(self) -> None:
        """Give a process that is ending by itself a second for it."""
        if self._leaving and not self._killed:
            with suppress(TimeoutError):
                async with asyncio.timeout(1):
                    await asyncio.shield(self._gone)

    def _kill(self) -> None:
        if not self._killed and self._transport is not None and self._transport.get_returncode() is None:
            self._killed = True
            self._transport.kill()

    def _write(self, data: bytes) -> None:
        if self._pipe is not None and self._error is None:
            self._pipe.write(data)

    def __str__(self) -> str:
        return f"pocketsphinx worker {self.number}" + ("" if self.pid is None else f" (process {self.pid})")

    # What asyncio calls.

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        assert isinstance(transport, asyncio.SubprocessTransport)
        pipe = transport.get_pipe_transport(STDIN)
        assert isinstance(pipe, asyncio.WriteTransport)
        self._transport = transport
        self._pipe = pipe
        if self._error is not None:  # closed while it was started
            self._kill()

    def pipe_data_received(self, fd: int, data: bytes) -> None:
        if fd == STDERR:
            self._stderr.extend(data)
            return
        try:
            for message in self._parser.feed(data):
                self._on_message(message)
        except MessageError as error:
            self.fail(ProviderError(f"{self} sent {error}; it was killed", retryable=True))

    def pipe_connection_lost(self, fd: int, exc: Exception | None) -> None:  # noqa: ARG002
        """Close the other pipe, so that the worker ends if it has not. A kill could reap a dead one twice."""
        if fd != STDERR and self._pipe is not None:
            self._leaving = True
            self._pipe.close()

    def connection_lost(self, exc: Exception | None) -> None:  # noqa: ARG002
        """Note that the process has ended and its pipes are read to their ends."""
        if self._refusal is not None:
            reason = self._refusal["error"]
            kind = ConfigurationError if self._refusal["configuration"] else ProviderError
            self.fail(kind(f"the engine refused the settings: {reason}{self._last_words()}{self._remedy()}"))
        status = None if self._transport is None else self._transport.get_returncode()
        self.fail(ProviderError(f"{self} ended with status {status}{self._last_words()}", retryable=True))
        if self._transport is not None:
            self._transport.close()  # all is closed by now, but only this says so
        self._end()

    def _on_message(self, message: Message) -> None:
        if message.stream:
            receiver = self._receivers.get(message.stream)
            if receiver is not None:
                receiver.on_message(message)
        elif message.kind is Kind.READY and not self._ready.done():
            self._ready.set_result(None)
        elif message.kind is Kind.FAILED:
            self._refusal = decode_failure(message.payload)

    def _last_words(self) -> str:
        text = bytes(self._stderr).decode(errors="replace").strip()
        return f"; its last words: {text}" if text else ""

    def _remedy(self) -> str:
        if "missing in the dictionary" not in self._last_words():
            return ""
        return "; write words in small letters, without digits and punctuation, or set a dictionary that has them"

    def _end(self) -> None:
        if not self._gone.done():
            self._gone.set_result(None)
            self._on_gone(self)
