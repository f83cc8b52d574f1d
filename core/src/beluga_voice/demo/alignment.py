"""Finding known audio in a recording, sample by sample. Pure."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

Samples = NDArray[np.int16]

_LOUD = 100
"""Samples beyond this begin a sound: well above a quiet room."""

_SEARCH = 400
"""Samples about its first loud one in which a sound's place is sought, because noise moves that one."""

_HEAD = 4000
"""Samples by which places are compared."""


@dataclass(frozen=True, slots=True)
class Gap:
    """Silence that a recording has between two samples of an utterance.

    Attributes:
        start: its first sample in the recording.
        length: in samples.
        heard: how many samples of the utterance were heard before it.
    """

    start: int
    length: int
    heard: int


@dataclass(frozen=True, slots=True)
class Followed:
    """An utterance as it is found in a recording.

    Attributes:
        start: its first sample in the recording.
        end: behind the last one.
        heard: how many of its samples there are, from its first one on without one left out or repeated.
        gaps: the silences between them.
        differs: the first sample in the recording that is not the utterance's next one; None if there is none.
    """

    start: int
    end: int
    heard: int
    gaps: tuple[Gap, ...]
    differs: int | None = None


def follow(track: Samples, given: Samples, begin: int, until: int | None = None) -> Followed:
    """Follow `given` through `track`: each of its samples in order, with silence between them at most.

    Args:
        track: the recording's side on which it is.
        given: the utterance, as the TTS gave it.
        begin: where in the track to begin.
        until: where it has ended, if it was cut; it need then not be there to its end.
    """
    track = track[:until]
    at, heard = _next_sound(track, begin), 0
    if at is None:
        return Followed(begin, begin, 0, ())
    silent = _next_sound(given, 0) or 0
    start = at = max(at - silent, begin)
    gaps: list[Gap] = []
    while at < len(track) and heard < len(given):
        length = min(len(track) - at, len(given) - heard)
        different = np.flatnonzero(track[at : at + length] != given[heard : heard + length])
        same = int(different[0]) if len(different) else length
        at, heard = at + same, heard + same
        if not len(different):
            break
        sound = _next_sound(track, at)
        if sound == at:
            return Followed(start, at, heard, tuple(gaps), differs=at)
        if sound is None:
            break
        gaps.append(Gap(at, sound - at, heard))
        at = sound
    return Followed(start, at, heard, tuple(gaps))


def find(track: Samples, sound: Samples, begin: int, noise: float) -> int | None:
    """Return where `sound` is in `track`, at or after `begin`, with noise of this standard deviation over it.

    Only the next loud thing in the track is looked at. None if that is something else.
    """
    loud, first = np.flatnonzero(np.abs(track[begin:].astype(np.int32)) > _LOUD), _first_loud(sound)
    if not len(loud):
        return None
    about = begin + int(loud[0]) - first
    places = range(max(about - _SEARCH, 0), min(about + _SEARCH, len(track) - len(sound)) + 1)
    if not places:
        return None
    best = min(places, key=lambda place: _distance(track[place : place + _HEAD], sound[:_HEAD]))
    close = _distance(track[best : best + len(sound)], sound) <= (2 * noise) ** 2
    return best if close else None


def _distance(one: Samples, other: Samples) -> float:
    """Mean square of the difference, as far as the shorter one goes."""
    length = min(len(one), len(other))
    return float(np.mean((one[:length].astype(np.float64) - other[:length]) ** 2))


def _first_loud(samples: Samples) -> int:
    loud = np.flatnonzero(np.abs(samples.astype(np.int32)) > _LOUD)
    return int(loud[0]) if len(loud) else 0


def _next_sound(samples: Samples, begin: int) -> int | None:
    """The first sample at or after `begin` that is not silent."""
    step = 1 << 16
    for start in range(begin, len(samples), step):
        sound = np.flatnonzero(samples[start : start + step])
        if len(sound):
            return start + int(sound[0])
    return None
