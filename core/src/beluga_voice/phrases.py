"""The built-in interruption classifier: stop phrases and backchannels, as tables of phrases per language.

A text is read from its left, the longest known phrase first, and judged by the first rule that fits:

1. a stop phrase, before which there are at most polite words and backchannels ("okay, please stop"), is STOP,
   whatever follows ("no, I meant Tuesday");
2. a text of backchannels alone, however many ("uh-huh, yeah, okay"), is BACKCHANNEL;
3. a text with any other word is WORDS ("the bus stop is near", "please", "don't stop");
4. a text without a word is NONE.
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping
from dataclasses import dataclass

from beluga_voice.contracts.classifier import InterruptionClassifier
from beluga_voice.words import Interruption

_WORD = re.compile(r"[^\W_]+")
_APOSTROPHES = re.compile(r"['\u2019\u02bc`\u00b4]")
_DRAWN_OUT = re.compile(r"(.)\1{2,}")


def _words(text: str) -> list[str]:
    """Split into words, without regard to case, punctuation and apostrophes."""
    return _WORD.findall(_APOSTROPHES.sub("", text.casefold()))


@dataclass(frozen=True, slots=True)
class Phrases:
    """The phrases of one language that mean something when they are said over the agent.

    Written in any case; punctuation and apostrophes do not count. ``a | b`` holds the phrases of both.

    Attributes:
        stop: ask the agent to stop.
        backchannels: show that one listens.
        polite: may stand before a stop phrase; words like any other elsewhere.
        words: begin like one of the above and mean neither ("no idea").
    """

    stop: frozenset[str] = frozenset()
    backchannels: frozenset[str] = frozenset()
    polite: frozenset[str] = frozenset()
    words: frozenset[str] = frozenset()

    def __or__(self, other: Phrases) -> Phrases:
        return Phrases(
            self.stop | other.stop,
            self.backchannels | other.backchannels,
            self.polite | other.polite,
            self.words | other.words,
        )


def _split(lines: str) -> frozenset[str]:
    """Read the phrases of a table, which stand between commas."""
    return frozenset(" ".join(phrase.split()) for phrase in lines.split(",") if phrase.strip())


INTERNATIONAL = Phrases(
    stop=_split("stop"),
    # Among them what recognizers write for the closed-mouth sounds: "um hum", "m hm".
    backchannels=_split(
        """
        ok, okay, kay, mm, m, hm, hmm, mhm, mmhm, mmhmm, mhmm, m hm, um hum, um hm, uh huh, uhuh, uhhuh,
        aha, ah, oh, um, uh, er, erm, hum, uhm, huh, a ha, ah ha
        """
    ),
)
"""What is understood in any language; added to each language's own table."""

ENGLISH = Phrases(
    stop=_split(
        """
        stop, wait, no, nope, no more, hold on, hold up, hold it, hang on, pause, cancel that, cancel this,
        enough, thats enough, that is enough, thatll do, quiet, be quiet, keep quiet, silence, hush, shush,
        shut up, shut it, shut your mouth, one moment, one second, one sec, one minute, just a moment, just
        a second, just a sec, just a minute, give me a moment, give me a second, give me a minute, let me
        stop you, let me interrupt, let me speak, let me talk, let me finish, excuse me, never mind,
        nevermind, not now, forget it, skip it, skip this, skip that, knock it off, cut it out
        """
    ),
    backchannels=_split(
        """
        yeah, yes, yep, yup, ya, yah, yea, yeh, right, sure, sure thing, alright, all right, fine, good,
        great, nice, cool, wow, exactly, absolutely, definitely, indeed, totally, really, true, correct,
        perfect, interesting, i see, i know, i understand, i get it, i got it, got it, gotcha, get it, of
        course, makes sense, that makes sense, thats right, thats it, thats true, thats good, thats great,
        thats fine, thats nice, sounds good, very good, very nice, oh no, oh my, oh boy, oh dear, oh wow, go
        on, go ahead, keep going, carry on, no problem, no worries, no doubt, no way, no kidding, fair
        enough, good enough, no wonder, not bad, you bet, for sure
        """
    ),
    polite=_split(
        """
        please, sorry, im sorry, hey, hello, hi, so, well, but, and, now, just, listen, look, thanks, thank
        you, can you, could you, would you, will you, can you just, could you just, would you mind, you can,
        i said, i want you to, id like you to, sir, maam, yo, actually
        """
    ),
    words=_split(
        """
        no one, no idea, no matter, no longer, no other, no need, no clue, no such, no sooner, enough of
        the, enough people, enough time, enough money, wait times, wait time, wait list, wait lists, stop
        sign, stop signs, pause button, one second later, one minute later, one moment later
        """
    ),
)

BUILT_IN: Mapping[str, Phrases] = {"en": ENGLISH}
"""The tables there are, by primary language subtag."""

_Kind = Interruption | None  # None: polite words
_Index = dict[str, list[tuple[list[str], _Kind]]]


def _index(phrases: Phrases) -> _Index:
    """File the phrases under their first word, the longest first, the more special kind first."""
    kinds: list[tuple[frozenset[str], _Kind]] = [
        (phrases.words, Interruption.WORDS),
        (phrases.stop, Interruption.STOP),
        (phrases.backchannels, Interruption.BACKCHANNEL),
        (phrases.polite, None),
    ]
    index: _Index = {}
    for texts, kind in kinds:
        for words in filter(None, map(_words, sorted(texts))):
            index.setdefault(words[0], []).append((words, kind))
    for entries in index.values():
        entries.sort(key=lambda entry: -len(entry[0]))  # stable: kinds of one length keep their order
    return index


def _kinds(words: list[str], index: _Index) -> Iterator[_Kind]:
    """Give the kind of each phrase from the left; an unknown word is WORDS."""
    at = 0
    while at < len(words):
        for phrase, kind in index.get(words[at], ()):
            if words[at : at + len(phrase)] == phrase:
                at += len(phrase)
                yield kind
                break
        else:
            at += 1
            yield Interruption.WORDS


def _judge(words: list[str], index: _Index) -> Interruption:
    only_backchannels = True
    for kind in _kinds(words, index):
        if kind is Interruption.STOP or kind is Interruption.WORDS:
            return kind
        only_backchannels &= kind is Interruption.BACKCHANNEL
    return Interruption.BACKCHANNEL if only_backchannels else Interruption.WORDS


class PhraseClassifier(InterruptionClassifier):
    """Tells stop phrases and backchannels from other words by tables.

    A language is looked up by its primary subtag (``en`` for ``en-GB``). One without a table has the
    `INTERNATIONAL` phrases alone: the English ones would do harm there ("no" is "in the" in Portuguese and
    "yes" in Polish).
    """

    def __init__(self, phrases: Mapping[str, Phrases] | None = None) -> None:
        """Take tables in place of the built-in ones of the same languages.

        Args:
            phrases: by primary language subtag, lower case; ``{"en": ENGLISH | Phrases(...)}`` extends a
                table. `INTERNATIONAL` is always added.
        """
        tables = {**BUILT_IN, **(phrases or {})}
        self._international = _index(INTERNATIONAL)
        self._indexes = {language: _index(INTERNATIONAL | table) for language, table in tables.items()}

    def classify(self, text: str, language: str) -> Interruption:
        """Judge `text` by the rules at the top of this module; letters drawn out ("nooo") count once."""
        words = _words(text)
        if not words:
            return Interruption.NONE
        index = self._indexes.get(language) or self._index_of(language)
        kind = _judge(words, index)
        if kind is Interruption.WORDS and _DRAWN_OUT.search(text.casefold()):
            return _judge([_DRAWN_OUT.sub(r"\1", word) for word in words], index)
        return kind

    def _index_of(self, language: str) -> _Index:
        primary = language.replace("_", "-").partition("-")[0].lower()
        return self._indexes.get(primary, self._international)
