"""What speaks in a session: an agent's words through a TTS."""

from __future__ import annotations

from typing import Protocol

from beluga_voice.contracts import TTSStream, Turn
from beluga_voice.session.deciding import Deciding
from beluga_voice.session.parts import Parts
from beluga_voice.session.playout import Track
from beluga_voice.session.speech import Speech, Texts


class Voice(Protocol):
    """What makes the audio of utterances.

    What fails while it makes one is fed as `UtteranceFailed`, not raised; cancelling the task that makes one
    ends it.
    """

    @property
    def sample_rate(self) -> int:
        """Hz of the audio that it puts into tracks."""

    async def speak(self, utterance: int, track: Track, texts: Texts) -> None:
        """Make the audio of a text."""

    async def reply(self, utterance: int, track: Track, turn: Turn) -> None:
        """Make the answer to a turn, and its audio."""


class AgentVoice:
    """Speaks what the session's agent answers, over a stream of its TTS: a `Voice`.

    Args:
        stream: of the session's TTS.
        parts: of the session.
        deciding: takes what was made.
    """

    def __init__(self, stream: TTSStream, parts: Parts, deciding: Deciding) -> None:
        self._agent = parts.agent
        spoken_as = None if parts.agent is None else parts.agent.speech_text
        self._speech = Speech(
            stream, deciding.now, deciding.feed, deciding.report, spoken_as, deciding.blame.fail
        )
        self.sample_rate = parts.tts.sample_rate

    async def speak(self, utterance: int, track: Track, texts: Texts) -> None:
        """Make the audio of a text."""
        await self._speech.speak(utterance, track, texts)

    async def reply(self, utterance: int, track: Track, turn: Turn) -> None:
        """Ask the agent, and make the audio of its answer."""
        agent = self._agent
        assert agent is not None, "the engine asks no reply of a session without an agent"
        await self._speech.speak(utterance, track, lambda: agent.reply(turn))
