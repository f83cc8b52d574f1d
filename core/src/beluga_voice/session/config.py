"""What a session is told besides its turn-taking policy."""

from __future__ import annotations

from dataclasses import dataclass, field, fields
from typing import Literal

from beluga_voice.contracts.tts import SPEED, VOLUME, SpeechOptions
from beluga_voice.errors import ConfigurationError
from beluga_voice.turns.policy import bounded, check_bounds, check_choice


@dataclass(frozen=True, slots=True, kw_only=True)
class SessionConfig:
    """Settings of one session. Durations are seconds; bounds are inclusive.

    Raises:
        ConfigurationError: a value is out of bounds.
    """

    session_id: str = field(default="", metadata={"meaning": "the session's name; made up if empty"})
    language: str = field(default="en", metadata={"meaning": "BCP 47 tag of the conversation"})
    voice: str = field(
        default="", metadata={"meaning": "the TTS's name of a voice; the one of its own settings if empty"}
    )
    speed: float = bounded(1, *SPEED, "times as fast as the TTS's own settings say")
    volume: float = bounded(1, *VOLUME, "times as loud as the TTS's own settings say")
    greeting: str = field(default="", metadata={"meaning": "said when the session starts; nothing if empty"})
    apology: str = field(
        default="",
        metadata={"meaning": "said when a reply fails before a word of it was heard; nothing if empty"},
    )
    reasoning: Literal["auto", "built-in", "external"] = field(
        default="auto",
        metadata={
            "meaning": "who thinks in a session over a speech-to-speech model: the model, the agent, or the "
            "model if the agent has no language model"
        },
    )
    playout_ahead: float = bounded(10, 0.1, 120, "of audio that the TTS may be ahead of the caller's ear")
    hearing_backlog: float = bounded(
        10, 0.1, 120, "of audio that may wait for a slow STT, then it is given up"
    )
    open_deadline: float = bounded(30, 0.1, 120, "that a stream or the line may take to open, then it failed")
    close_deadline: float = bounded(1, 0.05, 30, "that a provider may take to close, then it is left")

    enable_tracing: bool = field(
        default=True, metadata={"meaning": "whether spans are made of the session, where telemetry is on"}
    )
    enable_metrics: bool = field(
        default=True, metadata={"meaning": "whether the session counts in metrics, where telemetry is on"}
    )
    enable_structured_logging: bool = field(
        default=True, metadata={"meaning": "whether what happens in the session is logged, with its name"}
    )
    auto_start: bool = field(
        default=False, metadata={"meaning": "whether a session starts by itself as soon as it is made"}
    )
    enable_keep_alive: bool = field(
        default=True, metadata={"meaning": "whether streams and the line are kept open while they are idle"}
    )
    keep_alive_interval: float = bounded(30, 5, 300, "from one keep-alive to the next")
    max_retries: int = field(
        default=3,
        metadata={
            "low": 0,
            "high": 10,
            "meaning": "of a recognizer's stream that failed, without a word between",
        },
    )
    retry_delay: float = bounded(
        1,
        0.1,
        10,
        "before the second retry, and half as much again before each further; a tenth before the first",
    )

    record: str = field(
        default="",
        metadata={
            "meaning": "WAV file of the call, caller left, agent right; may hold {session_id}; none if empty"
        },
    )
    journal: str = field(
        default="",
        metadata={
            "meaning": "file of the session's journal, JSON Lines; may hold {session_id}; none if empty"
        },
    )
    journal_max_bytes: int = field(
        default=64 << 20,
        metadata={"low": 1 << 14, "high": 1 << 40, "meaning": "of the journal, then it ends and says so"},
    )
    journal_content: bool = field(
        default=True,
        metadata={"meaning": "whether the journal holds what was said; else each word is a token of its own"},
    )

    def __post_init__(self) -> None:
        """Hold the bounds."""
        for spec in fields(self):
            if "low" in spec.metadata:
                check_bounds(spec.name, getattr(self, spec.name), spec.metadata["low"], spec.metadata["high"])
        check_choice("reasoning", self.reasoning, ("auto", "built-in", "external"))
        if not self.language:
            raise ConfigurationError("language is empty; it must be a BCP 47 tag, as in 'en' or 'de-AT'")

    @property
    def speech_options(self) -> SpeechOptions:
        """How texts are spoken, where neither `say` nor the agent says otherwise."""
        return SpeechOptions(
            self.voice or None,
            None if self.speed == 1 else self.speed,
            None if self.volume == 1 else self.volume,
        )
