"""Words from the times of characters."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence

from beluga_voice.words import Word


class Alignment:
    """Makes words of one text's characters, which come with the pieces of its audio.

    The vendor's times count from the beginning of each piece; a word may go on in the next.
    """

    def __init__(self) -> None:
        self._letters = ""
        self._start = 0.0
        self._end = 0.0

    def words(self, given: Mapping[str, Sequence[object]] | None, offset: float) -> Iterator[Word]:
        """Yield the words that end in a piece that begins `offset` seconds after the text's first sample."""
        if not given:
            return
        chars = given.get("chars") or ()
        starts = given.get("charStartTimesMs") or ()
        lengths = given.get("charDurationsMs") or given.get("charsDurationsMs") or ()
        for char, start, length in zip(chars, starts, lengths, strict=False):
            if not isinstance(start, (int, float)) or not isinstance(length, (int, float)):
                continue
            if str(char).isspace():
                yield from self.rest()
                continue
            if not self._letters:
                self._start = max(self._end, offset + start / 1000)
            self._letters += str(char)
            self._end = max(self._start, offset + (start + length) / 1000)

    def rest(self) -> Iterator[Word]:
        """Yield the word that has begun, if any: it is over."""
        if self._letters:
            yield Word(self._letters, self._start, self._end)
        self._letters = ""
