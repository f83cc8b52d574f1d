"""Cutting a stream of text into pieces that can be spoken at once.

Where a piece ends depends on the text before that place and a little after it, never on how the text came in:
the same text gives the same pieces whether it is fed by characters, by tokens or whole.
"""

from __future__ import annotations

import re
import unicodedata
from collections.abc import Callable

_MARKS = ".!?…؟۔।॥։።፧။།༎។៕\u1803\u1809‼⁇⁈⁉\u037e"  # end a sentence where whitespace follows
_WIDE_MARKS = "。！？｡"  # end one at once: their scripts write no whitespace
_CLAUSES = ",;:،؛"  # end a clause where whitespace follows
_WIDE_CLAUSES = "、，；：—"
_DASHES = "-–"  # end a clause between whitespace
_OPENERS = "\"'“‘„«‹([{¿¡*_`~"
_CLOSERS = "\"'”’»›)]}」』）】》〉*_`~"  # may stand between a mark and the end

_WIDE_TAIL = _CLOSERS + _MARKS + _WIDE_MARKS + _WIDE_CLAUSES
_JOINER = "\u200d"
_LONGEST_CLUSTER = 16  # characters; longer ones are cut like anything else

_SAYABLE = re.compile(r"[^\W_]")
_BOUNDARY = re.compile(rf"\s|[{_WIDE_MARKS}{_WIDE_CLAUSES}][{re.escape(_WIDE_TAIL)}]*")
_LINE_END = re.compile(r"[\n\x85\u2028\u2029]")
_UNMARKED = re.compile(r"[\u0e00-\u0eff]")  # Thai and Lao write no marks: a space parts phrases
_GREEK = re.compile(r"[\u0370-\u03ff\u1f00-\u1fff]$")
_ORDINAL = re.compile(r"\d{1,2}\.")
_WORD = re.compile(r"\s*([^\W\d_]+)(?=[\W\d_])")
_INITIALS = re.compile(r"(?:[^\W\d_]\.)+")
_ENUMERATION = re.compile(r"[\s(\[*_#>-]*\d+\.[*_]*")


def _table(words: str) -> frozenset[str]:
    return frozenset(words.split())


_TITLES = _table(
    """
    mr. mrs. ms. mx. dr. prof. rev. hon. st. sr. gen. col. capt. lt. sgt. gov. sen. rep. pres. messrs.
    mt. ft. e.g. i.e. z.b. d.h. u.a. vs. cf. viz. approx. hr. fr. herr. bzw. ca. sra. srta. mme. mlle.
    dott. sig.
    """
)
"""Never end a sentence: a name, a number or an example follows."""

_NUMBERED = _table(
    """
    no. nos. nr. num. fig. figs. vol. p. pp. ch. sec. art. eq. ext. tel. abb. s. núm. pág.
    """
)
"""End no sentence where a number follows."""

_SHORTENED = _table(
    """
    etc. inc. ltd. co. corp. bros. jr. dept. est. ave. blvd. rd. jan. feb. mar. apr. jun. jul. aug. sep.
    sept. oct. nov. dec. mon. tue. tues. wed. thu. thur. thurs. fri. sat. sun. usw. ph.d. hrs. min.
    mins. ed. eds. al.
    """
)
"""End a sentence only where one begins after them: not before a digit or a small letter."""


_AFTER_ORDINALS = _table(
    """
    januar jänner februar märz april mai juni juli august september oktober november dezember jan feb mär apr
    jun jul aug sep sept okt nov dez jahrhundert jahrhunderts jh juin marts maj mars desember
    ledna února března dubna května června července srpna září října listopadu prosince
    siječnja veljače ožujka travnja svibnja lipnja srpnja kolovoza rujna studenoga prosinca
    """
)
"""Follow a number with a full stop that ends no sentence, as in "am 3. Mai": months, and centuries."""


class SentenceSplitter:
    """Cuts text that comes in tokens into pieces, each safe to be spoken before the next is known.

    A piece ends after

    - a sentence's mark (``. ! ? …`` and those of other scripts, closing quotes included) and the whitespace
      that follows it; not inside numbers, addresses, abbreviations and initials;
    - a line's end;
    - in Thai and Lao, which write no marks, whitespace between two letters, once the piece has `first_min`
      characters;
    - in the first piece of a reply, so that the voice begins early: a clause's mark and whitespace, once the
      piece has `first_min` characters;
    - otherwise `max_length` characters, cut after the last clause or else whitespace that fits.

    The pieces joined are the text, character for character. A piece may begin with the whitespace left from
    before it. Only the last, or one cut at `max_length`, may hold nothing to say. What is held back is at most
    `max_length` characters; the work is linear in the text.
    """

    def __init__(self, *, first_min: int = 20, max_length: int = 400) -> None:
        """Make a splitter for one reply after another.

        Args:
            first_min: characters, 1 or more, from which on the first piece may end at a clause.
            max_length: characters, 20 or more, that no piece exceeds.
        """
        if first_min < 1:
            raise ValueError(f"first_min is {first_min}; it must be at least 1")
        if max_length < 20:
            raise ValueError(f"max_length is {max_length}; it must be at least 20")
        self._first_min = first_min
        self._max_length = max_length
        self._reset()

    def _reset(self) -> None:
        self._text = ""  # what is held back, and in `feed` also the pieces cut from it
        self._start = 0  # of the piece in `_text`
        self._scanned = 0  # up to here no end of the piece was found
        self._word = 0  # after the last boundary: where the word at `_scanned` begins
        self._clause = 0  # after the last clause's end in the piece, or `_start`
        self._space = 0  # after the last whitespace in the piece, or `_start`
        self._first = True

    def feed(self, text: str) -> list[str]:
        """Take more text and return the pieces that it completes, mostly none or one."""
        self._text += text
        pieces = []
        while (end := self._find_end()) is not None:
            pieces.append(self._text[self._start : end])
            self._begin_piece(end)
        self._forget_pieces()
        return pieces

    def flush(self) -> list[str]:
        """End the reply and return what was held back, if anything; the next text begins a new reply."""
        rest = self._text
        self._reset()
        return [rest] if rest else []

    def _begin_piece(self, start: int) -> None:
        self._start = start
        self._scanned = max(self._scanned, start)
        self._word = max(self._word, start)
        self._clause = max(self._clause, start)
        self._space = max(self._space, start)
        self._first = False

    def _forget_pieces(self) -> None:
        start = self._start
        self._text = self._text[start:]
        self._start = 0
        self._scanned -= start
        self._word -= start
        self._clause -= start
        self._space -= start

    def _find_end(self) -> int | None:
        """Return where the piece ends; None if that cannot be said before more text comes."""
        limit = self._start + self._max_length
        while match := _BOUNDARY.search(self._text, self._scanned, limit):
            at, after = match.span()
            whitespace = self._text[at].isspace()
            end = (
                self._after_whitespace(at, limit) if whitespace else self._after_wide_marks(at, after, limit)
            )
            if end is None:
                self._scanned = at  # looked at again when more is known
                return None
            if end > 0:
                return end
            self._scanned = self._word = after
            if whitespace:
                self._space = after
        self._scanned = min(len(self._text), limit)
        return self._cut(limit) if len(self._text) > limit else None

    def _after_whitespace(self, at: int, limit: int) -> int | None:
        """Judge the whitespace at `at`: the end of the piece, 0 if it goes on, None if not known yet."""
        if not _SAYABLE.search(self._text, self._start, at):
            return 0
        if _LINE_END.match(self._text, at):
            return at + 1
        written = self._text[self._word : at]
        word = written.rstrip(_CLOSERS)
        mark = word[-1:]
        if mark == ";" and _GREEK.search(word[:-1]):  # their question mark
            return at + 1
        if mark and mark in _MARKS:
            ends = self._ends_sentence(word, at, limit) if mark == "." else True
            if ends and word != written:  # '"Really?" she asked'
                ends = self._unless_next(str.islower, at, limit)
            return None if ends is None else (at + 1) * ends
        if mark and (mark in _CLAUSES or word in _DASHES):
            return self._after_clause(at + 1)
        return self._after_phrase(mark, at, limit)

    def _after_phrase(self, mark: str, at: int, limit: int) -> int | None:
        """Judge whitespace after `mark`, a letter, where it may be all there is between two sentences."""
        if not _UNMARKED.match(mark) or at + 1 - self._start < self._first_min:
            return 0
        ends = self._unless_next(lambda next_one: _UNMARKED.match(next_one) is None, at, limit)
        return None if ends is None else (at + 1) * ends

    def _after_wide_marks(self, at: int, after: int, limit: int) -> int | None:
        """Judge the marks from `at` to `after` as `_after_whitespace` does; nothing need follow them."""
        end = after
        if end < limit:
            if end == len(self._text):
                return None
            end += self._text[end].isspace()
        if not any(mark in _WIDE_MARKS for mark in self._text[at:after]):
            return self._after_clause(end)
        return end if _SAYABLE.search(self._text, self._start, at) else 0

    def _after_clause(self, end: int) -> int:
        self._clause = end
        long_enough = len(self._text[self._start : end].strip()) >= self._first_min
        return end if self._first and long_enough else 0

    def _ends_sentence(self, word: str, at: int, limit: int) -> bool | None:
        """Tell whether the full stop of `word`, before the whitespace at `at`, ends a sentence."""
        word = word.lstrip(_OPENERS)
        folded = word.casefold()
        if folded in _TITLES or _ENUMERATION.fullmatch(self._text, self._start, at):
            return False
        if folded in _NUMBERED:
            return self._unless_next(str.isdigit, at, limit)
        if _INITIALS.fullmatch(word) and word.isupper():  # "J. R. R. Tolkien", "the U.S. Army"
            return word == "I."
        if _ORDINAL.fullmatch(word):
            return self._unless_word(_AFTER_ORDINALS, at, limit)
        if folded in _SHORTENED or _INITIALS.fullmatch(word):
            return self._unless_next(_continues, at, limit)
        return True

    def _unless_next(self, test: Callable[[str], bool], at: int, limit: int) -> bool | None:
        """Say no if the next character that is no whitespace passes `test`; None if it is not there yet."""
        following = self._text[at:limit].lstrip()[:1]
        if not following:
            return True if len(self._text) >= limit else None
        return not test(following)

    def _unless_word(self, words: frozenset[str], at: int, limit: int) -> bool | None:
        """Say no if the next word is one of `words`; None if it is not there yet."""
        following = self._text[at:limit]
        if (word := _WORD.match(following)) is not None:
            return word[1].casefold() not in words
        rest = following.lstrip()
        unknown = not rest or rest.isalpha()
        return None if unknown and len(self._text) < limit else True

    def _cut(self, limit: int) -> int:
        """Find where to cut the piece that has no end before `limit`."""
        if self._clause - self._start >= self._max_length // 2:
            return self._clause
        if self._space > self._start:
            return self._space
        for end in range(limit, limit - _LONGEST_CLUSTER, -1):
            if not _is_joined(self._text[end - 1], self._text[end]):
                return end
        return limit


def _continues(character: str) -> bool:
    return character.isdigit() or character.islower()


def _is_joined(before: str, after: str) -> bool:
    """Tell whether the two characters are shown as one, as far as marks and joiners tell."""
    return before == _JOINER or after == _JOINER or unicodedata.category(after) in {"Mn", "Mc", "Me", "Sk"}
