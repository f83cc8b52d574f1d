"""What a session keeps of itself: its recording stands on the clock of its journal, and never costs the call."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest

from beluga_voice import events as ev
from beluga_voice.audio.wav import read_tracks
from beluga_voice.errors import ConfigurationError
from beluga_voice.journal.reader import read_journal
from beluga_voice.session.records import expand
from beluga_voice.testing import LoopbackTransport, ScriptedAgent, ScriptedSTT, sounds

ANSWER = "One two three four five six seven eight nine ten."
FULL = pytest.mark.skipif(not Path("/dev/full").exists(), reason="no device that is always full")


async def test_the_recording_holds_each_sample_of_both_at_its_place(running, tmp_path: Path) -> None:
    wav = tmp_path / "call.wav"
    line = LoopbackTransport(input_sample_rate=24000)
    question = sounds.speech_like(1.0, 24000)
    async with running(line=line, agent=ScriptedAgent(otherwise=ANSWER), config={"record": str(wav)}) as rig:
        await line.silence(0.5)
        await line.play(question)
        await line.silence(6.0)
    caller, agent = read_tracks(wav).samples.T
    start = rig.of(ev.SessionStarted)[0].at
    assert caller[12000 : 12000 + len(question)].tolist() == question.tolist()
    assert not caller[:12000].any()
    assert not caller[12000 + len(question) :].any()
    first = round((line.sent[0].at - start) * 24000)
    audio = rig.tts.audio_of(ANSWER)
    assert agent[first : first + len(audio)].tolist() == audio.tolist()
    assert not agent[:first].any()


async def test_the_recording_goes_on_from_the_same_sample_after_a_false_barge_in(
    running, tmp_path: Path
) -> None:
    wav = tmp_path / "call.wav"
    line = LoopbackTransport(input_sample_rate=24000)
    async with running(
        line=line,
        stt=ScriptedSTT(["hello there", "mhm"]),
        agent=ScriptedAgent(otherwise=ANSWER),
        config={"record": str(wav)},
    ) as rig:
        await line.speak(1.0)
        await line.silence(2.0)
        await line.speak(0.3)
        await line.silence(6.0)
    agent = read_tracks(wav).samples[:, 1]
    start = rig.of(ev.SessionStarted)[0].at
    paused, resumed = rig.of(ev.UtterancePaused)[0].at - start, rig.of(ev.UtteranceResumed)[0].at - start
    audio = rig.tts.audio_of(ANSWER).tolist()
    first, again = round((line.sent[0].at - start) * 24000), round(resumed * 24000)
    heard = sum(len(sent.frame) for sent in line.sent if sent.at < resumed + start)
    assert again - (first + heard) > 2400
    assert abs(first + heard - paused * 24000) < 500
    assert agent[first : first + heard].tolist() == audio[:heard]
    assert not agent[first + heard : again].any()
    assert agent[again : again + len(audio) - heard].tolist() == audio[heard:]


async def test_a_caller_at_another_rate_is_recorded_at_the_agent_s(running, tmp_path: Path) -> None:
    wav = tmp_path / "call.wav"
    async with running(config={"record": str(wav)}) as rig:
        await rig.line.silence(0.5)
        await rig.line.speak(1.0)
        await rig.line.silence(1.0)
    read = read_tracks(wav)
    loud = np.flatnonzero(np.abs(read.samples[:, 0].astype(int)) > 300) / read.sample_rate
    assert read.sample_rate == 24000
    assert loud[0] == pytest.approx(0.5, abs=0.02)
    assert loud[-1] == pytest.approx(1.5, abs=0.02)


@FULL
@pytest.mark.parametrize(("setting", "kind"), [("record", "recorder"), ("journal", "journal")])
async def test_a_full_disk_ends_what_is_written_and_not_the_call(running, setting: str, kind: str) -> None:
    async with running(config={setting: "/dev/full"}) as rig:
        await rig.line.speak(1.0)
        await rig.line.silence(2.0)
    (failed,) = rig.of(ev.ProviderFailed)
    assert failed.kind == kind
    assert "No space left on device" in failed.error
    assert not failed.fatal
    assert rig.of(ev.UtteranceEnded)[0].outcome is ev.Outcome.PLAYED


@pytest.mark.parametrize("setting", ["record", "journal"])
async def test_a_path_that_cannot_be_written_refuses_the_start(running, tmp_path: Path, setting: str) -> None:
    path = tmp_path / "nowhere" / "call"
    with pytest.raises(ConfigurationError, match=r"cannot write .*nowhere.*; name a file in a folder that"):
        async with running(config={setting: str(path)}):
            raise AssertionError("it started")


async def test_a_session_that_is_started_again_keeps_what_it_wrote(make, tmp_path: Path) -> None:
    rig = make(vad=None, config={"journal": str(tmp_path / "{session_id}.jsonl"), "session_id": "shop"})
    for _ in range(2):
        async with rig.session:
            pass
    first, second = read_journal(tmp_path / "shop.jsonl"), read_journal(tmp_path / "shop-2.jsonl")
    assert first.header.state is ev.SessionState.INITIAL
    assert second.header.state is ev.SessionState.ENDED
    assert first.end == second.end == "complete"


@pytest.mark.parametrize(
    ("session_id", "run", "path"),
    [
        ("a-1", 1, "calls/a-1.wav"),
        ("a-1", 3, "calls/a-1-3.wav"),
        ("../../etc/x", 1, "calls/_._.._etc_x.wav"),
        (".hidden", 1, "calls/_hidden.wav"),
    ],
)
def test_the_session_s_name_is_part_of_a_file_s_name(session_id: str, run: int, path: str) -> None:
    assert expand("calls/{session_id}.wav", session_id, run) == Path(path)
