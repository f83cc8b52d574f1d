"""Worker processes that die, hang or talk nonsense, and that none is left behind."""

from __future__ import annotations

import asyncio
import contextlib
import os
import select
import signal
import subprocess
import sys
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

from beluga_voice.audio import AudioFrame
from beluga_voice.errors import ConfigurationError, ProviderError
from beluga_voice_pocketsphinx.messages import HEADER, MAX_PAYLOAD, SAMPLES, Kind, encode
from beluga_voice_pocketsphinx.process import STDOUT, WorkerProcess
from beluga_voice_pocketsphinx.stt import PocketSphinxSTT

Make = Callable[..., PocketSphinxSTT]

pytestmark = pytest.mark.skipif(sys.platform != "linux", reason="looks into /proc and uses pidfds")


def workers(stt: PocketSphinxSTT) -> tuple[WorkerProcess, ...]:
    assert stt.pool is not None
    return stt.pool.workers


def only_pid(stt: PocketSphinxSTT) -> int:
    (worker,) = workers(stt)
    assert worker.pid is not None
    return worker.pid


def ends_within(pid: int, seconds: float) -> bool:
    """Wait for the end of a process, also one that is not our child."""
    try:
        process = os.pidfd_open(pid)
    except ProcessLookupError:
        return True
    try:
        return bool(select.select([process], [], [], seconds)[0])
    finally:
        os.close(process)


def environment_of(pid: int) -> bytes:
    return Path(f"/proc/{pid}/environ").read_bytes()


def children() -> set[str]:
    tasks = Path("/proc/self/task")
    return {child for task in tasks.iterdir() for child in (task / "children").read_text().split()}


def open_files() -> int:
    return len(os.listdir("/proc/self/fd"))


@pytest.fixture
def nothing_left() -> Iterator[None]:
    """Holds that a test leaves no process and no open file."""
    before = children(), open_files()
    yield
    assert (children(), open_files()) == before


@pytest.mark.real_time
@pytest.mark.usefixtures("nothing_left")
async def test_a_killed_worker_fails_its_streams_and_is_replaced(make: Make, buzz: list[AudioFrame]) -> None:
    async with make() as stt:
        stream = await stt.open_stream()
        waiting = asyncio.create_task(stream.receive())
        pid = only_pid(stt)
        os.kill(pid, signal.SIGKILL)
        with pytest.raises(ProviderError, match=rf"process {pid}\) ended with status -9") as failed:
            await waiting
        assert failed.value.retryable
        for call in (stream.finalize, stream.receive, lambda: stream.send(buzz[0])):
            with pytest.raises(ProviderError) as failed:
                await call()
            assert failed.value.retryable
        await stream.aclose()
        again = await stt.open_stream()
        assert only_pid(stt) != pid
        await again.finalize()
        assert (await again.receive()).answers_finalize


@pytest.mark.real_time
@pytest.mark.usefixtures("nothing_left")
async def test_a_worker_that_hangs_is_killed_at_the_deadline(make: Make, buzz: list[AudioFrame]) -> None:
    loop = asyncio.get_running_loop()
    async with make(deadline=0.2) as stt:
        stream = await stt.open_stream()
        pid = only_pid(stt)
        os.kill(pid, signal.SIGSTOP)
        start = loop.time()
        await stream.send(buzz[0])
        await stream.finalize()
        with pytest.raises(ProviderError, match=r"left a finalize unanswered for 0\.2 s") as failed:
            await stream.receive()
        assert failed.value.retryable
        assert 0.19 < loop.time() - start < 2
        assert ends_within(pid, 2)


@pytest.mark.real_time
@pytest.mark.usefixtures("nothing_left")
async def test_a_send_that_waits_for_a_hanging_worker_ends_at_the_deadline(
    make: Make, buzz: list[AudioFrame]
) -> None:
    async with make(deadline=0.2) as stt:
        stream = await stt.open_stream()
        os.kill(only_pid(stt), signal.SIGSTOP)
        with pytest.raises(ProviderError, match=r"left audio unanswered for 0\.2 s"):
            await asyncio.gather(*(stream.send(frame) for frame in buzz * 4))


@pytest.mark.real_time
@pytest.mark.usefixtures("nothing_left")
async def test_a_hanging_worker_does_not_hold_up_the_close(make: Make) -> None:
    stt = make()
    await stt.open()
    os.kill(only_pid(stt), signal.SIGSTOP)
    async with asyncio.timeout(2):
        await stt.aclose()


@pytest.mark.real_time
@pytest.mark.usefixtures("nothing_left")
@pytest.mark.parametrize(
    ("garbage", "reason"),
    [
        (b"Segmentation fault\n", "unknown kind 83"),
        (HEADER.pack(Kind.FINAL, 1, MAX_PAYLOAD + 1), "announces 1048577 bytes"),
        (encode(Kind.FINAL, 1, b"{}"), "a final that nobody asked for"),
        (encode(Kind.INTERIM, 1, b"\xff"), "no JSON"),
        (encode(Kind.PROCESSED, 1, SAMPLES.pack(5)), "5 samples processed, after 0, of 0 sent"),
        (encode(Kind.AUDIO, 1, b""), "AUDIO, which is not for it to send"),
    ],
)
async def test_a_worker_that_talks_nonsense_is_killed(make: Make, garbage: bytes, reason: str) -> None:
    async with make() as stt:
        stream = await stt.open_stream()
        (worker,) = workers(stt)
        pid = only_pid(stt)
        worker.pipe_data_received(STDOUT, garbage)
        with pytest.raises(ProviderError, match=reason) as failed:
            await stream.receive()
        assert failed.value.retryable
        assert ends_within(pid, 2)


@pytest.mark.real_time
@pytest.mark.usefixtures("nothing_left")
async def test_what_the_engine_refuses_is_a_configuration_error_with_its_reason(
    make: Make, dictionary: Path, tmp_path: Path
) -> None:
    bad = tmp_path / "bad.gram"
    bad.write_text("#JSGF V1.0;\ngrammar bad;\npublic <bad> = frobnicatorix;\n")
    with pytest.raises(
        ConfigurationError, match=r"(?s)refused the settings.*frobnicatorix.*; write words in small"
    ):
        await make(grammar=bad, dictionary=dictionary).open()
    async with make(grammar=bad, dictionary=dictionary, warm=0) as stt:
        for _ in range(2):
            with pytest.raises(ConfigurationError, match="frobnicatorix"):
                await stt.open_stream()
            assert workers(stt) == ()


@pytest.mark.real_time
@pytest.mark.usefixtures("nothing_left")
async def test_a_worker_that_is_not_ready_in_time_is_killed(make: Make) -> None:
    with pytest.raises(ProviderError, match=r"was not ready within 0\.1 s") as failed:
        await make(grammar=None, start_deadline=0.1).open()
    assert failed.value.retryable


@pytest.mark.real_time
@pytest.mark.usefixtures("nothing_left")
async def test_an_opening_that_is_cancelled_leaves_nothing(make: Make) -> None:
    stt = make(warm=0)
    opening = asyncio.create_task(stt.open())
    await opening
    streaming = asyncio.create_task(stt.open_stream())
    await asyncio.sleep(0)
    streaming.cancel()
    with pytest.raises(asyncio.CancelledError):
        await streaming
    await stt.aclose()
    for steps in range(5):
        opening = asyncio.create_task(make().open())
        for _ in range(steps):
            await asyncio.sleep(0)
        opening.cancel()
        with contextlib.suppress(asyncio.CancelledError):
            await opening


@pytest.mark.real_time
@pytest.mark.usefixtures("nothing_left")
@pytest.mark.parametrize("steps", [1, 2, 4])
async def test_closing_the_provider_ends_what_is_being_opened(make: Make, steps: int) -> None:
    opening, streaming = make(), make(warm=0)
    await streaming.open()
    tasks = asyncio.create_task(opening.open()), asyncio.create_task(streaming.open_stream())
    for _ in range(steps):
        await asyncio.sleep(0)
    await opening.aclose()
    await streaming.aclose()
    for result in await asyncio.gather(*tasks, return_exceptions=True):
        assert isinstance(result, ProviderError)
        assert "was closed" in str(result)


@pytest.mark.real_time
@pytest.mark.usefixtures("nothing_left")
async def test_closing_the_provider_fails_the_streams_that_are_open(make: Make) -> None:
    stt = make()
    await stt.open()
    stream = await stt.open_stream()
    waiting = asyncio.create_task(stream.receive())
    await asyncio.sleep(0)
    await stt.aclose()
    with pytest.raises(ProviderError, match="was closed"):
        await waiting
    await stream.aclose()


@pytest.mark.usefixtures("nothing_left")
async def test_a_hundred_streams_leave_no_process_and_no_file(make: Make, buzz: list[AudioFrame]) -> None:
    async with make(streams_per_worker=1) as stt:
        pid, files = only_pid(stt), open_files()
        for number in range(100):
            stream = await stt.open_stream()
            await stream.send(buzz[number % 50])
            if number % 3 == 0:
                await stream.finalize()
            await stream.aclose()
        assert only_pid(stt) == pid
        assert open_files() == files


async def test_streams_are_spread_over_the_workers(make: Make) -> None:
    async with make(workers=2, warm=2) as stt:
        for _ in range(4):
            await stt.open_stream()
        assert [worker.load for worker in workers(stt)] == [2, 2]


PARENT = """
import asyncio, sys
from beluga_voice_pocketsphinx.settings import PocketSphinxSettings
from beluga_voice_pocketsphinx.stt import PocketSphinxSTT

async def main():
    stt = PocketSphinxSTT(PocketSphinxSettings(grammar=sys.argv[1], dictionary=sys.argv[2], workers=1))
    await stt.open()
    print(stt.pool.workers[0].pid, flush=True)
    await asyncio.sleep(60)

asyncio.run(main())
"""


def test_a_worker_ends_when_its_parent_is_killed(answers: Path, dictionary: Path) -> None:
    command = [sys.executable, "-c", PARENT, str(answers), str(dictionary)]
    with subprocess.Popen(command, stdout=subprocess.PIPE) as parent:
        assert parent.stdout is not None
        pid = int(parent.stdout.readline())
        assert Path(f"/proc/{pid}").exists()
        parent.kill()
        assert ends_within(pid, 5)


@pytest.mark.real_time
async def test_a_worker_inherits_no_secret(make: Make, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("SOME_VENDOR_API_KEY", "secret")
    async with make() as stt:
        environment = environment_of(only_pid(stt))
    assert b"PATH=" in environment
    assert b"secret" not in environment
