"""Sessions made of fakes, and what a test may claim of sessions and agents."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Protocol

from beluga_voice.agent import AgentState
from beluga_voice.agents import AgentLike
from beluga_voice.contracts import Transport
from beluga_voice.session import SessionConfig, VoiceSession
from beluga_voice.testing.fakes.agent import ScriptedAgent
from beluga_voice.testing.fakes.stt import ScriptedSTT
from beluga_voice.testing.fakes.tts import ScriptedTTS
from beluga_voice.turns import TurnPolicy


def make_session(
    agent: AgentLike | None = None,
    *,
    transcripts: Sequence[str] = (),
    transport: Transport | None = None,
    config: SessionConfig | None = None,
    turns: TurnPolicy | None = None,
) -> VoiceSession:
    """Make a real session whose recognizer and voice are fakes.

    Args:
        agent: answers; one that says the caller's words again if None.
        transcripts: what the recognizer hears, an utterance each.
        transport: the line; without one, the session is fed by `process_audio` and `send_text`.
        config: as `VoiceSession` takes it.
        turns: likewise.
    """
    return VoiceSession(
        stt=ScriptedSTT(transcripts),
        tts=ScriptedTTS(),
        agent=ScriptedAgent() if agent is None else agent,
        transport=transport,
        config=config,
        turns=turns,
    )


class HasState(Protocol):
    """What knows an agent's state: an `AgentInstance`, or a fake of it."""

    @property
    def state(self) -> AgentState:
        """The state."""


class Streams(Protocol):
    """What knows whether a reply is being given: an `AgentContext`, or a fake of an `AgentInstance`."""

    @property
    def streaming_active(self) -> bool:
        """Whether it is."""


SESSION = ("session_id", "state", "start", "stop", "say", "send_text", "process_audio", "on_state_changed")
"""What every session has."""


def assert_session_interface(session: object) -> None:
    """Assert that `session` has all that a session is used by."""
    missing = [name for name in SESSION if not hasattr(session, name)]
    assert not missing, f"{type(session).__name__} is no session: it lacks {', '.join(missing)}"


def assert_agent_state(agent: HasState, expected: AgentState) -> None:
    """Assert that `agent` is in the state `expected`."""
    assert agent.state is expected, f"the agent is {agent.state}, and should be {expected}"


def assert_streaming_active(agent: Streams, expected: bool = True) -> None:
    """Assert that a reply is being given, or none."""
    active = agent.streaming_active
    assert active is expected, f"a reply is {'' if active else 'not '}being given"
