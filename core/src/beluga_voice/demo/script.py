"""What the caller of the demonstration may say, as data: the same sentences draw calls and make the grammar."""

from __future__ import annotations

from random import Random

SLOTS = {
    "day": ("monday", "tuesday", "wednesday", "thursday", "friday", "saturday", "sunday"),
    "item": ("bread", "coffee", "apple cake", "sandwich"),
    "number": ("one", "three", "five", "eight", "nine"),
}
QUESTIONS = (
    ("what time do you open on <day>", "when are you open on <day>"),
    ("how much is the <item>", "what is the price of the <item>"),
    ("where is my order <number>", "what about order number <number>"),
)
FAREWELLS = ("thank you and goodbye", "that is all goodbye")


def draw_call(seed: int) -> list[str]:
    """Draw what the caller says in one call: a question of each kind, in any order, and a farewell."""
    draw = Random(seed)  # noqa: S311 - no secret
    kinds = list(QUESTIONS)
    draw.shuffle(kinds)
    return [*(_fill(draw.choice(kind), draw) for kind in kinds), draw.choice(FAREWELLS)]


def _fill(sentence: str, draw: Random) -> str:
    for slot, values in SLOTS.items():
        sentence = sentence.replace(f"<{slot}>", draw.choice(values))
    return sentence


def grammar() -> str:
    """All that the caller may say, as a JSGF grammar (https://www.w3.org/TR/jsgf/)."""
    sentences = [*(sentence for kind in QUESTIONS for sentence in kind), *FAREWELLS]
    rules = [f"<{slot}> = {' | '.join(values)};" for slot, values in SLOTS.items()]
    return "\n".join(
        ["#JSGF V1.0;", "grammar call;", *rules, f"public <call> = {' | '.join(sentences)};", ""]
    )
