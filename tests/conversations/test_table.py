"""The corpus is as large, and as broad, as it has to be."""

from __future__ import annotations

from collections import Counter
from pathlib import Path

import pytest

from .screenplay import SCENES, read, read_all
from .table import RULES, table

ALL = read_all()
FILES = {path: list(read(path.read_text(), path.name)) for path in sorted(SCENES.glob("*.txt"))}

NAMED = {
    "backchannels in five languages make no turn and stop nothing for good": [
        f"backchannels in {language} stop nothing for good"
        for language in ("English", "French", "German", "Italian", "Spanish")
    ],
    "stop, wait, no stop within one VAD window plus the STT's delay": [
        "a stop word cuts within a window and the recognizer's delay",
        "wait cuts at once",
        "no cuts at once",
        "'warte' stops in German",
        "'attends' stops in French",
        "'espera' stops in Spanish",
        "'aspetta' stops in Italian",
    ],
    "noise resumes at the same sample": ["noise resumes at the same sample"],
    "protected speech with the caller talking over it": ["the caller talks over all of it and beyond"],
    "a tool of ten seconds": ["a tool of ten seconds stops the clock of the agent's text"],
    "two minutes of silence": ["two minutes of silence are told once"],
    "a caller who never stops": ["a caller who never stops is answered at the limit and goes on"],
    "a final that comes late, twice, never": [
        "a late final replaces the interim words and the reply is made anew",
        "a final that comes twice is used once",
        "a final that never comes leaves the interim words",
    ],
    "words that the VAD did not see": [
        "words that the VAD did not see open a turn that ends with the last of them"
    ],
    "away and return": ["after thirty seconds of silence of both the caller is away and returns by words"],
    "session timeout": ["a session without anything for long ends"],
    "keys": ["keys make a turn where they are set to", "keys are told together at the hash and make no turn"],
    "preemptive replies by three strategies": [
        "a preemptive reply is kept where the words are equal",
        "a preemptive reply is kept where the words are similar enough",
        "a preemptive reply is always kept where that is set",
    ],
    "no tool with effects before the close": [
        "a tool with effects waits for the close",
        "a draft for a turn that is taken up again runs no tool with effects",
    ],
    "ducking": ["speech over the agent takes its level down where that is set"],
    "echo": ["an echo lets the reply go on at once and is dropped"],
    "a limit of the turn": ["the later words belong to the next turn"],
    "long utterances, buffering, chunking": [
        "a long reply is spoken from its first sentence on",
        "a voice that is far ahead of the ear waits",
        "speech that lasts a minute reaches the recognizer whole",
    ],
}


def test_there_are_conversations_enough() -> None:
    assert len(ALL) >= 120
    twice = [name for name, count in Counter(scene.name for scene in ALL).items() if count > 1]
    assert not twice, "a name is one scene's alone"


@pytest.mark.parametrize("rule", RULES)
def test_each_rule_is_exercised_five_times(rule: int) -> None:
    assert sum(rule in scene.rules for scene in ALL) >= 5


@pytest.mark.parametrize("path", FILES, ids=lambda path: path.stem)
def test_a_file_of_a_rule_has_scenes_of_that_rule_that_expect_something(path: Path) -> None:
    rule = int(path.stem.split("_")[1])
    for scene in FILES[path]:
        assert rule in scene.rules, scene.name
        assert set(scene.rules) <= set(RULES), scene.name
        assert scene.expected, scene.name


@pytest.mark.parametrize("case", NAMED)
def test_the_named_cases_are_among_them(case: str) -> None:
    names = {scene.name for scene in ALL}
    assert set(NAMED[case]) <= names, set(NAMED[case]) - names


def test_the_table_is_up_to_date() -> None:
    written = Path(__file__).with_name("rules.md").read_text()
    assert written == table(ALL), "run: python -m tests.conversations --table > tests/conversations/rules.md"


def test_a_line_that_is_none_is_refused() -> None:
    with pytest.raises(ValueError, match=r"scene\.txt:2: not understood: 'nonsense'"):
        list(read("## a scene\nnonsense", "scene.txt"))
