"""A short delay that follows the caller's pauses (rule 2)."""

from __future__ import annotations

import pytest

from beluga_voice.errors import ConfigurationError
from beluga_voice.testing.script import Script
from beluga_voice.turns import Abilities, TurnPolicy

ADAPTIVE = TurnPolicy(endpointing="adaptive", endpoint_min=0.35, endpoint_max=2.5)


def hesitates(script: Script, at: float, *pauses: float) -> float:
    """The caller speaks for a second between pauses, the STT answers each time; returns the end of speech."""
    end = at + 1.0
    for number, pause in enumerate((0.0, *pauses)):
        start = at if number == 0 else end + pause
        end = start + 1.0
        script.starts(start, delay=0.01)
        script.stops(end, delay=0.05)
        assert script.state.turn is not None
        asked = script.state.turn.request
        script.final(f"part {number}", end + 0.06, start=start, end=end, answers=asked)
    return end


def test_rule_2_a_pause_within_a_turn_is_learned_from_when_the_turn_has_closed() -> None:
    script = Script(ADAPTIVE, Abilities(detects_turns=True))
    end = hesitates(script, 1.0, 2.0)
    script.predicts(0.9, end + 0.07)
    assert script.state.learned == 0
    script.until(end + 0.36)
    assert script.state.learned == pytest.approx(0.9 * 0.35 + 0.1 * 2.0)


def test_rule_2_the_next_turn_closes_by_the_learned_delay() -> None:
    script = Script(ADAPTIVE, Abilities(detects_turns=True))
    end = hesitates(script, 1.0, 2.0)
    script.predicts(0.9, end + 0.07)
    script.until(end + 0.36)
    script.plays(1, end + 0.4)
    script.ends(1, 10.0)
    end = hesitates(script, 11.0)
    script.predicts(0.9, end + 0.07)
    script.new()
    script.until(end + 0.514)
    assert script.new() == []
    script.until(end + 0.516)
    assert "closed 2: part 0" in script.new()


def test_rule_2_later_pauses_weigh_more() -> None:
    script = Script(ADAPTIVE, Abilities(detects_turns=True))
    end = hesitates(script, 1.0, 1.0, 2.0)
    script.predicts(0.9, end + 0.07)
    script.until(end + 0.5)
    assert script.state.learned == pytest.approx(0.9 * (0.9 * 0.35 + 0.1) + 0.2)


def test_rule_2_a_pause_that_closed_the_turn_too_early_is_learned_from_when_it_is_joined() -> None:
    script = Script(ADAPTIVE)
    script.asks("what time is it", 1.0, 2.0)
    script.speech(2.8, 3.5)
    script.final("in Paris", 3.8, start=2.8, end=3.5, answers=2)
    script.until(4.0)
    assert "closed 1: what time is it in Paris" in script.new()
    assert script.state.learned == pytest.approx(0.9 * 0.35 + 0.1 * 0.8)


def test_rule_2_short_pauses_do_not_take_the_delay_below_its_minimum() -> None:
    script = Script(ADAPTIVE)
    end = hesitates(script, 1.0, 0.1, 0.1, 0.1)
    script.until(end + 0.351)
    assert script.state.learned == 0.35
    assert "closed 1: part 0 part 1 part 2 part 3" in script.new()


def test_rule_2_the_delay_is_not_learned_beyond_its_maximum() -> None:
    policy = TurnPolicy(endpointing="adaptive", endpoint_min=0.35, endpoint_max=0.4, transcript_deadline=10)
    script = Script(policy)
    script.starts(1.0)
    script.interim("and", 1.5)
    script.stops(2.0)
    script.starts(9.0)
    script.stops(10.0)
    script.final("and then", 10.3, answers=2)
    script.until(10.41)
    assert "closed 1: and then" in script.new()
    assert script.state.learned == 0.4


def test_rule_2_noise_before_the_words_is_no_pause_of_the_caller() -> None:
    script = Script(ADAPTIVE)
    script.speech(1.0, 1.1)
    script.speech(2.5, 3.0)
    script.final("what time is it", 3.3, start=2.5, end=3.0, answers=2)
    script.until(3.4)
    assert "closed 1: what time is it" in script.new()
    assert script.state.learned == 0


def test_rule_2_a_turn_that_is_dropped_teaches_nothing() -> None:
    script = Script(ADAPTIVE)
    script.say(0.1)
    script.plays(-1, 0.2)
    end = hesitates_with_hums(script)
    script.until(end)
    assert "dropped 1: backchannel" in script.new()
    assert script.state.learned == 0


def hesitates_with_hums(script: Script) -> float:
    """The caller hums twice over the agent, as interim words, then as a final."""
    script.starts(1.0)
    script.interim("mhm", 1.2)
    script.stops(1.3)
    script.starts(2.3)
    script.stops(2.5)
    script.final("mhm mhm", 2.8, start=1.0, end=2.5, answers=2)
    return 3.0


def test_rule_2_where_it_is_fixed_nothing_is_learned() -> None:
    script = Script(TurnPolicy(), Abilities(detects_turns=True))
    end = hesitates(script, 1.0, 2.0)
    script.predicts(0.9, end + 0.07)
    script.until(end + 0.36)
    assert script.state.learned == 0
    assert "closed 1: part 0 part 1" in script.new()


@pytest.mark.parametrize("setting", ["endpointing", "barge_in_needs"])
def test_a_choice_that_there_is_not_is_refused(setting: str) -> None:
    with pytest.raises(ConfigurationError, match=f"{setting} is 'clever'; allowed are"):
        TurnPolicy(**{setting: "clever"})  # type: ignore[arg-type]
