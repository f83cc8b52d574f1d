"""The contract's promises, by the checks that every transport has to pass."""

from __future__ import annotations

from pathlib import Path

import numpy as np

from beluga_voice.audio.wav import WavWriter
from beluga_voice.testing import check_transport
from beluga_voice_file.settings import FileSettings
from beluga_voice_file.transport import FileTransport


async def test_keeps_the_contract_of_a_transport(tmp_path: Path) -> None:
    path = tmp_path / "question.wav"
    writer = WavWriter(path, 22050, channels=1)
    writer.write(np.random.default_rng(1).integers(-9000, 9000, (11025, 1)).astype(np.int16))
    writer.close()
    settings = FileSettings(path=path, record=tmp_path / "call.wav", trailing_silence=0.1)
    await check_transport(lambda: FileTransport(settings))
