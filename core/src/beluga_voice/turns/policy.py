"""The settings of turn-taking: defaults, bounds, and what each is for."""

from __future__ import annotations

from dataclasses import dataclass, field, fields
from typing import Literal, TypeVar, get_args, get_origin, get_type_hints

from beluga_voice.errors import ConfigurationError

T = TypeVar("T")


def bounded(default: float, low: float, high: float, meaning: str) -> float:
    """Declare a field with inclusive bounds and what it is for."""
    return field(default=default, metadata={"low": low, "high": high, "meaning": meaning})


def choice(default: T, meaning: str) -> T:
    """Declare a field whose type lists its values, and what it is for."""
    return field(default=default, metadata={"meaning": meaning})


@dataclass(frozen=True, slots=True, kw_only=True)
class TurnPolicy:
    """How turns are taken. Durations are seconds; each field's bounds stand in its metadata and are inclusive.

    Raises:
        ConfigurationError: a value is out of bounds; the text names it and what is allowed.
    """

    vad_on: float = bounded(0.5, 0, 1, "a window with this probability or more may start speech")
    vad_off: float = bounded(0.35, 0, 1, "a window below this probability may end speech")
    speech_starts_after: float = bounded(0.06, 0.02, 1, "of speech, then it has started")
    speech_stops_after: float = bounded(0.25, 0.05, 2, "of no speech, then it has stopped")
    pre_roll: float = bounded(0.4, 0, 2, "of audio before the speech start that the STT hears too")

    endpoint_min: float = bounded(0.35, 0.05, 5, "after speech end, when the turn seems complete")
    endpoint_max: float = bounded(2.5, 0.05, 10, "after speech end, when the turn does not seem complete")
    endpointing: Literal["fixed", "adaptive"] = choice(
        "fixed", "whether the short delay stays, or follows the caller's pauses within turns"
    )
    detector_threshold: float = bounded(0.5, 0, 1, "probability from which a turn seems complete")
    transcript_deadline: float = bounded(
        2.0, 0.2, 10, "after speech end, then the turn closes with interim words"
    )
    turn_limit: float = bounded(120, 1, 3600, "of the caller's turn, then it is closed")
    turn_limit_words: int = field(
        default=0,
        metadata={
            "low": 0,
            "high": 10_000,
            "meaning": "words of the caller's turn, then it is closed; 0 for any number",
        },
    )
    dtmf: Literal["events", "turns"] = choice(
        "events", "whether keys of the telephone are only told, or make a turn and cut the agent"
    )
    dtmf_ends: float = bounded(2.0, 0.2, 30, "after the last key, then the keys are complete, as at a #")
    join_window: float = bounded(
        0.7, 0, 3, "of a reply heard, within which the caller's speech takes up the turn"
    )

    allow_interruptions: bool = field(
        default=True,
        metadata={"meaning": "whether the caller may cut replies; what is said over them is the next turn"},
    )
    pause_after: float = bounded(0.1, 0, 1, "of the caller's speech, then the agent is silent")
    barge_in_action: Literal["pause", "duck"] = choice(
        "pause", "whether speech over the agent silences it, or takes its level down by 12 dB"
    )
    barge_in_words: int = field(
        default=3, metadata={"low": 0, "high": 20, "meaning": "words that commit a barge-in at once"}
    )
    barge_in_seconds: float = bounded(0.5, 0.05, 5, "of speech that commits a barge-in at once")
    barge_in_needs: Literal["all", "any"] = choice(
        "all", "whether a barge-in needs words and seconds, or either"
    )
    undecided_max: float = bounded(3, 0.5, 30, "of speech without a word, then the agent goes on over it")
    false_barge_in: float = bounded(1.0, 0.1, 10, "after speech end without words, then the agent goes on")
    echo_by_transcript: Literal["off", "on"] = choice(
        "off", "whether words that the caller has just heard are echo, where nothing cancels it"
    )

    preemptive: Literal["off", "discard", "use_if_similar", "always_use"] = choice(
        "off",
        "whether a reply begins before the close, and when it is kept: the words are equal, similar, or any",
    )
    interim_stable: float = bounded(
        0.15, 0, 2, "without a change, then words may begin a reply before the close"
    )

    first_text: float = bounded(10, 0.5, 120, "from the close to the agent's first text")
    first_audio: float = bounded(10, 0.5, 120, "from the first piece given to the TTS to its first audio")
    stall: float = bounded(5, 0.5, 60, "without a sample while audio is owed, then the utterance has failed")

    away_after: float = bounded(30, 1, 3600, "of silence of both, then the caller is away")
    session_timeout: float = bounded(1800, 60, 86400, "without speech, text or a heard sample, then it ends")

    def __post_init__(self) -> None:
        """Hold the bounds."""
        for spec in fields(self):
            if "low" in spec.metadata:
                check_bounds(spec.name, getattr(self, spec.name), spec.metadata["low"], spec.metadata["high"])
        for name, allowed in _CHOICES.items():
            check_choice(name, getattr(self, name), allowed)
        self._check_order("vad_off", "vad_on")
        self._check_order("speech_stops_after", "endpoint_min")
        self._check_order("endpoint_min", "endpoint_max")

    def _check_order(self, smaller: str, larger: str) -> None:
        low, high = getattr(self, smaller), getattr(self, larger)
        if low > high:
            raise ConfigurationError(f"{smaller} is {low}; it must be at most {larger}, which is {high}")


def check_bounds(name: str, value: float, low: float, high: float) -> None:
    """Raise `ConfigurationError` unless `value` is a number from `low` to `high`, both included."""
    if isinstance(value, bool) or not isinstance(value, (int, float)):
        raise ConfigurationError(f"{name} is {value!r}; it must be a number from {low} to {high}")
    if not low <= value <= high:
        raise ConfigurationError(f"{name} is {value}; it must be from {low} to {high}")


def check_choice(name: str, value: object, allowed: tuple[str, ...]) -> None:
    """Raise `ConfigurationError` unless `value` is among those that are allowed."""
    if value not in allowed:
        *others, last = map(repr, allowed)
        raise ConfigurationError(f"{name} is {value!r}; allowed are {', '.join(others)} and {last}")


_CHOICES = {
    name: get_args(hint) for name, hint in get_type_hints(TurnPolicy).items() if get_origin(hint) is Literal
}
