# SPDX-License-Identifier: GPL-3.0-or-later
"""The one instance of espeak-ng in the process, and the one thread that may touch it."""

from __future__ import annotations

import threading
from collections.abc import Callable
from concurrent.futures import Future, ThreadPoolExecutor
from typing import TypeVar

from beluga_voice.errors import ClosedError
from beluga_voice_espeak.library import Library

T = TypeVar("T")

_lock = threading.Lock()  # for `_engine` and its `_users`
_engine: Engine | None = None


class Engine:
    """Runs calls of the library one after another in its thread, for all providers of the process.

    Made by the first `acquire` and gone with the last `release`; the library itself stays loaded.
    """

    _library: Library | None = None

    def __init__(self) -> None:
        self._users = 0
        self._thread = ThreadPoolExecutor(1, thread_name_prefix="espeak")

    @staticmethod
    def acquire() -> Engine:
        """Share the process's engine; to be released."""
        global _engine
        with _lock:
            if _engine is None:
                _engine = Engine()
            _engine._users += 1
            return _engine

    def release(self) -> None:
        """Give the engine back; the last to do so waits for its thread to end.

        What was submitted by the caller must be about to end, since this blocks.
        """
        global _engine
        with _lock:
            self._users -= 1
            if self._users > 0:
                return
            _engine = None
            self._thread.shutdown(wait=True)

    def submit(self, call: Callable[[Library], T]) -> Future[T]:
        """Have `call` run in the engine's thread, after those submitted before."""
        try:
            return self._thread.submit(self.call, call)
        except RuntimeError as error:  # released, or the interpreter shuts down
            raise ClosedError("the espeak engine is closed") from error

    @property
    def executor(self) -> ThreadPoolExecutor:
        """The thread, for `asyncio.AbstractEventLoop.run_in_executor`."""
        return self._thread

    @classmethod
    def call(cls, call: Callable[[Library], T]) -> T:
        """Call with the library, which is loaded if it is not yet. Only in the engine's thread."""
        if cls._library is None:
            cls._library = Library()
        return call(cls._library)
