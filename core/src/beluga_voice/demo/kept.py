"""What a TTS gave, kept beside the recording: the demonstration's evidence."""

from __future__ import annotations

import json
from collections.abc import AsyncGenerator
from contextlib import aclosing
from dataclasses import dataclass, field
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from beluga_voice.audio.wav import WavWriter, read_wav
from beluga_voice.contracts import TTS, Speech, SpeechOptions, TTSStream
from beluga_voice.contracts.tts import PLAIN_SPEECH
from beluga_voice.demo.script import Line, Means

CONTENTS = "contents.json"


@dataclass(frozen=True, slots=True)
class CallerSound:
    """A sound of the caller's, and what it is.

    Attributes:
        text: the words in it; empty for a cough.
        pause: seconds of silence within it, between its two parts.
    """

    means: Means
    text: str
    pause: float
    samples: NDArray[np.int16]


@dataclass(frozen=True, slots=True)
class AgentPiece:
    """A piece of the agent's text, and the audio that the TTS gave for it."""

    text: str
    samples: NDArray[np.int16]


@dataclass(frozen=True, slots=True)
class Kept:
    """All audio that was synthesised for a call, in its order."""

    sample_rate: int
    caller: tuple[CallerSound, ...]
    agent: tuple[AgentPiece, ...]


@dataclass(slots=True)
class _Piece:
    text: str
    frames: list[NDArray[np.int16]] = field(default_factory=list)


class KeepingTTS(TTS):
    """Speaks through another TTS, which it opens and closes, and keeps what that one gave."""

    def __init__(self, tts: TTS) -> None:
        self._tts = tts
        self.sample_rate = tts.sample_rate
        self.word_timestamps = tts.word_timestamps
        self._pieces: list[_Piece] = []

    @property
    def pieces(self) -> tuple[AgentPiece, ...]:
        """What was asked for and what was given, until now."""
        nothing = np.zeros(0, np.int16)
        return tuple(AgentPiece(each.text, np.concatenate([nothing, *each.frames])) for each in self._pieces)

    async def open(self) -> None:
        """Open the other."""
        await self._tts.open()
        self.sample_rate, self.word_timestamps = self._tts.sample_rate, self._tts.word_timestamps
        self.honours = self._tts.honours

    async def aclose(self) -> None:
        """Close the other."""
        await self._tts.aclose()

    async def open_stream(self) -> TTSStream:
        """Open a stream of the other."""
        return _KeepingStream(await self._tts.open_stream(), self._pieces)


class _KeepingStream(TTSStream):
    def __init__(self, stream: TTSStream, pieces: list[_Piece]) -> None:
        self._stream, self._pieces = stream, pieces

    async def synthesize(
        self, text: str, options: SpeechOptions = PLAIN_SPEECH
    ) -> AsyncGenerator[Speech, None]:
        piece = _Piece(text)
        self._pieces.append(piece)
        async with aclosing(self._stream.synthesize(text, options)) as parts:
            async for part in parts:
                piece.frames.append(part.frame.samples.copy())
                yield part

    async def aclose(self) -> None:
        await self._stream.aclose()


def caller_sounds(lines: tuple[Line, ...], samples: list[NDArray[np.int16]]) -> tuple[CallerSound, ...]:
    """Caption the sounds that were made for `lines`."""
    return tuple(
        CallerSound(line.means, line.text, line.pause, sound)
        for line, sound in zip(lines, samples, strict=True)
    )


def write_kept(folder: Path, kept: Kept) -> None:
    """Write each sound as a WAV file into `folder`, and a table of them.

    Raises:
        ConfigurationError: a file cannot be opened for writing.
    """
    folder.mkdir(parents=True, exist_ok=True)
    for old in folder.glob("*.wav"):
        old.unlink()
    caller = [
        {
            "file": _write(folder / f"caller-{number:02}.wav", kept.sample_rate, sound.samples),
            "means": sound.means,
            "text": sound.text,
            "pause": sound.pause,
        }
        for number, sound in enumerate(kept.caller, 1)
    ]
    agent = [
        {
            "file": _write(folder / f"agent-{number:02}.wav", kept.sample_rate, piece.samples),
            "text": piece.text,
        }
        for number, piece in enumerate(kept.agent, 1)
    ]
    table = {"sample_rate": kept.sample_rate, "caller": caller, "agent": agent}
    (folder / CONTENTS).write_text(json.dumps(table, indent=2) + "\n", encoding="utf-8")


def read_kept(folder: Path) -> Kept:
    """Read what `write_kept` wrote.

    Raises:
        ConfigurationError: a file cannot be read.
    """
    table = json.loads((folder / CONTENTS).read_text(encoding="utf-8"))
    caller = [
        CallerSound(Means(each["means"]), each["text"], each["pause"], _read(folder, each["file"]))
        for each in table["caller"]
    ]
    agent = [AgentPiece(each["text"], _read(folder, each["file"])) for each in table["agent"]]
    return Kept(table["sample_rate"], tuple(caller), tuple(agent))


def _write(path: Path, sample_rate: int, samples: NDArray[np.int16]) -> str:
    """Returns the file's name; empty for no samples, of which there is no file."""
    if not len(samples):
        return ""
    writer = WavWriter(path, sample_rate, 1)
    try:
        writer.write(samples)
    finally:
        writer.close()
    return path.name


def _read(folder: Path, name: str) -> NDArray[np.int16]:
    return read_wav(folder / name).samples if name else np.zeros(0, np.int16)
