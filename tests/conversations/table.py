"""Which scenes exercise which rule of turn-taking."""

from __future__ import annotations

from collections.abc import Sequence

from .screenplay import Scene

RULES = {
    1: "a turn opens at speech start, at words, by text, or by keys",
    2: "pauses inside a turn do not end it",
    3: "a turn closes when its delay has passed and its words are settled",
    4: "speech that goes on before the reply was heard goes on with the turn",
    5: "a final that comes late belongs where its speech began",
    6: "a turn that is too long is closed",
    7: "at most one reply lives",
    8: "every wait for agent and TTS has a deadline",
    9: "text is spoken in sentences as soon as each is safe",
    10: "what is to be said is queued, and every utterance ends",
    11: "protected utterances are neither paused nor cut by speech",
    12: "speech over the agent pauses it at once, and decides nothing",
    13: "stop words, enough words, or the close cut it; backchannels and noise do not",
    14: "cut: what was heard is kept, the rest is flushed",
    15: "speech that ended before the first sample is no barge-in",
    16: "every final has one outcome, and nothing leaks into the next turn",
    17: "what the agent was just heard to say is no barge-in when it comes back",
    18: "the state says what the caller sees",
    19: "every state has a deadline",
    20: "stop ends everything",
}


def table(scenes: Sequence[Scene]) -> str:
    """Write the table in Markdown, a scene in each line that it exercises a rule."""
    lines = ["# The rules, and the conversations that exercise them", ""]
    lines += ["Written by `python -m tests.conversations --table`; a test compares.", ""]
    for rule, meaning in RULES.items():
        names = sorted(scene.name for scene in scenes if rule in scene.rules)
        lines += [f"## Rule {rule}: {meaning} ({len(names)})", "", *(f"- {name}" for name in names), ""]
    return "\n".join(lines[:-1]) + "\n"
