"""What a session keeps of itself: its recording stands on the clock of its journal, and never costs the call."""

from __future__ import annotations

import signal
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import numpy as np
import pytest

from beluga_voice import events as ev
from beluga_voice.audio import AudioFrame
from beluga_voice.audio.wav import read_tracks
from beluga_voice.errors import ConfigurationError, ProviderError
from beluga_voice.journal.format import Header
from beluga_voice.journal.reader import read_journal
from beluga_voice.session import SessionConfig
from beluga_voice.session.records import Records, expand
from beluga_voice.testing import LoopbackTransport, ScriptedAgent, ScriptedSTT, sounds
from beluga_voice.turns import Abilities, TurnPolicy

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


@contextmanager
def full_disk(size: int) -> Iterator[None]:
    """No file may grow beyond `size` bytes: what the disk still took is there, and then it is full."""
    resource = pytest.importorskip("resource")
    before = resource.getrlimit(resource.RLIMIT_FSIZE)
    ignored = signal.signal(signal.SIGXFSZ, signal.SIG_IGN)
    resource.setrlimit(resource.RLIMIT_FSIZE, (size, before[1]))
    try:
        yield
    finally:
        resource.setrlimit(resource.RLIMIT_FSIZE, before)
        signal.signal(signal.SIGXFSZ, ignored)


def opened(folder: Path, failures: list[tuple[str, ProviderError]]) -> Records:
    config = SessionConfig(journal=str(folder / "call.jsonl"), record=str(folder / "call.wav"))
    header = Header(session_id="s", policy=TurnPolicy(), abilities=Abilities())
    records = Records(config, header, run=1, failed=lambda *failure: failures.append(failure))
    records.open(24000)
    records.decided(ev.SessionStarted(0.0), [])
    records.told(ev.TextGiven(0.0, 1, "hello"))
    return records


def score(records: Records) -> None:
    for place in range(33):
        records.scored(512 * place, 512 * (place + 1), 0.5)


@pytest.mark.parametrize(
    "write",
    [
        lambda records: records.decided(ev.TextReceived(1.0, "hello"), []),
        lambda records: records.told(ev.TextGiven(1.0, 1, "hello")),
        score,
        lambda records: records.close(),
    ],
    ids=["decided", "told", "scored", "close"],
)
def test_a_disk_that_fills_up_ends_the_journal_once_and_leaves_what_was_written(
    tmp_path: Path, write
) -> None:
    failures: list[tuple[str, ProviderError]] = []
    records = opened(tmp_path, failures)
    path = tmp_path / "call.jsonl"
    with full_disk(path.stat().st_size + 5):
        write(records)
        write(records)
    assert [kind for kind, _ in failures] == ["journal"]
    assert str(failures[0][1]) == "the journal ends here and the call goes on: File too large"
    read = read_journal(path)
    assert read.torn
    assert [type(entry).__name__ for entry in read.entries] == ["Decision", "Told"]
    records.close()
    records.close()


@pytest.mark.parametrize("side", ["caller", "agent", "close"])
def test_a_disk_that_fills_up_ends_the_recording_once_and_leaves_what_was_written(
    tmp_path: Path, side: str
) -> None:
    failures: list[tuple[str, ProviderError]] = []
    records = opened(tmp_path, failures)
    second = AudioFrame(np.full(24000, 7, np.int16), 24000)
    for now in (1.0, 2.0):
        records.heard(second, now)
    with full_disk((tmp_path / "call.wav").stat().st_size + 1001):
        if side == "close":
            records.close()
        for now in (3.0, 4.0):
            if side == "caller":
                records.heard(second, now)
            elif side == "agent":
                records.sent(second, now)
    assert [kind for kind, _ in failures] == ["recorder"]
    read = read_tracks(tmp_path / "call.wav")
    assert read.samples[:, 0].tolist() == [7] * 24000
    records.close()


def test_what_is_no_value_of_an_event_ends_the_journal_and_not_the_call(tmp_path: Path) -> None:
    failures: list[tuple[str, ProviderError]] = []
    records = opened(tmp_path, failures)
    records.decided(ev.TextReceived(1.0, b"hello"), [])  # type: ignore[arg-type]
    records.close()
    ((kind, error),) = failures
    assert kind == "journal"
    assert "b'hello' of type bytes has no place in a journal" in str(error)
