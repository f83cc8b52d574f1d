"""Turns with labelled silences on disk, in the public schema of eot-bench.

The schema has, for each turn of a caller, `id`, `language`, `audio` and `silence_spans`, a list of `start` and
`end` in seconds: the last span is the end of the turn, each one before it a pause within. `words` (`word`, `start`,
`end`) is optional, and other fields are allowed. On disk it is what dataset libraries call an audio folder:
`metadata.jsonl` with one object a line, whose `file_name` is the WAV file beside it that becomes `audio`.

Two fields of ours are optional as well: turns of one `speaker` follow each other in one call, and turns of one
`source` (a sentence, a recording) are not independent of each other.
"""

from __future__ import annotations

import json
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from itertools import pairwise
from pathlib import Path
from typing import cast

import numpy as np
from numpy.typing import NDArray

from beluga_voice.audio import Resampler
from beluga_voice.audio.wav import WavWriter, read_wav
from beluga_voice.errors import BelugaVoiceError
from beluga_voice.words import Word

SAMPLE_RATE = 16000
METADATA = "metadata.jsonl"
REQUIRED = ("id", "language", "silence_spans")

MIN_PAUSE, MAX_PAUSE = 0.2, 5.0
"""Seconds of the pauses that count, as in eot-bench: nobody takes a shorter one for an end."""

_STRETCH = 0.05
"""Seconds of speech between two spans from which they hold a word."""

Samples = NDArray[np.int16]


class DatasetError(Exception):
    """A dataset does not hold what the schema asks for; the text names the place and the remedy."""


@dataclass(frozen=True, slots=True)
class Span:
    """A silence, in seconds of the turn's audio."""

    start: float
    end: float

    @property
    def counts(self) -> bool:
        """Whether it is neither too short nor too long for a pause within a turn."""
        return MIN_PAUSE - 1e-6 <= self.end - self.start <= MAX_PAUSE


@dataclass(frozen=True, slots=True, eq=False)
class Turn:
    """One turn of a caller.

    Attributes:
        id: unique in its dataset.
        language: BCP 47 tag.
        samples: int16 at 16 kHz, shape ``(n,)``.
        spans: the silences in their order; the last one begins where the turn ends.
        words: when each was said; empty if the dataset does not tell.
        speaker: turns of one speaker are one call.
        source: turns of one source are drawn together when intervals are estimated.
    """

    id: str
    language: str
    samples: Samples
    spans: tuple[Span, ...]
    words: tuple[Word, ...]
    speaker: str
    source: str

    @property
    def end(self) -> float:
        """When the caller is done."""
        return self.spans[-1].start

    @property
    def pauses(self) -> tuple[Span, ...]:
        """The silences within it that count."""
        return tuple(span for span in self.spans[:-1] if span.counts)

    def said(self) -> tuple[Word, ...]:
        """Its words; where it has none, one that says nothing for each stretch of speech."""
        if self.words:
            return self.words
        starts = [0.0, *(span.end for span in self.spans[:-1])]
        stretches = zip(starts, (span.start for span in self.spans), strict=True)
        return tuple(Word("speech", start, end) for start, end in stretches if end - start >= _STRETCH)


def write_dataset(turns: Iterable[Turn], folder: Path) -> None:
    """Write turns as an audio folder; files of the same names are replaced.

    Raises:
        DatasetError: the folder cannot be written.
    """
    try:
        (folder / "audio").mkdir(parents=True, exist_ok=True)
        lines = [_write(turn, folder) for turn in turns]
        (folder / METADATA).write_text("".join(lines), encoding="utf-8")
    except (OSError, BelugaVoiceError) as error:
        raise DatasetError(f"cannot write {folder}: {error}; name a folder that can be written") from error


def _write(turn: Turn, folder: Path) -> str:
    name = f"audio/{turn.id}.wav"
    writer = WavWriter(folder / name, SAMPLE_RATE, 1)
    writer.write(turn.samples)
    writer.close()
    row = {
        "file_name": name,
        "id": turn.id,
        "language": turn.language,
        "silence_spans": [{"start": span.start, "end": span.end} for span in turn.spans],
        "words": [{"word": word.text, "start": word.start, "end": word.end} for word in turn.words],
        "speaker": turn.speaker,
        "source": turn.source,
    }
    return json.dumps(row, ensure_ascii=False) + "\n"


def read_dataset(folder: Path) -> list[Turn]:
    """Read an audio folder, in the order of its lines.

    Raises:
        DatasetError: the folder, a file or a field is missing, or labels contradict each other or the audio.
    """
    path = folder / METADATA
    try:
        text = path.read_text(encoding="utf-8")
    except (OSError, UnicodeDecodeError) as error:
        raise DatasetError(
            f"cannot read {path}: {error}; a dataset is a folder with a {METADATA}, one JSON object a line"
        ) from error
    turns: dict[str, Turn] = {}
    for number, line in enumerate(text.splitlines(), 1):
        if line.strip():
            turn = _Reader(folder, f"{path} line {number}").read(line)
            if turn.id in turns:
                raise DatasetError(f"{path} line {number}: id {turn.id!r} is there twice; ids are unique")
            turns[turn.id] = turn
    if not turns:
        raise DatasetError(f"{path} has no rows; at least one is needed")
    return list(turns.values())


class _Reader:
    """Reads one row, and knows its place for errors."""

    def __init__(self, folder: Path, place: str) -> None:
        self._folder, self._place = folder, place

    def read(self, line: str) -> Turn:
        row = self._parse(line)
        samples = self._samples(row)
        identity = str(row["id"])
        return Turn(
            identity,
            str(row["language"]),
            samples,
            self._spans(row, len(samples) / SAMPLE_RATE),
            self._words(row),
            str(row.get("speaker", identity)),
            str(row.get("source", identity)),
        )

    def _parse(self, line: str) -> dict[str, object]:
        try:
            row = json.loads(line)
        except ValueError as error:
            raise self._error(f"is no JSON ({error})", "write one object a line") from error
        if not isinstance(row, dict):
            raise self._error(f"is {type(row).__name__}, not an object", "write one object a line")
        missing = [name for name in REQUIRED if name not in row]
        if missing:
            raise self._error(f"has no {missing[0]!r}", f"each row has {', '.join(REQUIRED)} and its audio")
        return row

    def _samples(self, row: dict[str, object]) -> Samples:
        audio = row.get("file_name", row.get("audio"))
        name = audio.get("path") if isinstance(audio, dict) else audio
        if not isinstance(name, str) or not name:
            raise self._error("names no audio", "give the WAV file's name as 'file_name'")
        try:
            wav = read_wav(self._folder / name)
        except BelugaVoiceError as error:
            raise self._error(f"has no audio that can be read: {error}", "name a WAV file") from error
        if wav.sample_rate == SAMPLE_RATE:
            return wav.samples
        return resampled(wav.samples, wav.sample_rate)

    def _spans(self, row: dict[str, object], seconds: float) -> tuple[Span, ...]:
        spans = tuple(Span(start, end) for start, end, _ in self._times(row, "silence_spans"))
        if not spans:
            raise self._error("has no silence", "the last of silence_spans is the end of the turn")
        if spans[-1].start > seconds + 0.1 or spans[0].start < 0:
            raise self._error(
                f"has a silence from {spans[-1].start:g} s in {seconds:g} s of audio",
                "spans are seconds of the row's own audio",
            )
        return spans

    def _words(self, row: dict[str, object]) -> tuple[Word, ...]:
        found = self._times(row, "words")
        words = tuple(Word(str(other.get("word", "")).strip(), start, end) for start, end, other in found)
        if not all(word.text for word in words):
            raise self._error("has a word without its text", "each of words has word, start and end")
        return words

    def _times(self, row: dict[str, object], name: str) -> Sequence[tuple[float, float, dict[str, object]]]:
        found = row.get(name) or ()
        try:
            times = [
                (float(each["start"]), float(each["end"]), each)
                for each in cast("Sequence[dict[str, float]]", found)
            ]
        except (TypeError, KeyError, ValueError) as error:
            raise self._error(
                f"has {name} of another form", "each is an object with start and end"
            ) from error
        for start, end, _ in times:
            if not start <= end < float("inf") or (name == "silence_spans" and start == end):
                raise self._error(f"has in {name} one from {start:g} to {end:g} s", "it ends after its start")
        for before, after in _pairs(times):
            if name == "silence_spans" and after[0] < before[1]:
                raise self._error(
                    f"has silences that overlap at {after[0]:g} s",
                    "give them in order, each behind the other",
                )
        return cast("Sequence[tuple[float, float, dict[str, object]]]", times)

    def _error(self, what: str, remedy: str) -> DatasetError:
        return DatasetError(f"{self._place} {what}; {remedy}")


def _pairs(items: Sequence[tuple[float, float, object]]) -> Iterator[tuple[tuple[float, ...], ...]]:
    for before, after in pairwise(items):
        yield before[:2], after[:2]


def resampled(samples: Samples, rate: int) -> Samples:
    """Return audio of another rate at 16 kHz."""
    resampler = Resampler(rate, SAMPLE_RATE)
    return np.concatenate([resampler.process(samples), resampler.flush()])
