"""The detector keeps its contract."""

from __future__ import annotations

from typing import TYPE_CHECKING

from beluga_voice.audio import AudioFrame
from beluga_voice.testing import check_vad
from beluga_voice_silero.vad import SileroVAD

if TYPE_CHECKING:
    from conftest import Ears


async def test_keeps_its_contract(ears: Ears) -> None:
    await check_vad(SileroVAD, speech=AudioFrame(ears.speech(2.0), 16000))
