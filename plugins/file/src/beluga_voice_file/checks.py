"""Does the line keep its contract? With a recording that is made for it."""

from __future__ import annotations

from pathlib import Path
from tempfile import TemporaryDirectory

from beluga_voice.audio.wav import WavWriter
from beluga_voice.testing import check_transport, sounds
from beluga_voice_file.settings import FileSettings
from beluga_voice_file.transport import FileTransport

RATE = 22050
"""Hz of the recording: another one than the session's, as recordings have."""


async def check() -> None:
    """Hold the transport to its contract, in a folder of its own.

    Raises:
        AssertionError: a promise is broken.
    """
    with TemporaryDirectory() as folder:
        path = Path(folder) / "question.wav"
        writer = WavWriter(path, RATE, channels=1)
        writer.write(sounds.noise(0.5, RATE)[:, None])
        writer.close()
        settings = FileSettings(path=path, record=Path(folder) / "call.wav", trailing_silence=0.1)
        await check_transport(lambda: FileTransport(settings))
