"""The caller from a file: paced, patient, recorded."""

from __future__ import annotations

import asyncio
import json
from collections.abc import AsyncIterator, Iterator
from contextlib import asynccontextmanager
from importlib.metadata import entry_points
from pathlib import Path

import numpy as np
import pytest
from numpy.typing import NDArray
from pydantic import ValidationError

from beluga_voice.audio import AudioFrame
from beluga_voice.audio.wav import WavWriter, read_wav
from beluga_voice.errors import AudioError, ClosedError, ConfigurationError, ProviderError
from beluga_voice_file.settings import FileSettings
from beluga_voice_file.transport import FileTransport

RECORDINGS = Path(__file__).resolve().parents[3].parent / "shared" / "audio"


class Listener:
    """A session's ear: keeps what it is given, and when."""

    def __init__(self) -> None:
        self.frames: list[AudioFrame] = []
        self.times: list[float] = []
        self.error: Exception | None = None
        self.ended = asyncio.Event()

    def process_audio(self, frame: AudioFrame) -> None:
        self.frames.append(frame)
        self.times.append(asyncio.get_running_loop().time())

    def process_dtmf(self, keys: str) -> None:
        raise AssertionError(f"a caller without a telephone pressed {keys}")

    def end_of_input(self, error: Exception | None = None) -> None:
        assert not self.ended.is_set(), "the input ended twice"
        self.error = error
        self.ended.set()

    @property
    def heard(self) -> NDArray[np.int16]:
        return np.concatenate([frame.samples for frame in self.frames])


@pytest.fixture
def path(tmp_path: Path) -> Path:
    return tmp_path / "question.wav"


def write_voice(path: Path, rate: int = 16000, seconds: float = 1.0) -> NDArray[np.int16]:
    voice = np.random.default_rng(rate).integers(-9000, 9000, round(rate * seconds)).astype(np.int16)
    writer = WavWriter(path, rate, channels=1)
    writer.write(voice[:, np.newaxis])
    writer.close()
    return voice


@asynccontextmanager
async def call(settings: FileSettings) -> AsyncIterator[tuple[FileTransport, Listener]]:
    transport, listener = FileTransport(settings), Listener()
    await transport.open(listener)
    try:
        yield transport, listener
    finally:
        await transport.aclose()


def agent_frame(value: int, rate: int = 16000, seconds: float = 0.02) -> AudioFrame:
    return AudioFrame(np.full(round(rate * seconds), value, np.int16), rate)


@pytest.mark.parametrize("rate", [8000, 11025, 16000, 22050, 24000, 44100, 48000])
async def test_plays_the_file_sample_for_sample_and_then_silence(path: Path, rate: int) -> None:
    voice = write_voice(path, rate, seconds=0.513)
    async with call(FileSettings(path=path)) as (transport, listener):
        assert transport.input_sample_rate == transport.output_sample_rate == rate
        await listener.ended.wait()
    heard = listener.heard
    np.testing.assert_array_equal(heard[: len(voice)], voice)
    assert not heard[len(voice) :].any()
    starts = np.cumsum([0, *(len(frame) for frame in listener.frames)])[:-1]
    assert [frame.position for frame in listener.frames] == starts.tolist()
    assert {len(frame) for frame in listener.frames} <= {rate // 50, -(-rate // 50)}
    assert {frame.sample_rate for frame in listener.frames} == {rate}


async def test_a_frame_arrives_when_its_last_sample_has_been_spoken(path: Path) -> None:
    write_voice(path, seconds=30)
    start = asyncio.get_running_loop().time()
    async with call(FileSettings(path=path)) as (_, listener):
        await listener.ended.wait()
    ends = [start + (frame.position + len(frame)) / 16000 for frame in listener.frames]
    assert listener.times == pytest.approx(ends, abs=1e-9)


@pytest.mark.real_time
async def test_plays_in_real_time(path: Path) -> None:
    write_voice(path, seconds=0.3)
    start = asyncio.get_running_loop().time()
    async with call(FileSettings(path=path, trailing_silence=0)) as (_, listener):
        await asyncio.wait_for(listener.ended.wait(), 10)
    late = [at - start - (index + 1) * 0.02 for index, at in enumerate(listener.times)]
    assert len(late) == 15
    assert min(late) > -0.002
    assert sorted(late)[7] < 0.1


async def test_hangs_up_after_the_trailing_silence(path: Path) -> None:
    write_voice(path, seconds=1)
    async with call(FileSettings(path=path, trailing_silence=2)) as (_, listener):
        await listener.ended.wait()
        assert asyncio.get_running_loop().time() == pytest.approx(3.0)
        assert listener.error is None
        assert len(listener.heard) == 3 * 16000
        await asyncio.sleep(1)
        assert len(listener.heard) == 3 * 16000


async def test_stays_on_the_line_while_the_agent_speaks(path: Path) -> None:
    write_voice(path, seconds=1)
    async with call(FileSettings(path=path, trailing_silence=2)) as (transport, listener):
        await asyncio.sleep(2.9)
        for _ in range(500):
            transport.send_nowait(agent_frame(1))
            await asyncio.sleep(0.02)
        assert not listener.ended.is_set()
        assert len(listener.heard) == pytest.approx(12.9 * 16000, abs=320)
        await listener.ended.wait()
        assert asyncio.get_running_loop().time() == pytest.approx(14.9, abs=0.021)


async def test_an_agent_who_speaks_during_the_file_does_not_shorten_the_silence(path: Path) -> None:
    write_voice(path, seconds=1)
    async with call(FileSettings(path=path, trailing_silence=0.5)) as (transport, listener):
        await asyncio.sleep(0.1)
        transport.send_nowait(agent_frame(1))
        await listener.ended.wait()
        assert asyncio.get_running_loop().time() == pytest.approx(1.5, abs=0.021)


@pytest.mark.parametrize("rate", [8000, 16000, 24000, 44100])
async def test_the_recording_aligns_both_sides_to_the_sample(path: Path, tmp_path: Path, rate: int) -> None:
    voice = write_voice(path, rate, seconds=1)
    record = tmp_path / "call.wav"
    async with call(FileSettings(path=path, record=record, trailing_silence=1)) as (transport, _):
        await asyncio.sleep(0.4)
        for value in (101, 102, 103):
            transport.send_nowait(agent_frame(value, rate))
            await asyncio.sleep(0.02)
        transport.send_nowait(agent_frame(104, rate, 0.005))
        await asyncio.sleep(2.04)
        transport.send_nowait(agent_frame(105, rate))
    caller, agent = read_stereo(record, rate).T
    np.testing.assert_array_equal(caller[:rate], voice)
    assert not caller[rate:].any()
    frame = rate // 50
    wanted = np.zeros_like(agent)
    for value, at in ((101, 0.40), (102, 0.42), (103, 0.44), (105, 2.5)):
        wanted[round(at * rate) : round(at * rate) + frame] = value
    wanted[round(0.46 * rate) : round(0.46 * rate) + round(0.005 * rate)] = 104
    np.testing.assert_array_equal(agent, wanted)


def read_stereo(path: Path, rate: int) -> NDArray[np.int16]:
    """Read the two channels apart, as another program would."""
    data = path.read_bytes()
    assert data[:4] == b"RIFF"
    assert int.from_bytes(data[22:24], "little") == 2
    assert int.from_bytes(data[24:28], "little") == rate
    assert int.from_bytes(data[40:44], "little") == len(data) - 44
    return np.frombuffer(data[44:], "<i2").reshape(-1, 2)


async def test_what_the_agent_says_after_the_caller_hung_up_is_recorded(path: Path, tmp_path: Path) -> None:
    write_voice(path, seconds=0.1)
    record = tmp_path / "call.wav"
    async with call(FileSettings(path=path, record=record, trailing_silence=0)) as (transport, listener):
        await listener.ended.wait()
        await asyncio.sleep(0.1)
        transport.send_nowait(agent_frame(7))
    both = read_stereo(record, 16000)
    assert both[3200:, 1].tolist() == [7] * 320
    assert not both[1600:, 0].any()


async def test_nothing_is_pushed_after_hanging_up(path: Path) -> None:
    write_voice(path)
    async with call(FileSettings(path=path)) as (transport, listener):
        await asyncio.sleep(0.1)
        await transport.aclose()
        count = len(listener.frames)
        transport.send_nowait(agent_frame(1))
        await transport.aclose()
        await asyncio.sleep(10)
        assert len(listener.frames) == count == 5
        assert not listener.ended.is_set()


async def test_closes_without_ever_opening(path: Path) -> None:
    write_voice(path)
    transport = FileTransport(FileSettings(path=path))
    transport.send_nowait(agent_frame(1))
    await transport.aclose()
    with pytest.raises(ClosedError, match="make another for each session"):
        await transport.open(Listener())


async def test_is_one_call(path: Path) -> None:
    write_voice(path)
    async with call(FileSettings(path=path)) as (transport, _):
        with pytest.raises(ClosedError, match="was opened before"):
            await transport.open(Listener())


@pytest.fixture
def small_disk() -> Iterator[None]:
    """Files of at most 200 kB, which the system refuses to let grow."""
    resource = pytest.importorskip("resource", reason="only Unix limits the size of files")
    soft, hard = resource.getrlimit(resource.RLIMIT_FSIZE)
    resource.setrlimit(resource.RLIMIT_FSIZE, (200_000, hard))
    yield
    resource.setrlimit(resource.RLIMIT_FSIZE, (soft, hard))


async def test_a_recording_that_cannot_be_written_on_ends_the_call_with_the_reason(
    path: Path, tmp_path: Path, small_disk: None
) -> None:
    write_voice(path, seconds=1)
    record = tmp_path / "call.wav"
    async with call(FileSettings(path=path, record=record, trailing_silence=60)) as (_, listener):
        await listener.ended.wait()
        assert isinstance(listener.error, ProviderError)
        assert str(record) in str(listener.error)
        assert "File too large" in str(listener.error)
    assert len(read_wav(record).samples) > 2 * 16000


async def test_a_recording_that_cannot_be_finished_says_so(
    path: Path, tmp_path: Path, small_disk: None
) -> None:
    write_voice(path, seconds=1)
    transport = FileTransport(FileSettings(path=path, record=tmp_path / "call.wav", trailing_silence=60))
    await transport.open(Listener())
    await asyncio.sleep(3.9)
    with pytest.raises(ProviderError, match="File too large"):
        await transport.aclose()
    await transport.aclose()


async def test_refuses_to_record_where_nothing_can_be_written(path: Path, tmp_path: Path) -> None:
    write_voice(path)
    transport = FileTransport(FileSettings(path=path, record=tmp_path / "nowhere" / "call.wav"))
    with pytest.raises(ConfigurationError, match=r"cannot write .*nowhere/call.wav: No such file"):
        await transport.open(Listener())
    await transport.aclose()


def test_refuses_to_record_over_the_file_that_it_plays(path: Path) -> None:
    write_voice(path)
    with pytest.raises(ConfigurationError, match="is the file that is played; name another"):
        FileTransport(FileSettings(path=path, record=path.parent / "." / path.name))


def test_says_at_once_that_the_file_is_not_there_or_no_audio(path: Path) -> None:
    with pytest.raises(ConfigurationError, match="cannot read"):
        FileTransport(FileSettings(path=path))
    path.write_text("this is a text")
    with pytest.raises(AudioError, match="is no WAV file"):
        FileTransport(FileSettings(path=path))


def test_warns_that_the_file_is_cut_off(path: Path, caplog: pytest.LogCaptureFixture) -> None:
    write_voice(path, seconds=1)
    path.write_bytes(path.read_bytes()[: 44 + 8000])
    FileTransport(FileSettings(path=path))
    assert caplog.messages == [f"{path} is cut off: it announces 1.00 s and holds 0.25 s, which are played"]


@pytest.mark.parametrize("given", [{"trailing_silence": -1}, {"speed": 2}, {"path": None}])
def test_refuses_settings_that_are_none(path: Path, given: dict[str, object]) -> None:
    with pytest.raises(ValidationError):
        FileSettings.model_validate({"path": path, **given})


def test_is_registered_as_file() -> None:
    (entry,) = entry_points(group="beluga_voice", name="file")
    registered: list[tuple[str, object, object]] = []

    def register(name: str, factory: object, *, settings: object = None) -> None:
        registered.append((name, factory, settings))

    entry.load().register_transport(register=register)
    assert registered == [
        ("file", "beluga_voice_file.transport:FileTransport", "beluga_voice_file.settings:FileSettings")
    ]


@pytest.mark.skipif(not RECORDINGS.is_dir(), reason=f"no recordings in {RECORDINGS}")
async def test_plays_every_recording_there_is(tmp_path: Path) -> None:
    for entry in json.loads((RECORDINGS / "manifest.json").read_text()):
        record = tmp_path / "call.wav"
        settings = FileSettings(path=RECORDINGS / entry["file"], record=record, trailing_silence=0.5)
        async with call(settings) as (transport, listener):
            await listener.ended.wait()
        assert transport.input_sample_rate == entry["rate"]
        voice = read_wav(settings.path).samples
        assert len(voice) / entry["rate"] == pytest.approx(entry["seconds"], abs=0.01)
        np.testing.assert_array_equal(listener.heard[: len(voice)], voice)
        np.testing.assert_array_equal(read_stereo(record, entry["rate"])[: len(voice), 0], voice)
