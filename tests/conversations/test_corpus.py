"""Every scene of `scenes/`: what must follow does, and what holds of every conversation holds."""

from __future__ import annotations

import pytest

from .holds import hold
from .screenplay import Scene, matches, read_all
from .stage import Played, play

SCENES = read_all()


@pytest.mark.parametrize("scene", [pytest.param(scene, id=scene.name) for scene in SCENES])
def test_scene(scene: Scene) -> None:
    played = play(scene)
    try:
        follows(played)
        hold(played)
    except AssertionError as error:
        pytest.fail(f"{scene.name}: {error}\n{played.told()}", pytrace=False)


def follows(played: Played) -> None:
    """Hold what the scene expects.

    Raises:
        AssertionError: something did not follow; the text says what.
    """
    scene, lines = played.scene, played.log.lines
    at = 0
    for expected in scene.expected:
        found = [i for i in range(at, len(lines)) if expected.meets(*lines[i])]
        when = "" if expected.since <= 0 else f" at {expected.since:.3f} to {expected.until:.3f}"
        assert found, f"{expected.line!r} does not follow{when}, or not in this order"
        at = found[0] + 1
    for pattern in scene.never:
        assert not [line for _, line in lines if matches(line, pattern)], f"{pattern!r} must never follow"
    for pattern in scene.once:
        count = sum(matches(line, pattern) for _, line in lines)
        assert count == 1, f"{pattern!r} follows {count} times, and must once"
    if scene.states is not None:
        assert played.states == scene.states
    if scene.history is not None:
        assert played.history == scene.history
