"""PortAudio, as far as it is used: what sounddevice has, and a clear word where it cannot be had."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from typing import Protocol, cast

from beluga_voice.errors import PluginError

MISSING = (
    "PortAudio is not installed on this machine, and microphone and loudspeaker are reached by it. "
    'Try: "sudo apt install libportaudio2" on Debian and Ubuntu, "sudo dnf install portaudio" on Fedora'
)


class Stream(Protocol):
    """A stream of a device."""

    def start(self) -> None: ...

    def stop(self) -> None: ...

    def close(self) -> None: ...


class SoundDevice(Protocol):
    """The module `sounddevice`."""

    @property
    def PortAudioError(self) -> type[Exception]: ...  # noqa: N802 - its name

    def RawInputStream(  # noqa: N802 - its name
        self,
        *,
        samplerate: int,
        blocksize: int,
        device: int | str | None,
        channels: int,
        dtype: str,
        callback: Callable[[bytes, int, object, object], None],
    ) -> Stream: ...

    def RawOutputStream(  # noqa: N802 - its name
        self,
        *,
        samplerate: int,
        blocksize: int,
        device: int | str | None,
        channels: int,
        dtype: str,
        callback: Callable[[bytearray, int, object, object], None],
    ) -> Stream: ...

    def query_devices(self) -> Sequence[Mapping[str, object]]: ...


def load() -> SoundDevice:
    """Return sounddevice.

    Raises:
        PluginError: PortAudio is not installed.
    """
    try:
        import sounddevice  # type: ignore[import-untyped]
    except OSError:
        raise PluginError(MISSING) from None
    return cast("SoundDevice", sounddevice)
