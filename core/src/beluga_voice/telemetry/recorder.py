"""What is recorded of sessions, whoever records it; and the recorder that does nothing."""

from __future__ import annotations

from typing import Protocol, runtime_checkable

from beluga_voice.events import ModelAnswered, TurnMeasured, UsageMeasured


@runtime_checkable
class MetricsRecorder(Protocol):
    """Records what sessions do. No method raises, whatever it is given; all may be called from any thread.

    Durations are seconds. Nothing is told of which session it was: on metrics a session's name would be a label
    without bound, so it stands on spans and logs.
    """

    def record_session_start(self, duration: float) -> None:
        """A session has started, after `duration`; it is active."""

    def record_session_stop(self, duration: float, lifetime: float = 0.0) -> None:
        """A session has ended: stopping took `duration`, all of it `lifetime`; it is not active any more."""

    def record_session_error(self, error_code: str, duration: float | None = None) -> None:
        """Something of a session failed; `duration` is how long the operation took, if it was one."""

    def increment_active_sessions(self) -> None:
        """Count an active session that no `record_session_start` tells of."""

    def decrement_active_sessions(self) -> None:
        """Count one less, as `increment_active_sessions`."""

    def record_agent_operation(self, latency: float) -> None:
        """An agent gave its first text `latency` after it was asked."""

    def record_agent_streaming_chunk(self, duration: float) -> None:
        """The text of a reply came over `duration`."""

    def record_agent_streaming(self, agent: str, latency: float, duration: float, chunks: int) -> None:
        """A model of `agent`'s gave its first chunk after `latency`, and `chunks` of text over `duration`."""

    def record_agent_tool_execution(self, tool_name: str, duration: float) -> None:
        """A tool ran for `duration`."""

    def record_answer(self, answer: ModelAnswered) -> None:
        """A model ended an answer."""

    def record_turn(self, measured: TurnMeasured) -> None:
        """The first sample of a reply was heard."""

    def record_barge_in(self) -> None:
        """The caller took the floor."""

    def record_usage(self, usage: UsageMeasured) -> None:
        """A session ended, having used this."""


class NoMetrics:
    """A `MetricsRecorder` that records nothing."""

    def record_session_start(self, duration: float) -> None:
        """Do nothing."""

    def record_session_stop(self, duration: float, lifetime: float = 0.0) -> None:
        """Do nothing."""

    def record_session_error(self, error_code: str, duration: float | None = None) -> None:
        """Do nothing."""

    def increment_active_sessions(self) -> None:
        """Do nothing."""

    def decrement_active_sessions(self) -> None:
        """Do nothing."""

    def record_agent_operation(self, latency: float) -> None:
        """Do nothing."""

    def record_agent_streaming_chunk(self, duration: float) -> None:
        """Do nothing."""

    def record_agent_streaming(self, agent: str, latency: float, duration: float, chunks: int) -> None:
        """Do nothing."""

    def record_agent_tool_execution(self, tool_name: str, duration: float) -> None:
        """Do nothing."""

    def record_answer(self, answer: ModelAnswered) -> None:
        """Do nothing."""

    def record_turn(self, measured: TurnMeasured) -> None:
        """Do nothing."""

    def record_barge_in(self) -> None:
        """Do nothing."""

    def record_usage(self, usage: UsageMeasured) -> None:
        """Do nothing."""
