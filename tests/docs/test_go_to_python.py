"""The map from Go to Python says what the code has, and leaves no name of the session package out."""

from __future__ import annotations

import dataclasses
import importlib
import inspect
import re
from pathlib import Path

import pytest

from beluga_voice import ErrorCode, SessionConfig, SessionState, TurnPolicy
from beluga_voice.agent import AgentState

PAGE = Path(__file__).resolve().parent.parent.parent / "docs/reference/go-to-python.md"

NAMES = [
    "NewVoiceSession",
    "VoiceSession",
    "VoiceSession.Start",
    "VoiceSession.Stop",
    "VoiceSession.Say",
    "VoiceSession.SayWithOptions",
    "VoiceSession.ProcessAudio",
    "VoiceSession.GetState",
    "VoiceSession.OnStateChanged",
    "VoiceSession.GetSessionID",
    "ProcessTranscript",
    "playTextChunk",
    "HandleInterruption",
    "SayOptions",
    "SayOptions.Voice",
    "SayOptions.Speed",
    "SayOptions.Volume",
    "SayOptions.AllowInterruptions",
    "SayHandle",
    "SayHandle.WaitForPlayout",
    "SayHandle.Cancel",
    "SessionState",
    "CanTransition",
    "AgentState",
    "AgentStateError",
    "AgentStateError.From",
    "AgentStateError.To",
    "AgentStateError.Message",
    "AgentContext",
    "AgentContext.LastInterruption",
    "AgentContext.ConversationHistory",
    "AgentContext.ToolResults",
    "AgentContext.CurrentPlan",
    "AgentContext.StreamingActive",
    "StreamingState",
    "StreamingState.LastChunkTime",
    "StreamingState.CurrentStream",
    "StreamingState.Buffer",
    "StreamingState.Active",
    "StreamingState.Interrupted",
    "AgentStreamChunk",
    "AgentStreamChunk.Content",
    "AgentStreamChunk.ToolCalls",
    "AgentStreamChunk.Action",
    "AgentStreamChunk.Finish",
    "AgentStreamChunk.Err",
    "AgentStreamChunk.Metadata",
    "ToolResult",
    "ToolResult.ToolName",
    "ToolResult.Input",
    "ToolResult.Output",
    "ToolResult.Err",
    "ToolResult.Duration",
    "ToolResult.ExecutedAt",
    "AgentInstance",
    "AgentInstance.Agent",
    "AgentInstance.Config",
    "AgentInstance.Context",
    "AgentInstance.GetState",
    "AgentInstance.SetState",
    "AgentInstance.GetContext",
    "AgentInstance.UpdateContext",
    "VoiceCallAgentContext",
    "VoiceCallAgentContext.SessionID",
    "VoiceCallAgentContext.UserID",
    "VoiceCallAgentContext.StartTime",
    "VoiceCallAgentContext.LastActivity",
    "StreamingConfig.EnableStreaming",
    "StreamingConfig.ChunkBufferSize",
    "StreamingConfig.SentenceBoundary",
    "StreamingConfig.InterruptOnNewInput",
    "StreamingConfig.MaxStreamDuration",
    "WithSTTProvider",
    "WithTTSProvider",
    "WithS2SProvider",
    "WithVADProvider",
    "WithTurnDetector",
    "WithTransport",
    "WithNoiseCancellation",
    "WithAgentCallback",
    "WithAgentInstance",
    "WithOnStateChanged",
    "WithConfig",
    "WithSessionID",
    "WithTimeout",
    "WithAutoStart",
    "WithEnableKeepAlive",
    "WithKeepAliveInterval",
    "WithMaxRetries",
    "VoiceOptions.allow_interruptions",
    "VoiceOptions.discard_audio_if_uninterruptible",
    "VoiceOptions.min_interruption_duration",
    "VoiceOptions.min_interruption_words",
    "VoiceOptions.min_endpointing_delay",
    "VoiceOptions.max_endpointing_delay",
    "VoiceOptions.max_tool_steps",
    "VoiceOptions.preemptive_generation",
    "VoiceOptions.streaming_tts",
    "VoiceOptions.streaming_agent",
    "VoiceOptions.user_away_timeout",
    "Config",
    "Config.session_id",
    "Config.timeout",
    "Config.keep_alive_interval",
    "Config.max_retries",
    "Config.retry_delay",
    "Config.auto_start",
    "Config.enable_keep_alive",
    "Config.enable_tracing",
    "Config.enable_metrics",
    "Config.enable_structured_logging",
    "SessionError",
    "SessionError.Op",
    "SessionError.Err",
    "SessionError.Message",
    "SessionError.Code",
    "SessionError.Details",
    "NewSessionError",
    "NewSessionErrorWithMessage",
    "NewSessionErrorWithDetails",
    "NewAgentIntegrationError",
    "WrapAgentIntegrationError",
    "IsRetryableError",
    "session.started.total",
    "session.stopped.total",
    "session.errors.total",
    "session.active",
    "session.operation.latency",
    "session.duration",
    "voice.session.agent.latency",
    "voice.session.agent.streaming.duration",
    "voice.session.agent.tool.execution.time",
    "agent.streaming.latency",
    "agent.streaming.duration",
    "agent.streaming.chunks.count",
    "RecordSessionStart",
    "RecordSessionStop",
    "RecordSessionError",
    "RecordAgentOperation",
    "RecordAgentStreamingChunk",
    "RecordAgentToolExecution",
    "IncrementActiveSessions",
    "DecrementActiveSessions",
    "InitMetrics",
    "GetMetrics",
    "NewMetrics",
    "NoOpMetrics",
    "AdvancedMockSession",
    "AdvancedMockSession.IsActive",
    "WithMockSessionID",
    "WithActive",
    "WithStarted",
    "WithError",
    "WithProcessingDelay",
    "WithNetworkDelay",
    "AdvancedMockAgentInstance",
    "WithAgentState",
    "WithAgentContext",
    "WithStreamingChunks",
    "MockStreamingAgentIntegration",
    "CreateTestAgentContext",
    "CreateTestStreamingState",
    "CreateTestSessionWithAgent",
    "AssertSessionInterface",
    "AssertAgentState",
    "AssertStreamingActive",
    "MockSTTStreaming",
    "MockTTSStreaming",
    "MockTransport",
    "AdvancedMockSTTProvider",
    "AdvancedMockTTSProvider",
    "AdvancedMockVADProvider",
    "AdvancedMockTurnDetector",
    "AdvancedMockNoiseCancellation",
    "AdvancedMockTransport",
    "InterruptionDetector",
    "WordCountDetector",
    "DurationDetector",
    "AwayDetection",
    "SessionTimeout",
    "Chunking",
    "Buffering",
    "CircuitBreaker",
    "ErrorRecovery",
    "ProviderFallback",
    "InterimHandler",
    "FinalHandler",
    "PreemptiveGeneration",
    "ResponseCancellation",
    "StreamingSTT",
    "StreamingTTS",
    "StreamingIncremental",
    "StreamingAgent",
    "AgentIntegration",
    "S2SIntegration",
    "MemoryIntegration",
    "OrchestrationIntegration",
]
"""What the Go package exports, what its tests call, and what its specifications add."""

CODES = [
    "invalid_config",
    "internal_error",
    "invalid_state",
    "timeout",
    "session_not_found",
    "session_already_active",
    "session_not_active",
    "session_expired",
    "context_canceled",
    "context_timeout",
    "agent_not_set",
    "agent_invalid",
    "stream_error",
    "context_error",
    "interruption_error",
    "s2s_error",
    "transport_error",
    "agent_not_configured",
    "agent_error",
    "transport_failed",
    "provider_init_failed",
    "cleanup_failed",
    "empty_text",
    "tts_failed",
    "invalid_options",
    "invalid_audio",
    "stt_failed",
    "agent_failed",
]

STATES = ["initial", "listening", "processing", "speaking", "away", "ended"]
AGENT_STATES = ["idle", "listening", "processing", "streaming", "executing_tool", "speaking", "interrupted"]
LIMITS = {"limit: history 100", "limit: tool results 50", "limit: chunk buffer 20"}

MOCKS = {
    "STTProvider": "ProviderName Transcriptions Error StreamingDelay NetworkDelay",
    "TTSProvider": "ProviderName AudioResponses Error StreamingDelay NetworkDelay",
    "VADProvider": "ProviderName SpeechResults Error ProcessingDelay NetworkDelay",
    "TurnDetector": "DetectorName TurnResults Error ProcessingDelay NetworkDelay",
    "NoiseCancellation": "CancellationName ProcessedAudio Error ProcessingDelay NoiseLevel",
    "Transport": "TransportName AudioData Error ProcessingDelay NetworkDelay Connected",
    "S2SProvider": "ProviderName AudioOutputs Error MockDelay NetworkDelay",
}
"""The options of each package's mock."""

CONFIG: dict[str, tuple[object, float | None, float | None]] = {
    "session_id": ("", None, None),
    "timeout": (30 * 60, 60, 24 * 3600),
    "keep_alive_interval": (30, 5, 5 * 60),
    "max_retries": (3, 0, 10),
    "retry_delay": (1, 0.1, 10),
    "auto_start": (False, None, None),
    "enable_keep_alive": (True, None, None),
    "enable_tracing": (True, None, None),
    "enable_metrics": (True, None, None),
    "enable_structured_logging": (True, None, None),
}
"""Each field's default, and its bounds, both included; durations in seconds."""


def rows() -> dict[str, tuple[str, str]]:
    """The page's rows: what stands for each Go name, and what is remarked of it."""
    text = PAGE.read_text(encoding="utf-8")
    found = re.findall(r"^\| `([^`]+)` \| (`[^`]+`|not kept) \| ?(.*?) ?\|$", text, re.MULTILINE)
    assert len(found) == len(re.findall(r"^\| `", text, re.MULTILINE)), "every row can be read"
    assert len({name for name, _, _ in found}) == len(found), "no name stands twice"
    return {name: (python.strip("`"), remark) for name, python, remark in found}


def resolve(path: str) -> object:
    """What a dotted name, or a name with a keyword as in `say(voice=)`, stands for."""
    path, _, keyword = path.removesuffix("=)").partition("(")
    parts = path.split(".") if path.startswith("beluga_voice.") else ["beluga_voice", *path.split(".")]
    found: object = importlib.import_module(parts[0])
    for number, part in enumerate(parts[1:], start=2):
        if not hasattr(found, part) and inspect.ismodule(found):
            found = importlib.import_module(".".join(parts[:number]))
        elif hasattr(found, part):
            found = getattr(found, part)
        else:
            assert inspect.isclass(found), f"no {part} in {found}"
            assert f"self.{part} = " in inspect.getsource(found), f"{found} has no attribute {part}"
    if keyword:
        assert callable(found)
        assert keyword in inspect.signature(found).parameters, f"{path} takes no {keyword}"
    return found


def test_every_name_of_the_go_package_has_its_row_and_no_other_has() -> None:
    expected = {*NAMES, *CODES, *LIMITS}
    expected |= {f"SessionState {state}" for state in STATES} | {
        f"AgentState {state}" for state in AGENT_STATES
    }
    expected |= {f"AdvancedMock{kind}" for kind in MOCKS}
    expected |= {f"AdvancedMock{kind}.With{name}" for kind, names in MOCKS.items() for name in names.split()}
    assert rows().keys() == expected


@pytest.mark.parametrize("name", rows())
def test_what_stands_for_it_is_there_or_it_is_said_why_not(name: str) -> None:
    python, remark = rows()[name]
    if python == "not kept":
        assert remark, "a name that is not kept needs a reason"
    else:
        resolve(python)
    for mentioned in re.findall(r"`([^`]+)`", remark):
        if "." in mentioned and "(" not in mentioned and mentioned[0].isupper():
            resolve(f"beluga_voice.conversation.{mentioned}" if mentioned == "ToolResult.call" else mentioned)


def test_the_codes_and_states_are_the_same() -> None:
    assert sorted(ErrorCode) == sorted(CODES)
    assert list(SessionState) == STATES
    assert list(AgentState) == AGENT_STATES
    for code in CODES:
        assert rows()[code][0] == f"ErrorCode.{code.upper()}"
    assert {code for code in ErrorCode if code.retryable} == {"timeout", "context_timeout"}


@pytest.mark.parametrize("name", CONFIG)
def test_every_field_has_the_default_and_the_bounds_that_it_had(name: str) -> None:
    owner, _, field = rows()[f"Config.{name}"][0].partition(".")
    model = {"SessionConfig": SessionConfig, "TurnPolicy": TurnPolicy}[owner]
    (spec,) = [each for each in dataclasses.fields(model) if each.name == field]
    default, low, high = CONFIG[name]
    assert spec.default == default
    assert (spec.metadata.get("low"), spec.metadata.get("high")) == (low, high)
    for value in () if low is None else (low, high):
        model(**{field: value})
