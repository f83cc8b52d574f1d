"""The session's state: the transitions of rule 18."""

from __future__ import annotations

import itertools

import pytest

from beluga_voice.events import SessionState
from beluga_voice.turns import TRANSITIONS, can_change
from beluga_voice.turns.phases import path

S = SessionState

ALLOWED = {
    S.INITIAL: {S.LISTENING, S.ENDED},
    S.LISTENING: {S.PROCESSING, S.SPEAKING, S.AWAY, S.ENDED},
    S.PROCESSING: {S.LISTENING, S.SPEAKING, S.ENDED},
    S.SPEAKING: {S.LISTENING, S.PROCESSING, S.ENDED},
    S.AWAY: {S.LISTENING, S.ENDED},
    S.ENDED: {S.INITIAL, S.LISTENING},
}


@pytest.mark.parametrize("old", S)
@pytest.mark.parametrize("new", S)
def test_only_these_changes_are_allowed(old: SessionState, new: SessionState) -> None:
    assert can_change(old, new) == (new in ALLOWED[old])


def test_every_state_has_its_changes() -> None:
    assert set(TRANSITIONS) == set(S)


@pytest.mark.parametrize("old", [S.LISTENING, S.PROCESSING, S.SPEAKING, S.AWAY])
@pytest.mark.parametrize("new", [S.LISTENING, S.PROCESSING, S.SPEAKING, S.AWAY, S.ENDED])
def test_a_path_leads_there_by_allowed_changes_alone(old: SessionState, new: SessionState) -> None:
    states = (old, *path(old, new))
    assert states[-1] is new
    assert all(can_change(*pair) for pair in itertools.pairwise(states))


@pytest.mark.parametrize(("old", "new"), [(S.AWAY, S.SPEAKING), (S.AWAY, S.PROCESSING), (S.SPEAKING, S.AWAY)])
def test_away_is_entered_and_left_by_way_of_listening(old: SessionState, new: SessionState) -> None:
    assert path(old, new) == (S.LISTENING, new)
