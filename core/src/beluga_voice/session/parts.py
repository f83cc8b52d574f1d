"""What a session is made of."""

from __future__ import annotations

from dataclasses import dataclass

from beluga_voice.contracts import (
    STT,
    TTS,
    VAD,
    Agent,
    CallControl,
    InterruptionClassifier,
    NoiseSuppressor,
    Transport,
    TurnDetector,
)
from beluga_voice.session.config import SessionConfig
from beluga_voice.turns import Abilities, TurnPolicy
from beluga_voice.usage import Prices


@dataclass(frozen=True, slots=True, kw_only=True)
class Parts:
    """What a session is made of."""

    stt: STT
    tts: TTS
    agent: Agent | None
    control: CallControl
    vad: VAD | None
    turn_detector: TurnDetector | None
    noise_suppressor: NoiseSuppressor | None
    classifier: InterruptionClassifier
    transport: Transport | None
    config: SessionConfig
    policy: TurnPolicy
    prices: Prices

    @property
    def abilities(self) -> Abilities:
        """What decisions depend on."""
        return Abilities(
            replies=self.agent is not None,
            detects_turns=self.turn_detector is not None,
            finalizes=self.stt.finalizes,
            stt_delay=self.stt.p99_delay,
            cancels_echo=self.noise_suppressor is not None and self.noise_suppressor.cancels_echo,
        )
