"""Conversations drawn at random: what holds of every conversation holds of these.

`RANDOM_CONVERSATIONS` sets how many the default run holds (60), `RANDOM_SEED` where it starts. One that fails is
held again with fewer and fewer acts, and told as the shortest script that still fails.
"""

from __future__ import annotations

import os
import random
from collections import Counter
from dataclasses import replace

import pytest

from beluga_voice.conversation import Role

from .holds import hold
from .screenplay import Act, Scene
from .stage import Played, play

COUNT = int(os.environ.get("RANDOM_CONVERSATIONS", "60"))
FIRST = int(os.environ.get("RANDOM_SEED", "1"))
PARTS = 6
"""Tests that the conversations are dealt to, so that they may run side by side."""

FAULTS = ("late 0.3", "late 1.7", "twice", "never", "untimed", "mute", "early", "ends", "goes on", "unseen")
SETTINGS: dict[str, tuple[str, ...]] = {
    "endpoint max": ("0.5", "2.5"),
    "endpointing": ("fixed", "adaptive"),
    "transcript deadline": ("0.4", "2.0"),
    "turn limit": ("2", "120"),
    "turn limit words": ("0", "0", "4"),
    "dtmf": ("events", "turns"),
    "join window": ("0", "0.7"),
    "pause after": ("0", "0.1"),
    "barge in action": ("pause", "duck"),
    "barge in words": ("1", "3"),
    "barge in needs": ("all", "any"),
    "undecided max": ("0.5", "3"),
    "false barge in": ("0.3", "1.0"),
    "echo by transcript": ("off", "on"),
    "preemptive": ("off", "discard", "use_if_similar", "always_use"),
    "interim stable": ("0", "0.15"),
    "first text": ("0.7", "10"),
    "first audio": ("0.7", "10"),
    "stall": ("0.7", "5"),
    "away after": ("1", "30"),
}


class Author:
    """Writes a conversation. Each word of the caller's and of the agent's stands in it once, but for a few."""

    def __init__(self, seed: int) -> None:
        self._draw = random.Random(seed)
        self._words = 0
        self.scene = Scene(f"seed {seed}")
        self._set_up()
        self._write()

    def _chance(self, share: float) -> bool:
        return self._draw.random() < share

    def _said(self, letter: str, most: int = 6) -> str:
        count = self._draw.randint(1, most)
        self._words += count
        return " ".join(f"{letter}{self._words - count + k}" for k in range(count))

    def _set_up(self) -> None:
        draw, settings = self._draw, self.scene.settings
        chosen = draw.sample(sorted(SETTINGS), draw.randint(0, 8))
        settings["turns"] = {name: draw.choice(SETTINGS[name]) for name in chosen}
        settings["stt"] = {
            "delay": draw.choice(("0", "0.1", "0.5")),
            "interims": draw.choice(("yes", "yes", "no")),
            "finalizes": draw.choice(("yes", "yes", "no")),
            "listens": draw.choice(("speech", "all")),
            "p99": draw.choice(("0", "0", "0.8")),
        }
        settings["tts"] = {
            "delay": draw.choice(("0", "0.2", "0.5")),
            "part delay": draw.choice(("0", "0.05", "0.12")),
            "timestamps": draw.choice(("yes", "no")),
        }
        if self._chance(0.15):
            settings["stt"]["fails at"] = draw.choice(("1.3", "3.1"))
        if self._chance(0.15):
            settings["tts"][draw.choice(("fails after", "hangs after"))] = draw.choice(("0", "3"))
        if self._chance(0.3):
            settings["detector"] = {"delay": draw.choice(("0", "0.05")), "fails": draw.choice(("no", "yes"))}
        if self._chance(0.2):
            settings["vad"] = {"delay": "0.1"} if self._chance(0.5) else {"none": "yes"}
        if self._chance(0.3):
            settings["session"] = {"apology": "I am sorry."}

    def _write(self) -> None:
        draw, scene = self._draw, self.scene
        if self._chance(0.3):
            scene.tools = {
                "look": {"lasts": "0.7", "effects": "no", "filler": draw.choice(("", "moment_please"))},
                "book": {"lasts": "0.3"},
            }
        scene.agent = [self._reply() for _ in range(12)] if self._chance(0.95) else [["(none)"]]
        at = draw.choice((0.2, 0.5, 1.0))
        for _ in range(draw.randint(2, 6)):
            length = draw.choice((0.1, 0.3, 0.3, 0.6, 1.2, 2.5))
            scene.acts.append(self._sound(at, round(at + length, 2)))
            at = round(at + length + draw.choice((0.1, 0.3, 0.36, 0.6, 1.0, 2.4)), 2)
        end = at + draw.choice((0.0, 1.0, 4.0))
        for _ in range(draw.choice((0, 1, 2, 4))):
            scene.acts.append(self._other(round(draw.uniform(0.1, end), 2)))
        if self._chance(0.3):
            options = ("drain",) if self._chance(0.5) else ()
            scene.acts.append(Act(end, draw.choice(("stop", "stop", "hang up")), "", options=options))
        scene.until = end + 3.0

    def _reply(self) -> list[str | float]:
        steps: list[str | float] = []
        for _ in range(self._draw.randint(1, 3)):
            if self._chance(0.3):
                steps.append(self._draw.choice((0.1, 0.6, 1.5)))
            if self.scene.tools and self._chance(0.3):
                steps.append(self._draw.choice(("(look)", "(book)")))
            steps.append(f"{self._said('a')}. ")
        if self._chance(0.08):
            steps.append("(error)")
        return steps

    def _sound(self, at: float, end: float) -> Act:
        draw = self._draw
        if self._chance(0.2):
            return Act(at, "noise", "", end)
        text = draw.choice(("stop", "mhm", "yeah")) if self._chance(0.25) else self._said("c")
        faults = (draw.choice(FAULTS),) if self._chance(0.4) else ()
        if self.scene.settings["stt"]["finalizes"] == "no" and faults == ("untimed",):
            faults = ()  # nothing can tell then which words of a turn that was closed early are said again
        if faults == ("twice",) and any(act.option("untimed") is not None for act in self.scene.acts):
            faults = ()  # nor whether a final of both was there before
        return Act(at, "caller", text, end, faults)

    def _other(self, at: float) -> Act:
        draw = self._draw
        kind = draw.choice(("say", "say", "say", "text", "keys"))
        if kind == "text":
            return Act(at, "text", self._said("t", 3))
        if kind == "keys":
            return Act(at, "keys", draw.choice(("1", "2#")))
        options = [draw.choice(("wait", "speak", "drop"))]
        if self._chance(0.3):
            options.append("protected")
        if self._chance(0.3):
            options.append("priority 1")
        return Act(at, "say", f"{self._said('s')}.", options=tuple(options))


def nothing_leaks(played: Played) -> None:
    """No word of the caller's is in two of their messages, nor twice in one."""
    words: Counter[str] = Counter()
    for message in played.session.history:
        if message.role is Role.CALLER:
            words.update(word for word in message.text.split() if word[0] in "ct" and word[1:].isdigit())
    twice = [word for word, count in words.items() if count > 1]
    assert not twice, f"{twice} stand in the history twice"


def failure(scene: Scene, seed: int) -> str:
    """Hold a conversation, with the order of ready tasks drawn from `seed`; returns what does not hold, if any."""
    try:
        played = play(scene, seed=seed)
        hold(played)
        nothing_leaks(played)
    except Exception as error:  # noqa: BLE001 - whatever breaks
        return f"{type(error).__name__}: {error}"
    return ""


def shortest(scene: Scene, seed: int) -> Scene:
    """Take acts and settings away as long as the rest still fails."""
    at = 0
    while at < len(scene.acts):
        fewer = replace(scene, acts=scene.acts[:at] + scene.acts[at + 1 :])
        scene, at = (fewer, at) if failure(fewer, seed) else (scene, at + 1)
    for header in list(scene.settings):
        for key in list(scene.settings[header]):
            rest = {k: v for k, v in scene.settings[header].items() if k != key}
            fewer = replace(scene, settings={**scene.settings, header: rest})
            scene = fewer if failure(fewer, seed) else scene
    return scene


def tell(seed: int) -> str:
    scene = shortest(Author(seed).scene, seed)
    what = failure(scene, seed)
    acts = "\n".join(f"  {act}" for act in scene.acts)
    told = play(scene, seed=seed).told() if "AssertionError" in what else ""
    return f"seed {seed}: {what}\n  {scene.settings}\n  {scene.tools}\n  {scene.agent}\n{acts}\n{told}"


@pytest.mark.timeout(600)
@pytest.mark.parametrize("part", range(PARTS))
def test_what_holds_of_every_conversation_holds_at_random(part: int) -> None:
    for seed in range(FIRST + part, FIRST + COUNT, PARTS):
        if failure(Author(seed).scene, seed):
            pytest.fail(tell(seed), pytrace=False)
