"""What a session is made of."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

from beluga_voice.contracts import (
    STT,
    TTS,
    VAD,
    Agent,
    CallControl,
    InterruptionClassifier,
    NoiseSuppressor,
    SpeechOptions,
    TextFilter,
    Transport,
    TurnDetector,
)
from beluga_voice.session.config import SessionConfig
from beluga_voice.session.s2s.model import Model
from beluga_voice.turns import Abilities, TurnPolicy
from beluga_voice.usage import Prices


@dataclass(frozen=True, slots=True, kw_only=True)
class Parts:
    """What a session is made of.

    Attributes:
        tts: by what agents call them; ``""`` is the session's own.
        model: the speech-to-speech model that `stt` and `tts` are of; None if there is none.
    """

    stt: STT
    tts: Mapping[str, TTS]
    agent: Agent | None
    control: CallControl
    vad: VAD | None
    turn_detector: TurnDetector | None
    noise_suppressor: NoiseSuppressor | None
    classifier: InterruptionClassifier
    text_filters: tuple[TextFilter, ...]
    transport: Transport | None
    model: Model | None
    config: SessionConfig
    policy: TurnPolicy
    prices: Prices

    def voice_of(self, agent: Agent | None) -> tuple[TTS, SpeechOptions]:
        """Return what speaks for an agent now, and how: the session's own TTS, where it has not the agent's."""
        if agent is None:
            return self.tts[""], self.config.speech_options
        tts = self.tts.get(agent.tts_name, self.tts[""])
        return tts, agent.speech_options.over(self.config.speech_options)

    @property
    def abilities(self) -> Abilities:
        """What decisions depend on."""
        return Abilities(
            replies=self.agent is not None,
            detects_turns=self.turn_detector is not None,
            finalizes=self.stt.finalizes,
            stt_delay=self.stt.p99_delay,
            cancels_echo=self.noise_suppressor is not None and self.noise_suppressor.cancels_echo,
            answers_audio=self.model is not None and self.model.answers,
            tells_ends=self.model is not None and self.model.s2s.detects_turns,
        )
