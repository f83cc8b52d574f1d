"""Callers' files of every kind, and files that are none, as `beluga-voice run` meets them."""

from __future__ import annotations

import json
import struct
from collections.abc import Callable
from pathlib import Path

import numpy as np
import pytest
from numpy.typing import NDArray

from beluga_voice.audio import Resampler

from .conftest import RATE, Run, is_one_sentence, write

FLOAT, EXTENSIBLE = 3, 0xFFFE


def wav(data: bytes, *, code: int = 1, channels: int = 1, rate: int = RATE, bits: int = 16) -> bytes:
    frame = channels * bits // 8
    form = struct.pack("<4sIHHIIHH", b"fmt ", 16, code, channels, rate, rate * frame, frame, bits)
    body = b"WAVE" + form + struct.pack("<4sI", b"data", len(data)) + data
    return struct.pack("<4sI", b"RIFF", len(body)) + body


def at(rate: int, speech: NDArray[np.int16]) -> bytes:
    resampler = Resampler(RATE, rate)
    data = np.concatenate([resampler.process(speech), resampler.flush()])
    return wav(data.astype("<i2").tobytes(), rate=rate)


FORMS: dict[str, Callable[[NDArray[np.int16]], bytes]] = {
    "8-bit": lambda s: wav((s // 256 + 128).astype(np.uint8).tobytes(), bits=8),
    "24-bit": lambda s: wav((s.astype("<i4") << 8).view(np.uint8).reshape(-1, 4)[:, :3].tobytes(), bits=24),
    "float": lambda s: wav((s / 32768).astype("<f4").tobytes(), code=FLOAT, bits=32),
    "float-with-nan": lambda s: wav(
        np.where(np.arange(len(s)) % 4000 == 0, np.nan, s / 32768).astype("<f4").tobytes(),
        code=FLOAT,
        bits=32,
    ),
    "stereo": lambda s: wav(np.repeat(s, 2).astype("<i2").tobytes(), channels=2),
    "12345-hz": lambda s: at(12345, s),
    "half-a-sample-at-the-end": lambda s: wav(s.astype("<i2").tobytes() + b"\x01"),
    "cut-off": lambda s: wav(s.astype("<i2").tobytes() + bytes(99_999))[:-99_999],
}


def test_a_caller_s_file_of_any_form_is_heard(
    run: Run, folder: Path, speech: NDArray[np.int16], grammar: str, caplog: pytest.LogCaptureFixture
) -> None:
    files = [folder / f"{form}.wav" for form in FORMS]
    for file, make in zip(files, FORMS.values(), strict=True):
        file.write_bytes(make(speech))
    done = run("run", "--fast", "--json", "--set", grammar, *files)
    assert done.exit_code == 0
    heard = {
        Path(each["file"]).stem: [turn["transcript"] for turn in each["turns"]]
        for each in json.loads(done.stdout)["files"]
    }
    assert heard == {form: ["king of diamonds"] for form in FORMS}
    (told,) = [each.getMessage() for each in caplog.records if "cut off" in each.getMessage()]
    assert "cut-off.wav is cut off: it announces" in told


def test_a_recording_with_too_little_band_is_played_and_said_to_be_one(
    run: Run, folder: Path, speech: NDArray[np.int16], caplog: pytest.LogCaptureFixture
) -> None:
    (folder / "narrow.wav").write_bytes(at(11025, speech))
    done = run("run", "--fast", "--json", "narrow.wav")
    (call,) = json.loads(done.stdout)["files"]
    assert (done.exit_code, call["failures"], call["ended"]) == (0, [], "end_of_input")
    assert call["turns"]
    assert "narrow.wav is at 11025 Hz and holds nothing above 5512 Hz" in caplog.text
    assert "record at 16000 Hz or more" in caplog.text


WHOLE = wav(bytes(640))

NO_AUDIO = {
    "empty": (b"", "is empty; a WAV file begins with a header: record or export it again"),
    "text": (b"dear diary, this is text", "is no WAV file: it begins with b'dear diary, '"),
    "of half a header": (WHOLE[:30], "has a 'fmt ' chunk of 10 bytes; it has at least 16"),
    "without its audio": (WHOLE[:44], "holds 0 samples; at least one is needed"),
    "of a coding unknown": (wav(bytes(640), code=2, bits=4), "holds WAVE format 0x0002 of 4 bits"),
    "of no rate": (wav(bytes(640), rate=0), "has 0 Hz; allowed are 1000 to 384000 Hz"),
    "of no channel": (wav(bytes(640), channels=0), "holds WAVE format 0x0001 of 16 bits, 0 channel(s)"),
}


@pytest.mark.parametrize("kind", NO_AUDIO)
def test_a_file_that_is_no_audio_is_refused_in_a_sentence(run: Run, folder: Path, kind: str) -> None:
    content, sentence = NO_AUDIO[kind]
    (folder / "bad.wav").write_bytes(content)
    done = run("run", "--fast", "bad.wav")
    assert (done.exit_code, done.stdout) == (2, "")
    assert is_one_sentence(done.stderr)
    assert done.stderr.startswith(f"error: bad.wav {sentence}")


def test_a_file_that_is_not_there_or_a_folder_is_named(run: Run, folder: Path) -> None:
    assert run("run", "gone.wav").stderr == "error: no file 'gone.wav'; give the path of a WAV file\n"
    (folder / "some.wav").mkdir()
    assert "'some.wav' is a directory" in run("run", "some.wav").stderr


def test_of_many_files_the_one_that_is_no_audio_is_told_before_the_first_call(
    run: Run, caller: Path, folder: Path
) -> None:
    (folder / "bad.wav").write_text("no audio")
    done = run("run", "--fast", "--record", "calls", caller, "bad.wav")
    assert (done.exit_code, done.stdout) == (2, "")
    assert "bad.wav is no WAV file" in done.stderr
    assert not (folder / "calls").exists()


# -- what is written --


def test_what_cannot_be_recorded_is_refused_and_overwrites_nothing(
    run: Run, caller: Path, folder: Path
) -> None:
    (folder / "file").write_text("x")
    (folder / "other").mkdir()
    twin = write(folder / "other/caller.wav", np.zeros(RATE, np.int16))
    another = write(folder / "another.wav", np.zeros(RATE, np.int16))
    before = caller.read_bytes()
    for arguments, sentence in {
        ("--record", caller, caller): "is the file that is played; name another",
        ("--record", "gone/call.wav", caller): "cannot write gone/call.wav: No such file or directory",
        (
            "--record",
            "file",
            caller,
            another,
        ): "--record 'file' is no folder and cannot be made one: File exists",
        ("--record", "calls", caller, twin): "2 of the files would be recorded to 'calls/caller.wav'",
        ("--set", "session.record=c.wav", caller, twin): "session.record is 'c.wav' for 2 calls",
        ("--set", "session.journal=c", caller, twin): "put {session_id} in it",
    }.items():
        done = run("run", "--fast", *arguments)
        assert done.exit_code == 2
        assert is_one_sentence(done.stderr)
        assert sentence in done.stderr
    assert caller.read_bytes() == before


@pytest.mark.skipif(not Path("/dev/full").exists(), reason="no device that is always full")
def test_a_full_disk_ends_what_is_kept_and_not_the_call(run: Run, caller: Path, grammar: str) -> None:
    kept = ("--set", "session.record=/dev/full", "--set", "session.journal=/dev/full")
    done = run("run", "--fast", "--json", "--set", grammar, *kept, caller)
    (call,) = json.loads(done.stdout)["files"]
    assert [turn["transcript"] for turn in call["turns"]] == ["king of diamonds"]
    assert call["failures"] == [
        "recorder: the recording ends here and the call goes on: No space left on device",
        "journal: the journal ends here and the call goes on: No space left on device",
    ]
    assert (done.exit_code, call["ended"]) == (0, "end_of_input")


@pytest.mark.skipif(not Path("/dev/full").exists(), reason="no device that is always full")
def test_a_full_disk_refuses_a_call_that_was_to_be_recorded(run: Run, caller: Path) -> None:
    done = run("run", "--fast", "--record", "/dev/full", caller)
    assert done.exit_code == 2
    assert "recording to /dev/full failed: No space left on device" in done.stderr
