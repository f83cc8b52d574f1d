# SPDX-License-Identifier: GPL-3.0-or-later
"""The contract's promises, by the checks that every TTS has to pass."""

from __future__ import annotations

from beluga_voice.testing import check_tts
from beluga_voice_espeak.tts import EspeakTTS


async def test_keeps_the_contract_of_a_tts() -> None:
    text = "The quick brown fox jumps over the lazy dog, in the end."
    await check_tts(EspeakTTS, text=text, voices=("en-us", "en-gb", "en-us+f3"))
