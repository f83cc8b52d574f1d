"""The pytest plugin of beluga-voice: runs ``async def`` tests, on virtual time unless they ask for real time.

    async def test_hangs_up_after_an_hour() -> None:      # on `beluga_voice.clock.VirtualTimeLoop`
        await asyncio.sleep(3600)

    @pytest.mark.real_time
    async def test_talks_to_a_server() -> None:           # on asyncio's own loop
        ...

A test that passes but leaves a task running fails, with the task's name. Tests decorated with hypothesis's
``@given`` run each example on a loop of its own. Fixtures are sync; use ``async with`` in the test:

    async def test_answers(scripted_caller: ScriptedCaller) -> None:
        async with scripted_caller.calls(lambda turn: "It is noon.") as session:
            await scripted_caller.says("what time is it")
            assert session.history[-1].text == "It is noon."

Async tests reach this machine only: a connection to another one fails the test, unless it is marked ``network``.
The ini option ``beluga_voice_network`` holds all tests to that (``deny``) or none (``allow``).
"""

from __future__ import annotations

import asyncio
import functools
import inspect
import ipaddress
import socket
from collections.abc import Awaitable, Callable, Iterator, Mapping
from contextlib import contextmanager, nullcontext
from typing import TYPE_CHECKING

import pytest

from beluga_voice.clock import run_virtual

if TYPE_CHECKING:
    from beluga_voice.container import VoiceContainer
    from beluga_voice.testing.caller import ScriptedCaller
    from beluga_voice.testing.fakes.transport import LoopbackTransport

AsyncTest = Callable[..., Awaitable[object]]


class LeftoverTaskError(AssertionError):
    """A test ended while tasks that it had started were still running."""


class NetworkDeniedError(AssertionError):
    """A test reached for another machine. No `OSError`: code under test must not take it for a vendor's failure."""


NETWORK = "beluga_voice_network"
"""The ini option: ``async``, ``deny`` or ``allow``."""


def pytest_addoption(parser: pytest.Parser) -> None:
    """Add the ini option."""
    text = "which tests reach this machine only: async (async tests), deny (all), allow (none)"
    parser.addini(NETWORK, text, default="async")


def pytest_configure(config: pytest.Config) -> None:
    """Register the markers, and read the ini option.

    Raises:
        UsageError: it has another value.
    """
    config.addinivalue_line("markers", "real_time: run this async test on a loop with real time")
    config.addinivalue_line("markers", "network: let this test reach other machines")
    if (value := config.getini(NETWORK)) not in ("async", "deny", "allow"):
        raise pytest.UsageError(f"{NETWORK} is {value!r}; it must be async, deny or allow")


@pytest.hookimpl(wrapper=True)
def pytest_runtest_call(item: pytest.Item) -> Iterator[None]:
    """Keep the test from other machines, if it is to be kept."""
    policy = item.config.getini(NETWORK)
    ours = isinstance(item, pytest.Function) and _is_async(item.obj)
    denied = policy == "deny" or (policy == "async" and ours)
    with no_network() if denied and not item.get_closest_marker("network") else nullcontext():
        return (yield)


def _is_async(test: object) -> bool:
    inner = getattr(getattr(test, "hypothesis", None), "inner_test", test)
    return inspect.iscoroutinefunction(inner)


@contextmanager
def no_network() -> Iterator[None]:
    """Let nothing reach another machine meanwhile, nor ask for its address.

    Raises:
        NetworkDeniedError: something tries to, there and then.
    """
    names = ("connect", "connect_ex", "sendto")
    before = {name: getattr(socket.socket, name) for name in names}
    look_up = socket.getaddrinfo

    def guarded(name: str) -> Callable[..., object]:
        def call(own: socket.socket, *arguments: object) -> object:
            address = arguments[-1]
            if own.family in (socket.AF_INET, socket.AF_INET6) and isinstance(address, tuple):
                _refuse_strangers(address[0])
            result: object = before[name](own, *arguments)
            return result

        return call

    def guarded_look_up(host: object, *arguments: object, **options: object) -> object:
        _refuse_strangers(host)
        return look_up(host, *arguments, **options)  # type: ignore[arg-type] # the caller's own

    for name in names:
        setattr(socket.socket, name, guarded(name))
    socket.getaddrinfo = guarded_look_up  # type: ignore[assignment]
    try:
        yield
    finally:
        for name in names:
            setattr(socket.socket, name, before[name])
        socket.getaddrinfo = look_up


def _refuse_strangers(host: object) -> None:
    text = host.decode("ascii", "replace") if isinstance(host, bytes) else str(host or "localhost")
    try:
        here = ipaddress.ip_address(text.partition("%")[0]).is_loopback or text in ("0.0.0.0", "::")  # noqa: S104
    except ValueError:
        here = text == "localhost" or text == socket.gethostname()
    if not here:
        raise NetworkDeniedError(
            f"the test reaches for {text}, which is not this machine. Try: MemoryServer or LocalServer of "
            "beluga_voice.testing in its place, or the marker `network`"
        )


@pytest.fixture
def scripted_caller() -> ScriptedCaller:
    """A caller who says what the test says, with the providers that hear and answer."""
    from beluga_voice.testing.caller import ScriptedCaller

    return ScriptedCaller()


@pytest.fixture
def voice_line(scripted_caller: ScriptedCaller) -> LoopbackTransport:
    """The line of `scripted_caller`: play, press, hang up; and all that the agent sent."""
    return scripted_caller.line


@pytest.fixture
def voice_container(scripted_caller: ScriptedCaller) -> VoiceContainer:
    """A container whose recognizer, voice and detector are those of `scripted_caller`, without plugins."""
    from beluga_voice.testing.caller import fake_container

    return fake_container(scripted_caller)


@pytest.hookimpl(tryfirst=True)
def pytest_pyfunc_call(pyfuncitem: pytest.Function) -> bool | None:
    """Run the test if it is ours."""
    real_time = pyfuncitem.get_closest_marker("real_time") is not None
    given = getattr(pyfuncitem.obj, "hypothesis", None)
    if given is not None:
        if inspect.iscoroutinefunction(given.inner_test):
            given.inner_test = _as_sync(given.inner_test, real_time=real_time)
        return None
    if not inspect.iscoroutinefunction(pyfuncitem.obj):
        return None
    names = pyfuncitem._fixtureinfo.argnames
    _run(pyfuncitem.obj, {name: pyfuncitem.funcargs[name] for name in names}, real_time=real_time)
    return True


def _as_sync(test: AsyncTest, *, real_time: bool) -> Callable[..., None]:
    @functools.wraps(test)
    def run(*args: object, **arguments: object) -> None:
        _run(functools.partial(test, *args), arguments, real_time=real_time)

    return run


def _run(test: AsyncTest, arguments: Mapping[str, object], *, real_time: bool) -> None:
    main = _alone(test, arguments)
    if real_time:
        asyncio.run(main)
    else:
        run_virtual(main)


async def _alone(test: AsyncTest, arguments: Mapping[str, object]) -> None:
    await test(**arguments)
    left = asyncio.all_tasks() - {asyncio.current_task()}
    if left:
        names = ", ".join(sorted(f"{task.get_name()} ({task.get_coro()!r})" for task in left))
        raise LeftoverTaskError(f"the test left {len(left)} task(s) running: {names}")
