"""No session, however it ends, leaves a task, thread, socket, process or file behind: a test for each way."""

from __future__ import annotations

import asyncio
import gc
import os
import signal
import subprocess
import sys
import textwrap
import threading
from collections.abc import AsyncIterator, Awaitable, Callable, Iterator
from contextlib import contextmanager, suppress
from pathlib import Path
from typing import Any

import pytest

from beluga_voice import SessionConfig, SessionError, SessionState, Turn, VoiceSession
from beluga_voice import events as ev
from beluga_voice.clock import run_virtual
from beluga_voice.errors import ProviderError
from beluga_voice.testing import (
    AmplitudeVAD,
    LoopbackTransport,
    ScriptedAgent,
    ScriptedNoiseSuppressor,
    ScriptedSTT,
    ScriptedSTTStream,
    ScriptedTTS,
    ScriptedTTSStream,
    ScriptedTurnDetector,
    ScriptedVAD,
)


def _files() -> set[str]:
    """What this process has open, and its children."""
    kinds = {os.readlink(link) for link in _links() if os.path.islink(link)}
    return {kind for kind in kinds if not kind.startswith("anon_inode")}


def _links() -> list[str]:
    folder = "/proc/self/fd"
    return [f"{folder}/{name}" for name in os.listdir(folder)]


def _children() -> set[str]:
    return set(Path(f"/proc/self/task/{threading.get_native_id()}/children").read_text().split())


@contextmanager
def nothing_left() -> Iterator[None]:
    """Hold that threads, open files and sockets, and children are afterwards what they were before."""
    if not Path("/proc/self/fd").exists():
        pytest.skip("what a process has open is read from /proc, which is not there")
    gc.collect()
    threads, files, children = set(threading.enumerate()), _files(), _children()
    yield
    gc.collect()
    assert set(threading.enumerate()) <= threads
    assert _files() <= files
    assert _children() <= children


class Ends:
    """A talking session with every kind of provider, which writes its recording and its journal."""

    def __init__(self, folder: Path, **parts: Any) -> None:
        self.stt = parts.pop("stt", None) or ScriptedSTT(["hello there"] * 3, interim=True)
        self.tts = parts.pop("tts", None) or ScriptedTTS()
        self.line = parts.pop("line", None) or LoopbackTransport()
        self.vad = parts.pop("vad", None) or AmplitudeVAD()
        self.noise = parts.pop("noise", None) or ScriptedNoiseSuppressor()
        self.agent = parts.pop("agent", None) or ScriptedAgent(otherwise=["One two three. ", 0.5, "Four."])
        config = SessionConfig(
            record=f"{folder}/call.wav", journal=f"{folder}/call.jsonl", close_deadline=0.5
        )
        self.session = VoiceSession(
            stt=self.stt,
            tts=self.tts,
            vad=self.vad,
            noise_suppressor=self.noise,
            turn_detector=parts.pop("detector", None) or ScriptedTurnDetector(),
            agent=self.agent,
            transport=self.line,
            config=config,
        )

    async def begin(self) -> None:
        await self.vad.open()
        await self.noise.open()
        await self.session.start()

    async def talk(self) -> None:
        """The caller speaks, is answered, and speaks over the answer."""
        self.session.say("This is said first, and it is long.")
        await self.line.speak(0.8)
        await self.line.silence(0.8)
        await self.line.speak(0.6)

    async def ended(self) -> None:
        """Wait for the end; what it raises is for others to judge."""
        with suppress(Exception):
            await self.session.stop()
        with suppress(Exception):
            await self.session.wait_ended()

    def check(self) -> None:
        assert self.session.state is SessionState.ENDED
        assert all(stream.closed for stream in (*self.stt.streams, *self.tts.streams))
        assert all(stream.closed for stream in (*self.vad.streams, *self.noise.streams))
        assert self.line.closed
        names = [task.get_name() for task in asyncio.all_tasks()]
        assert not [name for name in names if name.startswith("beluga-voice")]


Way = Callable[[Path], Awaitable[Ends]]
WAYS: dict[str, Way] = {}


def way(function: Way) -> Way:
    WAYS[function.__name__.replace("_", " ")] = function
    return function


async def _while_talking(folder: Path, act: Callable[[Ends], Any] | None = None, **parts: Any) -> Ends:
    """Begin, let both talk, act in the midst of it, and wait for the end."""
    ends = Ends(folder, **parts)
    await ends.begin()
    talking = asyncio.create_task(ends.talk())
    await asyncio.sleep(1.9)
    if act is not None:
        done = act(ends)
        if done is not None:
            await done
    with suppress(SessionError):
        await talking
    await ends.ended()
    return ends


@way
async def stopped(folder: Path) -> Ends:
    return await _while_talking(folder, lambda ends: ends.session.stop())


@way
async def drained(folder: Path) -> Ends:
    return await _while_talking(folder, lambda ends: ends.session.stop(drain=True))


@way
async def hung_up(folder: Path) -> Ends:
    return await _while_talking(folder, lambda ends: ends.line.hang_up())


@way
async def cut_off(folder: Path) -> Ends:
    return await _while_talking(folder, lambda ends: ends.line.hang_up(ProviderError("cut")))


@way
async def ended_by_its_timeout(folder: Path) -> Ends:
    ends = Ends(folder)
    await ends.begin()
    await ends.session.wait_ended()
    return ends


@way
async def left_by_an_error_in_its_context(folder: Path) -> Ends:
    ends = Ends(folder)
    await ends.vad.open()
    await ends.noise.open()
    with suppress(ZeroDivisionError):
        async with ends.session:
            ends.session.say("One two three.")
            await asyncio.sleep(0.5)
            _ = 1 / 0
    return ends


@way
async def left_by_a_cancelled_task(folder: Path) -> Ends:
    ends = Ends(folder)

    async def host() -> None:
        await ends.vad.open()
        await ends.noise.open()
        async with ends.session:
            await ends.talk()

    task = asyncio.create_task(host())
    await asyncio.sleep(1.5)
    task.cancel()
    await asyncio.wait([task])
    return ends


class _SlowToClose(LoopbackTransport):
    async def aclose(self) -> None:
        await asyncio.sleep(0.3)
        await super().aclose()


@way
async def left_by_a_task_that_was_cancelled_twice(folder: Path) -> Ends:
    ends = Ends(folder, line=_SlowToClose())

    async def host() -> None:
        await ends.vad.open()
        await ends.noise.open()
        async with ends.session:
            await ends.talk()

    task = asyncio.create_task(host())
    for duration in (1.5, 0.1):
        await asyncio.sleep(duration)
        task.cancel()
    await asyncio.wait([task])
    assert task.cancelled()
    return ends


@way
async def its_runner_was_cancelled(folder: Path) -> Ends:
    def cancels(ends: Ends) -> None:
        runner = ends.session._runner
        assert runner is not None
        runner.cancel()

    return await _while_talking(folder, cancels)


@way
async def every_task_of_it_was_cancelled(folder: Path) -> Ends:
    def cancels(_: Ends) -> None:
        for task in asyncio.all_tasks():
            if task.get_name().startswith("beluga-voice"):
                task.cancel()

    return await _while_talking(folder, cancels)


CALLBACK_EVENTS = (
    ev.SessionStarted,
    ev.StateChanged,
    ev.SpeechStarted,
    ev.TranscriptReceived,
    ev.TurnClosed,
    ev.ReplyStarted,
    ev.PlayoutStarted,
    ev.UtteranceEnded,
    ev.SessionEnded,
)


def _raises_at(kind: type[ev.Event], error: type[BaseException]) -> Way:
    async def run(folder: Path) -> Ends:
        def fails(event: ev.Event) -> None:
            if isinstance(event, kind):
                raise error

        ends = Ends(folder)
        ends.session.on_event(fails)
        ends.session.on_decision(lambda event, commands: fails(event))
        ends.session.on_state_changed(lambda state: fails(ev.StateChanged(0.0, state, state)))
        await ends.begin()
        with suppress(SessionError):
            await ends.talk()
        await ends.ended()
        return ends

    return run


for _kind in CALLBACK_EVENTS:
    for _error in (ZeroDivisionError, asyncio.CancelledError):
        WAYS[f"a callback raises {_error.__name__} at {_kind.__name__}"] = _raises_at(_kind, _error)


@way
async def the_agent_raises(folder: Path) -> Ends:
    async def agent(turn: Turn) -> AsyncIterator[str]:
        yield "One. "
        raise LookupError("gone")

    return await _while_talking(folder, agent=agent)


@way
async def the_agent_takes_no_notice_of_being_cut(folder: Path) -> Ends:
    async def agent(turn: Turn) -> AsyncIterator[str]:
        for number in range(3):
            with suppress(asyncio.CancelledError):
                await asyncio.sleep(0.4)
            yield f"Number {number}. "

    return await _while_talking(folder, lambda ends: ends.session.stop(), agent=agent)


@way
async def the_vad_breaks(folder: Path) -> Ends:
    vad = ScriptedVAD(results=[0.9])

    def breaks(_: Ends) -> None:
        vad.error = ZeroDivisionError("a bug")

    return await _while_talking(folder, breaks, vad=vad)


@way
async def the_noise_suppressor_breaks(folder: Path) -> Ends:
    noise = ScriptedNoiseSuppressor()

    def breaks(_: Ends) -> None:
        noise.error = ZeroDivisionError("a bug")

    return await _while_talking(folder, breaks, noise=noise)


@way
async def the_turn_detector_fails(folder: Path) -> Ends:
    return await _while_talking(folder, detector=ScriptedTurnDetector(fails=True))


@way
async def the_recognizer_is_killed(folder: Path) -> Ends:
    def kills(ends: Ends) -> None:
        ends.stt.error = ProviderError("its process was killed", retryable=True)
        for stream in ends.stt.streams:
            stream._changed.set()

    return await _while_talking(folder, kills)


@way
async def the_recognizer_has_a_bug(folder: Path) -> Ends:
    def breaks(ends: Ends) -> None:
        ends.stt.error = ZeroDivisionError("a bug")
        for stream in ends.stt.streams:
            stream._changed.set()

    return await _while_talking(folder, breaks)


@way
async def the_voice_is_killed(folder: Path) -> Ends:
    def kills(ends: Ends) -> None:
        ends.tts.error = ProviderError("its process was killed", retryable=True)

    return await _while_talking(folder, kills)


@way
async def the_voice_hangs(folder: Path) -> Ends:
    return await _while_talking(folder, lambda ends: ends.session.stop(), tts=ScriptedTTS(hangs_after=1))


@way
async def the_line_breaks(folder: Path) -> Ends:
    def breaks(ends: Ends) -> None:
        ends.line.error = ZeroDivisionError("a bug")

    return await _while_talking(folder, breaks)


@way
async def its_start_failed_at_the_line(folder: Path) -> Ends:
    ends = Ends(folder, line=LoopbackTransport(fails_to_open=True))
    with suppress(SessionError):
        await ends.begin()
    ends.line.fails_to_open = False
    async with ends.session:
        pass
    return ends


@way
async def its_start_was_cancelled(folder: Path) -> Ends:
    ends = Ends(folder, line=LoopbackTransport(network_delay=5))
    starting = asyncio.create_task(ends.begin())
    await asyncio.sleep(1)
    starting.cancel()
    await asyncio.wait([starting])
    async with ends.session:
        pass
    return ends


@way
async def its_start_was_cancelled_twice(folder: Path) -> Ends:
    class Slow(_SlowToClose):
        async def open(self, receiver: object) -> None:
            await asyncio.sleep(5)

    ends = Ends(folder, line=Slow())
    starting = asyncio.create_task(ends.begin())
    for duration in (1.0, 0.1):
        await asyncio.sleep(duration)
        starting.cancel()
    await asyncio.wait([starting])
    assert starting.cancelled()
    assert ends.line.closed
    assert ends.session.state is SessionState.INITIAL
    ends.line.open = _SlowToClose.open.__get__(ends.line)  # type: ignore[method-assign]
    async with ends.session:
        pass
    return ends


@pytest.mark.parametrize("name", WAYS)
def test_nothing_is_left_of_a_session_that_was(name: str, tmp_path: Path) -> None:
    async def run() -> None:
        ends = await WAYS[name](tmp_path)
        ends.check()
        assert asyncio.all_tasks() == {asyncio.current_task()}

    with nothing_left():
        run_virtual(run())


@pytest.mark.parametrize("kind", [ScriptedSTTStream, ScriptedTTSStream, LoopbackTransport])
async def test_what_does_not_close_is_left_alone_and_nothing_else_is(
    kind: type, monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    async def never(_: object) -> None:
        await asyncio.Event().wait()

    monkeypatch.setattr(kind, "aclose", never)
    ends = Ends(tmp_path)
    await ends.begin()
    await ends.session.stop()
    assert asyncio.all_tasks() == {asyncio.current_task()}
    closed = {type(s): s.closed for s in (*ends.stt.streams, *ends.tts.streams, ends.line)}
    assert closed == {each: each is not kind for each in closed}


PROGRAM = """
import asyncio, sys
from beluga_voice import SessionConfig, VoiceSession
from beluga_voice.testing import LoopbackTransport, ScriptedAgent, ScriptedSTT, ScriptedTTS

class Told(LoopbackTransport):
    async def aclose(self):
        await super().aclose()
        print("closed", flush=True)

async def main():
    session = VoiceSession(
        stt=ScriptedSTT(), tts=ScriptedTTS(), agent=ScriptedAgent(), transport=Told(),
        config=SessionConfig(record=sys.argv[1] + "/call.wav", journal=sys.argv[1] + "/call.jsonl"),
    )
    try:
        async with session:
            session.say("word " * 200)
            await asyncio.sleep(0.2)
            print("talks", flush=True)
            await session.wait_ended()
    finally:
        left = [t.get_name() for t in asyncio.all_tasks() if t.get_name().startswith("beluga-voice")]
        print("left", left, session.state, flush=True)

try:
    asyncio.run(main())
except KeyboardInterrupt:
    print("interrupted", flush=True)
"""


def test_nothing_is_left_of_a_session_that_ctrl_c_ends(tmp_path: Path) -> None:
    def listen() -> None:
        signal.signal(signal.SIGINT, signal.default_int_handler)

    program = [sys.executable, "-c", textwrap.dedent(PROGRAM), str(tmp_path)]
    with subprocess.Popen(program, stdout=subprocess.PIPE, text=True, preexec_fn=listen) as process:
        assert process.stdout is not None
        assert process.stdout.readline() == "talks\n"
        process.send_signal(signal.SIGINT)
        told = process.stdout.read().splitlines()
        process.wait(10)
    assert told == ["closed", "left [] ended", "interrupted"]
    assert (tmp_path / "call.wav").stat().st_size > 44
    assert (tmp_path / "call.jsonl").read_text().rstrip().splitlines()[-1].startswith("{")
