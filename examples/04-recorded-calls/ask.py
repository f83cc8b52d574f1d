"""Say a sentence into question.wav, and write question.gram, a grammar of what was said.

python ask.py "what time is it"
"""

from __future__ import annotations

import asyncio
import re
import sys
from pathlib import Path

from beluga_voice.audio.wav import WavWriter
from beluga_voice_espeak.tts import EspeakTTS


async def speak(text: str, path: Path) -> None:
    async with EspeakTTS() as tts:
        stream = await tts.open_stream()
        wav = WavWriter(path, tts.sample_rate, channels=1)
        async for speech in stream.synthesize(text):
            wav.write(speech.frame.samples)
        wav.close()
        await stream.aclose()


def write_grammar(text: str, path: Path) -> None:
    words = " ".join(re.findall(r"[\w']+", text.lower()))  # as they stand in the recognizer's dictionary
    path.write_text(f"#JSGF V1.0;\ngrammar question;\npublic <question> = {words};\n", encoding="utf-8")


if __name__ == "__main__":
    sentence = sys.argv[1]
    asyncio.run(speak(sentence, Path("question.wav")))
    write_grammar(sentence, Path("question.gram"))
