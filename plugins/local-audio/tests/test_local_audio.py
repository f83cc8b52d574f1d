"""The transport and the command, with a fake sounddevice in the place of PortAudio."""

from __future__ import annotations

import asyncio
import json
import sys
import threading
from collections.abc import Callable, Mapping, Sequence
from types import ModuleType

import numpy as np
import pytest
from click.testing import CliRunner

from beluga_voice.audio import AudioFrame
from beluga_voice.cli.app import App
from beluga_voice.clock import working
from beluga_voice.container import VoiceContainer
from beluga_voice.errors import ClosedError, PluginError, ProviderError
from beluga_voice.settings import Settings
from beluga_voice.testing import (
    AmplitudeVAD,
    ScriptedAgent,
    ScriptedSTT,
    ScriptedTTS,
    check_transport,
    sounds,
)
from beluga_voice_local_audio import backend
from beluga_voice_local_audio.commands import talk
from beluga_voice_local_audio.meter import FLOOR, bar, level
from beluga_voice_local_audio.settings import LocalAudioSettings
from beluga_voice_local_audio.talk import converse
from beluga_voice_local_audio.transport import LocalAudioTransport


class Stream:
    """A device's stream, whose callback the test calls."""

    def __init__(
        self, kind: str, callback: Callable[..., None], log: list[str], started: Callable[[], None]
    ) -> None:
        self.callback, self._kind, self._log, self._started = callback, kind, log, started

    def start(self) -> None:
        self._log.append(f"{self._kind} starts")
        self._started()

    def stop(self) -> None:
        self._log.append(f"{self._kind} stops")

    def close(self) -> None:
        self._log.append(f"{self._kind} closes")


class FakeSoundDevice:
    """What of sounddevice is used."""

    class PortAudioError(Exception):
        """As sounddevice's."""

    def __init__(self, *, fails: str = "") -> None:
        self.log: list[str] = []
        self.started = asyncio.Event()
        self.streams: dict[str, Stream] = {}
        self.asked: list[dict[str, object]] = []
        self._fails = fails

    def RawInputStream(self, *, callback: Callable[..., None], **asked: object) -> Stream:  # noqa: N802
        return self._open("microphone", callback, asked)

    def RawOutputStream(self, *, callback: Callable[..., None], **asked: object) -> Stream:  # noqa: N802
        return self._open("loudspeaker", callback, asked)

    def _open(self, kind: str, callback: Callable[..., None], asked: dict[str, object]) -> Stream:
        if kind == self._fails:
            raise self.PortAudioError("Invalid device")
        self.asked.append(asked)
        self.streams[kind] = Stream(kind, callback, self.log, self.started.set)
        return self.streams[kind]

    def query_devices(self) -> Sequence[Mapping[str, object]]:
        return [
            {"name": "Headset", "max_input_channels": 1, "max_output_channels": 2},
            {"name": "HDMI", "max_input_channels": 0, "max_output_channels": 8},
        ]

    # -- what PortAudio's thread does --

    async def hear(self, samples: np.ndarray) -> None:
        """The microphone hears something, 20 ms at a time."""
        for frame in sounds.frames(samples, 16000):
            await self._on_a_thread("microphone", frame.tobytes(), len(frame))

    async def play(self, count: int) -> np.ndarray:
        """The loudspeaker asks for samples."""
        out = bytearray(count * 2)
        await self._on_a_thread("loudspeaker", out, count)
        return np.frombuffer(out, "<i2")

    async def _on_a_thread(self, kind: str, data: bytes | bytearray, count: int) -> None:
        def call() -> None:
            self.streams[kind].callback(data, count, None, None)

        with working("a device"):
            await asyncio.to_thread(call)
        await asyncio.sleep(0)


class Receiver:
    def __init__(self) -> None:
        self.frames: list[AudioFrame] = []
        self.threads: set[int] = set()

    def process_audio(self, frame: AudioFrame) -> None:
        self.frames.append(frame)
        self.threads.add(threading.get_ident())

    def process_dtmf(self, keys: str) -> None: ...

    def hold(self, held: bool) -> None: ...

    def end_of_input(self, error: Exception | None = None) -> None: ...


async def test_it_keeps_the_contract() -> None:
    devices: dict[int, FakeSoundDevice] = {}

    def make() -> LocalAudioTransport:
        device = FakeSoundDevice()
        line = LocalAudioTransport(backend=device)
        devices[id(line)] = device
        return line

    async def call(line: LocalAudioTransport) -> None:
        await devices[id(line)].hear(sounds.tone(0.2, 16000))

    await check_transport(make, call=call)


async def test_the_microphone_reaches_the_session_on_the_loops_thread() -> None:
    device, receiver = FakeSoundDevice(), Receiver()
    line = LocalAudioTransport(LocalAudioSettings(microphone="Head", loudspeaker=1), device)
    await line.open(receiver)
    sound = sounds.speech_like(0.1, 16000)
    await device.hear(sound)
    assert np.array_equal(np.concatenate([each.samples for each in receiver.frames]), sound)
    assert [each.position for each in receiver.frames] == [0, 320, 640, 960, 1280]
    assert receiver.threads == {threading.get_ident()}
    assert [(each["device"], each["blocksize"], each["samplerate"]) for each in device.asked] == [
        (1, 480, 24000),
        ("Head", 320, 16000),
    ]
    await line.aclose()
    await line.aclose()
    assert device.log[2:] == [
        "loudspeaker stops",
        "loudspeaker closes",
        "microphone stops",
        "microphone closes",
    ]


async def test_the_loudspeaker_is_given_what_was_sent_then_silence() -> None:
    device = FakeSoundDevice()
    line = LocalAudioTransport(backend=device)
    await line.open(Receiver())
    sound = sounds.speech_like(0.03, 24000)
    for frame in sounds.frames(sound, 24000):
        line.send_nowait(frame)
    assert line.unplayed == pytest.approx(0.03)
    assert np.array_equal(await device.play(480), sound[:480])
    assert np.array_equal(await device.play(480), np.concatenate([sound[480:], np.zeros(240, np.int16)]))
    line.send_nowait(AudioFrame(sound, 24000))
    line.flush()
    assert line.unplayed == 0
    assert not (await device.play(480)).any()
    await line.aclose()


async def test_what_finds_no_room_is_dropped_and_counted() -> None:
    line = LocalAudioTransport(LocalAudioSettings(buffer=0.05), FakeSoundDevice())
    await line.open(Receiver())
    for frame in sounds.frames(sounds.speech_like(0.1, 24000), 24000):
        line.send_nowait(frame)
    assert line.unplayed == pytest.approx(0.05)
    assert line.dropped == 1200
    await line.aclose()


@pytest.mark.parametrize("kind", ["microphone", "loudspeaker"])
async def test_a_device_that_is_not_there_is_told_and_nothing_is_left_open(kind: str) -> None:
    device = FakeSoundDevice(fails=kind)
    line = LocalAudioTransport(backend=device)
    with pytest.raises(ProviderError, match=r"Invalid device.*talk --devices"):
        await line.open(Receiver())
    assert sum("closes" in each for each in device.log) == len(device.streams)
    with pytest.raises(ClosedError):
        await line.open(Receiver())


async def test_a_conversation_is_printed(capsys: pytest.CaptureFixture[str]) -> None:
    device = FakeSoundDevice()
    voice = VoiceContainer(Settings(overrides=(), config=None))
    with (
        voice.stt.override(ScriptedSTT(["good morning"])),
        voice.tts.override(ScriptedTTS()),
        voice.vad.override(AmplitudeVAD()),
    ):
        talking = asyncio.create_task(
            converse(voice, ScriptedAgent(["hello there"]), LocalAudioTransport(backend=device))
        )
        await device.started.wait()
        sound = np.concatenate([sounds.speech_like(0.6, 16000), np.zeros(48000, np.int16)])
        for frame in sounds.frames(sound, 16000):
            device.streams["microphone"].callback(frame.tobytes(), len(frame), None, None)
            await asyncio.sleep(0.02)
        talking.cancel()
        await asyncio.wait([talking])
    assert capsys.readouterr().out == "you> good morning\nagent> hello there\n"


# -- the command --


@pytest.fixture
def sounddevice(monkeypatch: pytest.MonkeyPatch) -> FakeSoundDevice:
    fake = FakeSoundDevice()
    module = ModuleType("sounddevice")
    module.__dict__.update(query_devices=fake.query_devices, PortAudioError=fake.PortAudioError)
    monkeypatch.setitem(sys.modules, "sounddevice", module)
    return fake


@pytest.mark.usefixtures("sounddevice")
def test_devices_are_listed() -> None:
    shown = CliRunner().invoke(talk, ["--devices"], obj=App())
    assert shown.output == "  0  Headset  (microphone, loudspeaker)\n  1  HDMI  (loudspeaker)\n"
    told = json.loads(CliRunner().invoke(talk, ["--devices", "--json"], obj=App()).output)
    assert told["devices"][1] == {"number": 1, "name": "HDMI", "microphone": False, "loudspeaker": True}


def test_json_goes_with_devices_alone() -> None:
    assert CliRunner().invoke(talk, ["--json"], obj=App()).exit_code == 2


def test_a_machine_without_portaudio_is_told_what_to_install(
    monkeypatch: pytest.MonkeyPatch, tmp_path: object
) -> None:
    with open(f"{tmp_path}/sounddevice.py", "w") as module:
        module.write("raise OSError('PortAudio library not found')\n")
    monkeypatch.delitem(sys.modules, "sounddevice", raising=False)
    monkeypatch.syspath_prepend(str(tmp_path))
    with pytest.raises(PluginError, match="libportaudio2"):
        backend.load()


def test_the_meter_is_empty_in_silence_and_full_at_full_scale() -> None:
    assert level(np.zeros(320, np.int16)) == level(np.zeros(0, np.int16)) == FLOOR
    assert bar(FLOOR) == "." * 20
    assert bar(level(np.full(320, -32768, np.int16))) == "#" * 20
    assert bar(-30) == "#" * 10 + "." * 10
