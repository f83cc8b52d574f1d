"""A session that is killed in the middle of a turn leaves a journal that replays and a recording that opens."""

from __future__ import annotations

import asyncio
import signal
import sys
from pathlib import Path

import pytest

from beluga_voice import events as ev
from beluga_voice.audio.wav import read_tracks
from beluga_voice.journal.reader import read_journal
from beluga_voice.journal.replay import replay

PROGRAM = """
import asyncio, sys
from beluga_voice.events import TurnOpened
from beluga_voice.session import SessionConfig, VoiceSession
from beluga_voice.testing import AmplitudeVAD, LoopbackTransport, ScriptedAgent, ScriptedSTT, ScriptedTTS

async def main(journal, wav):
    line, vad = LoopbackTransport(input_sample_rate=24000), AmplitudeVAD()
    await vad.open()
    session = VoiceSession(
        stt=ScriptedSTT(["hello"]), tts=ScriptedTTS(), vad=vad, agent=ScriptedAgent(), transport=line,
        config=SessionConfig(journal=journal, record=wav, greeting="Good morning to you."))
    session.on_event(lambda event: isinstance(event, TurnOpened) and print("turn", flush=True))
    async with session:
        await line.silence(2.2)
        await line.speak(60.0)

asyncio.run(main(*sys.argv[1:]))
"""


@pytest.mark.slow
@pytest.mark.real_time
async def test_kill_9_in_mid_turn_leaves_all_but_the_last_two_seconds(tmp_path: Path) -> None:
    journal, wav = tmp_path / "call.jsonl", tmp_path / "call.wav"
    process = await asyncio.create_subprocess_exec(
        sys.executable, "-c", PROGRAM, journal, wav, stdout=asyncio.subprocess.PIPE
    )
    try:
        assert process.stdout is not None
        async with asyncio.timeout(20):
            assert await process.stdout.readline() == b"turn\n"
    finally:
        process.kill()
        assert await process.wait() == -signal.SIGKILL
    read = read_journal(journal)
    assert read.end == ""
    assert replay(read) == ()
    started = [each.event for each in read.decisions if isinstance(each.event, ev.SpeechStarted)]
    assert len(started) == 1
    tracks = read_tracks(wav)
    assert tracks.missing_samples == 0
    assert len(tracks.samples) / 24000 > started[0].at - read.start - 2
    assert tracks.samples[:, 1].any()
