"""The turn-taking engine: pure decisions over events that carry time."""

from beluga_voice.turns.engine import OBSERVED, step
from beluga_voice.turns.phases import TRANSITIONS, can_change
from beluga_voice.turns.policy import TurnPolicy
from beluga_voice.turns.state import Abilities, State

__all__ = ["OBSERVED", "TRANSITIONS", "Abilities", "State", "TurnPolicy", "can_change", "step"]
