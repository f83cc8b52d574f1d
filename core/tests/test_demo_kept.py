"""What a TTS gave is kept as it was."""

from __future__ import annotations

from contextlib import aclosing
from pathlib import Path

import numpy as np

from beluga_voice.demo.kept import AgentPiece, CallerSound, KeepingTTS, Kept, read_kept, write_kept
from beluga_voice.demo.script import Means
from beluga_voice.testing import ScriptedTTS, check_tts


async def test_keeps_each_piece_as_it_was_given_and_gives_it_on() -> None:
    keeping = KeepingTTS(ScriptedTTS())
    async with keeping:
        stream = await keeping.open_stream()
        async with aclosing(stream.synthesize("one two")) as parts:
            given = [part.frame.samples async for part in parts]
        async with aclosing(stream.synthesize("three four five six")) as parts:
            async for part in parts:
                first = part.frame.samples
                break
        await stream.aclose()
    one, other = keeping.pieces
    assert (one.text, other.text) == ("one two", "three four five six")
    assert np.array_equal(one.samples, np.concatenate(given))
    assert np.array_equal(other.samples, first)


async def test_is_a_tts_like_the_one_it_keeps() -> None:
    await check_tts(lambda: KeepingTTS(ScriptedTTS()), text="one two three four five six seven")


def test_is_read_as_it_was_written_and_replaces_what_was_kept_before(tmp_path: Path) -> None:
    samples = np.arange(-500, 500, dtype=np.int16)
    kept = Kept(
        22050,
        (
            CallerSound(Means.TURN, "where is it", 0.9, samples),
            CallerSound(Means.COUGH, "", 0.0, samples[::-1]),
        ),
        (AgentPiece("Here.", samples * 2), AgentPiece("Nothing.", samples[:0])),
    )
    write_kept(tmp_path / "speech", Kept(22050, kept.caller * 3, kept.agent * 3))
    write_kept(tmp_path / "speech", kept)
    read = read_kept(tmp_path / "speech")
    assert read.sample_rate == 22050
    assert [(s.means, s.text, s.pause) for s in read.caller] == [
        (Means.TURN, "where is it", 0.9),
        (Means.COUGH, "", 0.0),
    ]
    assert [piece.text for piece in read.agent] == ["Here.", "Nothing."]
    for one, other in zip((*read.caller, *read.agent), (*kept.caller, *kept.agent), strict=True):
        assert np.array_equal(one.samples, other.samples)
    assert len(list((tmp_path / "speech").glob("*.wav"))) == 3
