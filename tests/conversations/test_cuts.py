"""A reply that is cut at any moment: what counts as heard is what was played."""

from __future__ import annotations

import pytest

from .holds import hold
from .screenplay import Act, Scene
from .stage import Played, play

WORDS = "One two three. Four five six seven? Eight nine, ten eleven. Twelve!"


def cut(after: float, *, timestamps: bool, part_delay: float = 0.0) -> Played:
    """A reply that is heard from 1.0 on, and cut by a stop word that is recognised `after` seconds later."""
    tts = {"timestamps": "yes" if timestamps else "no", "part delay": str(part_delay)}
    scene = Scene("cut", settings={"tts": tts, "turns": {"join window": "0"}}, until=1.0 + after + 1.0)
    scene.agent = [[WORDS], ["Fine."]]
    scene.acts = [
        Act(1.0, "text", "count"),
        Act(1.0 + after - 0.4, "caller", "stop", end=1.0 + after - 0.1, options=("mute", "ends")),
    ]
    return play(scene)


@pytest.mark.parametrize("timestamps", [True, False], ids=["with word times", "without word times"])
@pytest.mark.parametrize("after", [0.5 + 0.31 * k for k in range(10)])
def test_the_history_keeps_the_words_that_were_heard(after: float, timestamps: bool) -> None:
    played = cut(after, timestamps=timestamps)
    hold(played)
    (message,) = (m for m in played.session.history if m.interrupted)
    seconds = sum(len(samples) for utterance, _, samples in played.log.sent if utterance == 1) / 8000
    words = message.text.split()
    assert abs(len(words) - seconds / 0.3) <= (1 if timestamps else 2)
    assert WORDS.split()[: len(words)] == words


def test_what_was_heard_and_what_was_not_are_all_that_was_given() -> None:
    played = cut(1.9, timestamps=True)
    lines = [line for _, line in played.log.lines]
    (heard,) = (line.partition(": ")[2] for line in lines if line.startswith("heard 1"))
    (unheard,) = (line.partition(": ")[2] for line in lines if line.startswith("unheard 1"))
    assert f"{heard} {unheard}" == WORDS
