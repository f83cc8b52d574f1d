"""Time that is not the wall's: an asyncio loop for tests and for sessions as fast as their engines go.

The law of `VirtualTimeLoop`:

1. `loop.time()` starts at 0 and stands still while anything runs.
2. When nothing is ready, real I/O is polled and served first: sockets, pipes, signals, calls from threads.
3. When there is none either, time jumps to the next timer, unless work is outstanding.
4. While work is outstanding time stands still and the loop waits for real I/O. Work is what a provider does
   outside the loop and says so with `working` or `begin_work`; a call in an executor's thread counts
   by itself.
5. Nothing waits for ever: outstanding work that lets nothing happen for `watchdog` real seconds raises
   `StalledError`, and a loop without timer and work on which nothing can happen any more `DeadlockError`.

On any other loop `working` and `begin_work` do nothing, so that providers call them always.
"""

from __future__ import annotations

import asyncio
import math
import random
import selectors
import threading
from contextlib import contextmanager
from pathlib import PurePath
from types import CoroutineType
from typing import TYPE_CHECKING, TypeVar

from beluga_voice.errors import BelugaVoiceError

if TYPE_CHECKING:
    from collections import deque
    from collections.abc import Callable, Coroutine, Iterable, Iterator
    from typing import Any

T = TypeVar("T")

_TASK_HANDLES = frozenset({None, "task_wakeup", "__step", "__wakeup"})
"""Names of the callbacks by which a task goes on, of the C and the Python task of CPython 3.11 to 3.13."""


class StalledError(BelugaVoiceError):
    """Outstanding work let nothing happen for the watchdog's time.

    Attributes:
        outstanding: the labels given to `working` and `begin_work`.
    """

    def __init__(self, message: str, outstanding: Iterable[str] = ()) -> None:
        super().__init__(message)
        self.outstanding = tuple(outstanding)


class DeadlockError(BelugaVoiceError):
    """Tasks wait, and nothing is left that could wake one."""


class Work:
    """Something that goes on outside the loop while virtual time stands still."""

    __slots__ = ("_outstanding", "label")

    def __init__(self, label: str, outstanding: dict[Work, None] | None) -> None:
        self.label = label
        self._outstanding = outstanding
        if outstanding is not None:
            outstanding[self] = None

    def done(self) -> None:
        """Let time go on. Idempotent. Call it on the loop's thread, once what it brought has arrived."""
        if self._outstanding is not None:
            self._outstanding.pop(self, None)


def begin_work(label: str) -> Work:
    """Let virtual time stand still until `Work.done`; for a request whose answer comes by another way.

    Call it on the loop's thread. On a loop with real time, or without a running loop, the token is inert.

    Args:
        label: names the work in the watchdog's error, as in ``"pocketsphinx worker 2: finalize"``.
    """
    try:
        loop = asyncio.get_running_loop()
    except RuntimeError:
        return Work(label, None)
    return loop.begin_work(label) if isinstance(loop, VirtualTimeLoop) else Work(label, None)


@contextmanager
def working(label: str) -> Iterator[None]:
    """Let virtual time stand still within the block: what is awaited there is done outside the loop."""
    work = begin_work(label)
    try:
        yield
    finally:
        work.done()


class _JumpingSelector(selectors.DefaultSelector):
    """Waits for real I/O as long as `VirtualTimeLoop` says, which may move its time instead."""

    loop: VirtualTimeLoop

    def select(self, timeout: float | None = None) -> list[tuple[selectors.SelectorKey, int]]:
        events = super().select(0)
        if events or timeout == 0:
            return events
        wait = self.loop._patience()
        if wait == 0:
            return events
        events = super().select(wait)
        if not events:
            self.loop._raise_stalled()
        return events


class VirtualTimeLoop(asyncio.SelectorEventLoop):
    """An event loop that jumps to the next timer instead of waiting; its law stands at the top of the module.

    With a seed, the order of the tasks that are ready is drawn anew at each iteration of the loop: the tasks
    change places among one another, and callbacks (`call_soon`, I/O, timers) keep theirs, so that their order
    is as asyncio promises. A program that is right is right in every such order. The same seed gives the same
    run as long as no real I/O or thread takes part.

    Args:
        seed: draws the order of ready tasks; None keeps asyncio's first-in first-out.
        watchdog: real seconds without any event after which the loop gives up waiting.
    """

    if TYPE_CHECKING:  # of asyncio's BaseEventLoop in CPython 3.11 to 3.13, which typeshed leaves out
        _ready: deque[asyncio.Handle]
        _scheduled: list[asyncio.TimerHandle]
        _clock_resolution: float
        _default_executor: object

    def __init__(self, *, seed: int | None = None, watchdog: float = 30.0) -> None:
        self._now = 0.0
        self._watchdog = watchdog
        self._outstanding: dict[Work, None] = {}
        self._random = None if seed is None else random.Random(seed)  # noqa: S311 - no secret
        self._jumping = _JumpingSelector()
        self._jumping.loop = self
        super().__init__(self._jumping)
        self._own_files = len(self._jumping.get_map())

    def time(self) -> float:
        """Return the virtual seconds since the loop was made."""
        return self._now

    def begin_work(self, label: str) -> Work:
        """Let time stand still until `Work.done`."""
        return Work(label, self._outstanding)

    def run_in_executor(self, executor: Any, func: Callable[..., T], *args: Any) -> asyncio.Future[T]:  # type: ignore[override]
        """Call `func` in a thread; time stands still until it returns or is given up."""
        future: asyncio.Future[T] = super().run_in_executor(executor, func, *args)
        work = self.begin_work(f"a thread's call of {getattr(func, '__qualname__', func)!s}")
        future.add_done_callback(lambda _: work.done())
        return future

    async def shutdown_default_executor(self, *timeout: float | None) -> None:
        """Wait for the executor's threads to end; time stands still, so that a time-out does not run out."""
        work = self.begin_work("the end of the default executor's threads")
        try:
            await super().shutdown_default_executor(*timeout)
        finally:
            work.done()

    def _run_once(self) -> None:
        if self._random is not None and len(self._ready) > 1:
            self._draw_order(self._random)
        super()._run_once()  # type: ignore[misc]

    def _draw_order(self, draw: random.Random) -> None:
        places = [i for i, handle in enumerate(self._ready) if _is_task_handle(handle)]
        handles = [self._ready[i] for i in places]
        draw.shuffle(handles)
        for place, handle in zip(places, handles, strict=True):
            self._ready[place] = handle

    def _patience(self) -> float:
        """Return how many real seconds to wait for I/O; if none, time has been moved to the next timer."""
        if self._outstanding:
            return self._watchdog
        if self._scheduled:
            self._now = max(self._now, self._scheduled[0].when())
            # Timers fire when they are due within the resolution; it must not vanish beside a large time.
            self._clock_resolution = max(1e-9, 2 * math.ulp(self._now))
            return 0
        if self._nothing_can_happen():
            self._raise_stalled()
        return self._watchdog

    def _nothing_can_happen(self) -> bool:
        """Whether no file, signal or thread is left that could wake the loop."""
        only_own_files = len(self._jumping.get_map()) <= self._own_files
        no_signals = not getattr(self, "_signal_handlers", None)
        # The executor's threads are idle: what they are called for counts as work.
        idle: set[threading.Thread] = getattr(self._default_executor, "_threads", set())
        others = set(threading.enumerate()) - idle - {threading.current_thread()}
        return only_own_files and no_signals and not others

    def _raise_stalled(self) -> None:
        tasks = "; ".join(sorted(_where(task) for task in asyncio.all_tasks(self))) or "none"
        if self._outstanding:
            labels = [work.label for work in self._outstanding]
            raise StalledError(
                f"nothing happened for {self._watchdog:g} real seconds while virtual time stands still at "
                f"{self._now:g} s for {', '.join(labels)}; waiting tasks: {tasks}",
                labels,
            )
        raise DeadlockError(
            f"no timer is set, no work is outstanding and no I/O came at virtual time {self._now:g} s: "
            f"nothing can wake the waiting tasks: {tasks}"
        )


def _is_task_handle(handle: asyncio.Handle) -> bool:
    callback = getattr(handle, "_callback", None)
    is_tasks_own = isinstance(getattr(callback, "__self__", None), asyncio.Task)
    return is_tasks_own and getattr(callback, "__name__", None) in _TASK_HANDLES


def _where(task: asyncio.Task[object]) -> str:
    """Name the task and the lines at which it waits, outermost first."""
    lines = []
    coro: object = task.get_coro()
    while isinstance(coro, CoroutineType) and coro.cr_frame is not None:
        code, line = coro.cr_frame.f_code, coro.cr_frame.f_lineno
        lines.append(f"{code.co_qualname} ({PurePath(code.co_filename).name}:{line})")
        coro = coro.cr_await
    return f"{task.get_name()} in {' > '.join(lines)}"


def run_virtual(main: Coroutine[object, None, T], *, seed: int | None = None, watchdog: float = 30.0) -> T:
    """Run `main` on a `VirtualTimeLoop` and return its result, as `asyncio.run` does.

    What `main` left running is cancelled and awaited, and the loop is closed.

    Args:
        main: the coroutine to run.
        seed: draws the order of ready tasks; None keeps asyncio's own.
        watchdog: real seconds without any event after which the loop gives up waiting.

    Raises:
        StalledError: outstanding work let nothing happen for `watchdog` seconds.
        DeadlockError: nothing is left that could wake a task.
        RuntimeError: called from a running loop.
    """
    with asyncio.Runner(loop_factory=lambda: VirtualTimeLoop(seed=seed, watchdog=watchdog)) as runner:
        return runner.run(main)
