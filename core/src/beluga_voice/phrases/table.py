"""Phrases that mean something when they are said over the agent: their form, and what any language shares."""

from __future__ import annotations

from dataclasses import dataclass


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


def split(lines: str) -> frozenset[str]:
    """Read the phrases of a table, which stand between commas."""
    return frozenset(" ".join(phrase.split()) for phrase in lines.split(",") if phrase.strip())


INTERNATIONAL = Phrases(
    stop=split("stop"),
    # Among them what recognizers write for the closed-mouth sounds: "um hum", "m hm".
    backchannels=split(
        """
        ok, okay, kay, mm, m, hm, hmm, mhm, mmhm, mmhmm, mhmm, m hm, um hum, um hm, uh huh, uhuh, uhhuh,
        aha, ah, oh, um, uh, er, erm, hum, uhm, huh, a ha, ah ha
        """
    ),
)
"""What is understood in any language; added to each language's own table."""
