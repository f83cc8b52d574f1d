"""Worker processes, started when they are needed and kept warm; streams are spread over them."""

from __future__ import annotations

import asyncio
import json

from beluga_voice.errors import BelugaVoiceError, ProviderError
from beluga_voice_pocketsphinx.messages import Setup
from beluga_voice_pocketsphinx.process import WorkerProcess


class WorkerPool:
    """At most `workers` processes of at most `streams_per_worker` streams each.

    Args:
        setup: what each worker is told; `Setup.decoders` is set here.
        workers: processes at most.
        streams_per_worker: streams of each at most.
        start_deadline: seconds within which a worker must be ready.
    """

    def __init__(self, setup: Setup, *, workers: int, streams_per_worker: int, start_deadline: float) -> None:
        self._setup = setup
        self._limit = workers
        self._streams_per_worker = streams_per_worker
        self._start_deadline = start_deadline
        self._workers: dict[WorkerProcess, asyncio.Task[None]] = {}
        self._started = 0
        self._closed = False

    @property
    def workers(self) -> tuple[WorkerProcess, ...]:
        """The processes that run or start, oldest first."""
        return tuple(self._workers)

    async def warm(self, streams: int) -> None:
        """Start as many workers as fit, with decoders for `streams` streams in all, and wait for them.

        Raises:
            ConfigurationError, ProviderError: as `WorkerProcess.start`.
        """
        count = min(self._limit, streams)
        for index in range(count):
            self._start(decoders=streams // count + (index < streams % count))
        for starting in list(self._workers.values()):
            await asyncio.shield(starting)

    async def lease(self) -> WorkerProcess:
        """Return a worker that is ready, with room reserved for a stream until `release`.

        Raises:
            ProviderError: all workers are full, or a new one failed to start.
            ConfigurationError: as `WorkerProcess.start`.
        """
        worker = self._choose()
        worker.load += 1
        try:
            await asyncio.shield(self._workers[worker])
        except BaseException:
            self.release(worker)
            raise
        return worker

    def release(self, worker: WorkerProcess) -> None:
        """Give back the room of one `lease`."""
        worker.load -= 1

    async def aclose(self) -> None:
        """End all workers at once. When it returns none of them is left. Idempotent."""
        self._closed = True
        workers, self._workers = self._workers, {}
        for worker in workers:
            worker.fail(ProviderError(f"{worker} was closed", retryable=True))
        await asyncio.gather(*workers.values(), return_exceptions=True)
        await asyncio.gather(*(worker.aclose() for worker in workers))

    def _choose(self) -> WorkerProcess:
        """Take the worker with the fewest streams, or start one if each has some and one more is allowed."""
        usable = [worker for worker in self._workers if not worker.failed]
        worker = min(usable, key=lambda worker: worker.load, default=None)
        if worker is not None and worker.load == 0:
            return worker
        if len(usable) < self._limit:
            return self._start(decoders=1)
        if worker is None or worker.load >= self._streams_per_worker:
            raise ProviderError(
                f"all {self._limit} pocketsphinx workers have {self._streams_per_worker} streams each, which "
                "is the limit; close a stream, or raise workers or streams_per_worker",
                retryable=True,
            )
        return worker

    def _start(self, decoders: int) -> WorkerProcess:
        self._started += 1
        setup = json.dumps(self._setup | {"decoders": decoders}).encode()
        worker = WorkerProcess(self._started, setup, self._on_gone)
        starting = asyncio.create_task(worker.start(self._start_deadline), name=f"start of {worker}")
        starting.add_done_callback(_retrieve)
        self._workers[worker] = starting
        return worker

    def _on_gone(self, worker: WorkerProcess) -> None:
        """Forget a worker that has ended; replace it if it ever served, so that a bad model starts no row."""
        if self._workers.pop(worker, None) is not None and worker.served and not self._closed:
            self._start(decoders=1)


def _retrieve(starting: asyncio.Task[None]) -> None:
    """Look at the error of a start that nobody may be waiting for: the next lease meets it again."""
    if not starting.cancelled():
        error = starting.exception()
        if error is not None and not isinstance(error, BelugaVoiceError):
            starting.get_loop().call_exception_handler(
                {"message": "a worker's start failed", "exception": error}
            )
