"""Audio on its way to a recognizer, kept until it is acknowledged. Pure.

The law of `SentAudio`:

1. Audio and `finalize` requests form one line, in the order in which they were given.
2. Of the line, what was sent stands before what was not; `rewind` makes all of it unsent.
3. Audio leaves the line when a final or the vendor's word covers it, or when more than `keep` seconds of it
   are there: then the oldest that was sent.
4. A request leaves the line when it is answered, with all audio before it.
"""

from __future__ import annotations

from collections import deque
from dataclasses import dataclass, replace
from typing import TypeAlias

import numpy as np

from beluga_voice.audio import AudioFrame
from beluga_voice.contracts import Transcript
from beluga_voice.words import Word

AHEAD = 0.5
"""Seconds of audio that may wait to be sent; who gives more has to wait."""

SAME = 0.01
"""Seconds by which the times of two finals may differ that are one."""


@dataclass(slots=True)
class Finalize:
    """A request for final words.

    Attributes:
        empty: no audio was given since the request before: it needs no answer of the vendor's.
        sent_at: when it was sent.
    """

    empty: bool
    sent_at: float = 0.0


@dataclass(slots=True)
class _Audio:
    """Samples from `start` on, counted over the whole stream."""

    frame: AudioFrame
    start: int

    @property
    def end(self) -> int:
        return self.start + len(self.frame)


_Item: TypeAlias = _Audio | Finalize


class SentAudio:
    """What a recognizer was given and may have to be given again; its law stands at the top of the module.

    Args:
        sample_rate: in Hz.
        keep: seconds of audio that are kept at most.
    """

    def __init__(self, sample_rate: int, *, keep: float) -> None:
        self._rate = sample_rate
        self._keep_samples = round(keep * sample_rate)
        self._sent: deque[_Item] = deque()
        self._unsent: deque[_Item] = deque()
        self._given = 0
        self._unsent_samples = 0
        self._kept_samples = 0
        self._base: int | None = None
        self._finals: deque[Transcript] = deque(maxlen=16)

    # -- in --

    @property
    def full(self) -> bool:
        """Whether who gives audio has to wait."""
        return self._unsent_samples >= AHEAD * self._rate

    def add(self, frame: AudioFrame) -> None:
        """Take a frame; its samples are copied."""
        copied = AudioFrame(frame.samples.copy(), frame.sample_rate, self._given)
        self._unsent.append(_Audio(copied, self._given))
        self._given += len(frame)
        self._unsent_samples += len(frame)
        self._kept_samples += len(frame)

    def add_finalize(self) -> None:
        """Take a request for final words."""
        last = self._unsent[-1] if self._unsent else self._sent[-1] if self._sent else None
        self._unsent.append(Finalize(empty=not isinstance(last, _Audio)))

    # -- out --

    def next(self, least: float, now: float) -> AudioFrame | Finalize | None:
        """Return what is to be sent next, and take it as sent; None while there is less than `least` seconds."""
        while self._unsent:
            item = self._unsent[0]
            if isinstance(item, Finalize):
                item.sent_at = now
                self._sent.append(self._unsent.popleft())
                if not item.empty:
                    return item
                continue
            return self._next_audio(round(least * self._rate))
        return None

    def _next_audio(self, least: int) -> AudioFrame | None:
        taken: list[_Audio] = []
        samples = 0
        for item in self._unsent:
            if isinstance(item, Finalize):
                break
            taken.append(item)
            samples += len(item.frame)
            if samples >= least:
                break
        else:
            return None  # neither enough, nor asked for what there is
        for audio in taken:
            self._sent.append(self._unsent.popleft())
            if self._base is None:
                self._base = audio.start
        self._unsent_samples -= samples
        self._drop_oldest()
        if len(taken) == 1:
            return taken[0].frame
        joined = np.concatenate([audio.frame.samples for audio in taken])
        return AudioFrame(joined, self._rate, taken[0].start)

    def _drop_oldest(self) -> None:
        while self._kept_samples > self._keep_samples and self._sent and isinstance(self._sent[0], _Audio):
            self._let_go(self._sent.popleft())

    def rewind(self) -> None:
        """The connection is lost: what is not acknowledged is to be sent again, on the next."""
        self._unsent.extendleft(reversed(self._sent))
        self._sent.clear()
        self._unsent_samples = self._kept_samples
        self._base = None

    # -- what the vendor says --

    @property
    def asked(self) -> Finalize | None:
        """The request that was sent and is to be answered next; None if all are answered."""
        return next((item for item in self._sent if isinstance(item, Finalize) and not item.empty), None)

    def shifted(self, transcript: Transcript) -> Transcript:
        """Return the transcript with times of the whole stream in place of the connection's."""
        offset = (self._base or 0) / self._rate
        if not offset:
            return transcript
        return replace(
            transcript,
            start=None if transcript.start is None else transcript.start + offset,
            end=None if transcript.end is None else transcript.end + offset,
            words=tuple(Word(w.text, w.start + offset, w.end + offset) for w in transcript.words),
        )

    def is_repeated(self, final: Transcript) -> bool:
        """Whether a final, with times of the whole stream, was there before."""
        if final.answers_finalize and self.asked is None and not final.text:
            return True
        if final.start is None or final.end is None:
            unasked = final.answers_finalize and self.asked is None
            return unasked and bool(self._finals) and self._finals[-1].text == final.text
        return any(_same(final, other) for other in self._finals) and not (
            final.answers_finalize and self.asked is not None
        )

    def settle(self, final: Transcript) -> Transcript:
        """Let go of the audio that a final, with times of the whole stream, is made of; return it as it counts."""
        asked = self.asked
        if final.answers_finalize and asked is not None:
            self._drop_through(asked)
        elif final.end is not None:
            self._drop_before(round(final.end * self._rate))
        else:
            self._drop_before(self._given - self._unsent_samples)
        repeated = any(_same(final, other) for other in self._finals)
        self._finals.append(final)
        if final.answers_finalize and repeated:  # its words were given already
            return Transcript("", final=True, answers_finalize=True)
        return final if asked is not None else replace(final, answers_finalize=False)

    def acknowledge(self, until: float) -> None:
        """Let go of the audio of this connection up to `until` seconds."""
        self._drop_before((self._base or 0) + round(until * self._rate))

    def pop_empty(self) -> bool:
        """Take away the oldest request if it needs no words of the vendor's; return whether there was one."""
        for line in (self._sent, self._unsent):
            for item in line:
                if isinstance(item, Finalize):
                    if item.empty:
                        line.remove(item)
                    return item.empty
        return False

    def _drop_before(self, position: int) -> None:
        """Let go of what was sent before `position`; a frame across it keeps its rest."""
        kept: deque[_Item] = deque()
        for item in self._sent:
            if isinstance(item, Finalize) or item.start >= position:
                kept.append(item)
            elif item.end <= position:
                self._let_go(item)
            else:
                self._kept_samples -= position - item.start
                rest = item.frame.samples[position - item.start :]
                kept.append(_Audio(AudioFrame(rest, self._rate, position), position))
        self._sent = kept

    def _drop_through(self, asked: Finalize) -> None:
        while True:
            item = self._sent.popleft()
            if item is asked:
                return
            self._let_go(item)

    def _let_go(self, item: _Item) -> None:
        if isinstance(item, _Audio):
            self._kept_samples -= len(item.frame)


def _same(one: Transcript, other: Transcript) -> bool:
    """Whether two finals are the same words of the same moment."""
    if one.start is None or one.end is None or other.start is None or other.end is None:
        return False
    return (
        one.text == other.text
        and abs(one.start - other.start) < SAME
        and abs(one.end - other.end) < SAME
        and bool(one.text)
    )
