"""The ledger of what the caller has heard of an utterance: words against samples. Pure."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field

from beluga_voice.spoken import Alignment
from beluga_voice.words import Word

CHARACTERS_PER_SECOND = 15.0
"""How fast speech goes while the length of its audio is not yet known: about 180 words of 5 letters a minute."""


SLACK = 0.3
"""Seconds by which the estimate of what was heard may be behind, for telling an echo: about one word."""


@dataclass(slots=True)
class _Piece:
    """A stretch of text whose audio begins at sample `start` of the utterance; `aligned` if `spoken` differs."""

    text: str
    spoken: str
    start: int
    aligned: Alignment | None = None
    samples: int = 0
    whole: bool = False
    words: list[Word] = field(default_factory=list)


class Ledger:
    """What was given of one utterance, and what of it was heard.

    Text comes in pieces; the audio of a piece follows the audio of the one before. With word times from the TTS
    the heard text is exact: a word counts once half of it was heard. Without, it is proportional to the samples
    heard of the piece, in whole words. A piece without audio is heard with what follows it.

    Args:
        sample_rate: of the audio that is counted, in Hz.
    """

    __slots__ = ("_given", "_pieces", "_rate", "heard_samples")

    def __init__(self, sample_rate: int) -> None:
        self._rate = sample_rate
        self._pieces: list[_Piece] = []
        self._given = 0
        self.heard_samples = 0

    @property
    def text(self) -> str:
        """All text given."""
        return "".join(piece.text for piece in self._pieces).strip()

    def begin(self, text: str, spoken: str | None = None) -> None:
        """Begin a piece: the audio added from now on speaks `text`, in the words of `spoken` if they differ."""
        self.end()
        if spoken is None or spoken == text:
            self._pieces.append(_Piece(text, text, self._given))
        else:
            self._pieces.append(_Piece(text, spoken, self._given, Alignment(text, spoken)))

    def extend(self, text: str) -> None:
        """Add to the text of the piece: a voice that speaks for itself tells its words as they come."""
        piece = self._pieces[-1]
        piece.text += text
        piece.spoken += text

    def add(self, samples: int, words: Sequence[Word] = ()) -> None:
        """Count audio of the piece; `words` carry seconds from the piece's first sample."""
        piece = self._pieces[-1]
        piece.samples += samples
        piece.words.extend(words)
        self._given += samples

    def end(self) -> None:
        """All audio of the piece has come."""
        if self._pieces:
            self._pieces[-1].whole = True

    def hear(self, samples: int) -> None:
        """Count samples as heard."""
        self.heard_samples += samples

    def heard(self) -> str:
        """The words that were heard."""
        return "".join(self._heard_of(piece) for piece in self._pieces).strip()

    def heard_lately(self, seconds: float) -> str:
        """The words of which audio was heard in the last `seconds`, and those that are being said; as spoken.

        Where a word begins is known to some tenths of a second without word times, so that `SLACK` is added.
        """
        slack = round(SLACK * self._rate)
        since, until = self.heard_samples - round(seconds * self._rate), self.heard_samples + slack
        spans = (
            (piece, self._spoken_of(piece, since), self._spoken_of(piece, until)) for piece in self._pieces
        )
        return " ".join(piece.spoken[before:now] for piece, before, now in spans)

    def unheard(self) -> str:
        """The words that were given and not heard."""
        return "".join(piece.text[len(self._heard_of(piece)) :] for piece in self._pieces).strip()

    def asks(self, before: float = 0.0) -> bool:
        """Whether the sentence that was being heard `before` seconds ago is a question."""
        at = self.heard_samples - round(before * self._rate)
        spoken = ""
        for piece in self._pieces:
            if piece.start <= max(at, 0) and any(map(str.isalnum, piece.spoken)):
                spoken = piece.spoken
        return spoken.rstrip().rstrip("\"')]»”’").endswith(("?", "？", "؟"))

    def _heard_of(self, piece: _Piece) -> str:
        spoken = self._spoken_of(piece, self.heard_samples)
        if spoken == len(piece.spoken) and self._all_heard(piece, self.heard_samples):
            return piece.text
        return piece.text[: spoken if piece.aligned is None else piece.aligned.written_until(spoken)]

    def _all_heard(self, piece: _Piece, until: int) -> bool:
        return piece.whole and until > piece.start and until >= piece.start + piece.samples

    def _spoken_of(self, piece: _Piece, until: int) -> int:
        """How many characters of what is spoken were heard, when `until` samples of the utterance were."""
        if self._all_heard(piece, until):
            return len(piece.spoken)
        heard = until - piece.start
        if heard <= 0:
            return 0
        if piece.words:
            return _until_word(piece, heard / self._rate)
        expected = piece.samples
        if not piece.whole:
            expected = max(expected, round(len(piece.spoken) / CHARACTERS_PER_SECOND * self._rate))
        return _whole_words(piece.spoken, heard / max(expected, 1))


def _until_word(piece: _Piece, seconds: float) -> int:
    """The end of the last word of which half was heard."""
    text, at = piece.spoken, 0
    for word in piece.words:
        if (word.start + word.end) / 2 > seconds:
            break
        found = text.find(word.text, at)
        if found >= 0:
            at = found + len(word.text)
    # Marks belong to the word before them.
    while at and at < len(text) and not text[at].isspace() and not text[at].isalnum():
        at += 1
    return at


def _whole_words(text: str, share: float) -> int:
    """The end of the first `share` of the text's words."""
    words = text.split()
    count = int(len(words) * min(share, 1.0) + 0.5)
    at = 0
    for word in words[:count]:
        at = text.index(word, at) + len(word)
    return at
