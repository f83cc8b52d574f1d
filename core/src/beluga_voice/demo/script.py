"""What the caller of the demonstration may say, and when, as data: it draws calls and makes the grammar."""

from __future__ import annotations

import re
from collections.abc import Iterator
from dataclasses import dataclass
from enum import StrEnum
from random import Random

DAYS = ("tuesday", "wednesday", "friday", "saturday", "christmas")
ITEMS = (
    "apple cake",
    "banana bread",
    "blueberry pie",
    "cheese sandwich",
    "chocolate muffin",
    "orange juice",
    "lemonade",
    "pretzel",
    "pumpkin soup",
    "raspberry tart",
    "vanilla pudding",
)
NUMBERS = ("two", "three", "five", "twelve", "twenty")
SLOTS = {"day": DAYS, "item": ITEMS, "number": NUMBERS}

QUESTIONS = (
    ("what time do you open on <day>", "when are you open on <day>"),
    ("how much is the <item>", "what is the price of the <item>", "how much are <number> of the <item>"),
    ("do you have the <item> on <day>", "can i pick up the <item> on <day>"),
    ("can you put aside <number> of the <item>",),
    ("where is my order number <number>", "what about order number <number>"),
)
"""By what is looked up: hours, prices, stock, orders."""

ORDERS = QUESTIONS[-1]
"""Questions before whose last word nobody pauses here: a number alone is too short to be told from a cough."""

TWO_QUESTIONS = (
    "how much is the <item> and do you have it on <day>",
    "do you have the <item> on <day> and how much is it",
)
"""Questions for which two things are looked up, side by side."""

STORIES = (
    "tell me about the <item>",
    "how do you make the <item>",
    "what do you put into the <item>",
    "what is so good about the <item>",
)
"""Questions with a long answer."""

BACKCHANNELS = ("mhm", "i see", "okay", "all right", "i understand")
SPOKEN = {"mhm": "um humm"}
"""How a synthesiser is told to say what it would spell."""

STOPS = ("that is enough", "let me stop you there")
GREETINGS = ("hello good morning", "good morning i have some questions", "hello i have a few questions")
FAREWELLS = ("thank you and goodbye", "that is all goodbye", "thanks a lot and goodbye")

_SLOT = re.compile(r"<(\w+)>")


class Means(StrEnum):
    """What a sound of the caller's is, and so what shall become of it."""

    TURN = "turn"
    BACKCHANNEL = "backchannel"
    COUGH = "cough"


@dataclass(frozen=True, slots=True)
class AfterSilence:
    """Speak when the agent has answered and has then been silent for so many seconds."""

    seconds: float


@dataclass(frozen=True, slots=True)
class AfterHearing:
    """Speak when the agent has been heard for so many seconds since one's own last sound."""

    seconds: float


Cue = AfterSilence | AfterHearing


@dataclass(frozen=True, slots=True)
class Line:
    """One sound of the caller's.

    Attributes:
        cue: when it is made.
        parts: its words, in parts between which the caller pauses; none for a cough.
        pause: seconds between two parts.
        seed: draws a cough's sound.
    """

    cue: Cue
    means: Means
    parts: tuple[str, ...] = ()
    pause: float = 0.0
    seed: int = 0

    @property
    def text(self) -> str:
        """All of its words."""
        return " ".join(self.parts)


def draw_call(seed: int) -> tuple[Line, ...]:
    """Draw what the caller does in one call: a greeting, five scenes in any order, a farewell.

    The scenes: a question, answered by a lookup; one that takes two lookups; a question with a pause in it; a long
    answer over which the caller hums and coughs; a long answer that the caller cuts, and takes the floor. The
    greeting also lets the recognizer get to know the line: what it hears first it hears worst.
    """
    draw = Random(seed)  # noqa: S311 - no secret
    scenes = [_asked(draw), _asked_with_pause(draw), _listened_to(draw), _cut_short(draw)]
    scenes.append(_asked_for_two(draw))
    draw.shuffle(scenes)
    greeting = Line(_silence(draw), Means.TURN, (draw.choice(GREETINGS),))
    farewell = Line(_silence(draw), Means.TURN, (draw.choice(FAREWELLS),))
    return (greeting, *(line for scene in scenes for line in scene), farewell)


def _asked(draw: Random) -> list[Line]:
    return [Line(_silence(draw), Means.TURN, (_fill(draw.choice(draw.choice(QUESTIONS)), draw),))]


def _asked_for_two(draw: Random) -> list[Line]:
    return [Line(_silence(draw), Means.TURN, (_fill(draw.choice(TWO_QUESTIONS), draw),))]


def _asked_with_pause(draw: Random) -> list[Line]:
    before, _, slot = draw.choice(draw.choice(QUESTIONS[:-1])).rpartition(" ")
    parts = (_fill(before, draw), _fill(slot, draw))
    return [Line(_silence(draw), Means.TURN, parts, round(draw.uniform(0.8, 1.2), 2))]


def _listened_to(draw: Random) -> list[Line]:
    sounds = [
        Line(_hearing(draw), Means.BACKCHANNEL, ("mhm",)),
        Line(_hearing(draw), Means.COUGH, seed=draw.randrange(1000)),
    ]
    draw.shuffle(sounds)
    return [_asked_for_story(draw), *sounds]


def _cut_short(draw: Random) -> list[Line]:
    words = draw.choice((draw.choice(STOPS), _fill(draw.choice(draw.choice(QUESTIONS)), draw)))
    return [_asked_for_story(draw), Line(_hearing(draw, 2.0, 3.0), Means.TURN, (words,))]


def _asked_for_story(draw: Random) -> Line:
    return Line(_silence(draw), Means.TURN, (_fill(draw.choice(STORIES), draw),))


def _silence(draw: Random) -> AfterSilence:
    return AfterSilence(round(draw.uniform(0.5, 0.8), 2))


def _hearing(draw: Random, shortest: float = 1.2, longest: float = 2.0) -> AfterHearing:
    return AfterHearing(round(draw.uniform(shortest, longest), 2))


def _fill(sentence: str, draw: Random) -> str:
    return _SLOT.sub(lambda slot: draw.choice(SLOTS[slot[1]]), sentence)


def asks_two(text: str) -> bool:
    """Whether two things are to be looked up for it."""
    return any(re.fullmatch(_SLOT.sub(".+", question), text) for question in TWO_QUESTIONS)


def sentences() -> Iterator[str]:
    """All that the caller may say as one turn."""
    for sentence in (*(each for kind in QUESTIONS for each in kind), *TWO_QUESTIONS, *STORIES):
        yield from _filled(sentence)
    yield from (*GREETINGS, *STOPS, *FAREWELLS)


def _filled(sentence: str) -> Iterator[str]:
    slot = _SLOT.search(sentence)
    if slot is None:
        yield sentence
        return
    for value in SLOTS[slot[1]]:
        yield from _filled(sentence.replace(slot[0], value, 1))


def grammar() -> str:
    """All that the caller may say, as a JSGF grammar (https://www.w3.org/TR/jsgf/).

    Nothing may be said, too, so that a cough need not be words. Where the caller may pause, each half stands
    alone, since a recognizer gives its words at each pause; a half is less likely than a whole, lest the end of
    a sentence be taken for noise.
    """
    questions = [sentence for kind in QUESTIONS for sentence in kind]
    halves = [sentence.rpartition(" ")[0] for sentence in questions if sentence not in ORDERS]
    whole = [*questions, *TWO_QUESTIONS, *STORIES, *GREETINGS, *BACKCHANNELS, *STOPS, *FAREWELLS]
    rules = [f"<{slot}> = {' | '.join(values)};" for slot, values in SLOTS.items()]
    weighed = [f"/1/ {each}" for each in whole] + [f"/0.1/ {each}" for each in (*halves, "<day>", "<item>")]
    said = " | ".join(weighed)
    return "\n".join(["#JSGF V1.0;", "grammar call;", *rules, f"public <call> = [ {said} ];", ""])
