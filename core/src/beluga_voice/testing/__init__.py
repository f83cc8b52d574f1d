"""Fakes, checks and virtual time for tests of sessions and providers.

What is named here is loaded when it is asked for: the pytest plugin lives in this package and is imported by
every run of pytest wherever beluga-voice is installed.
"""

from __future__ import annotations

import importlib
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from beluga_voice.clock import (
        DeadlockError,
        StalledError,
        VirtualTimeLoop,
        begin_work,
        run_virtual,
        working,
    )
    from beluga_voice.testing import sounds
    from beluga_voice.testing.caller import ScriptedCaller, fake_container
    from beluga_voice.testing.conformance.agent import check_agent
    from beluga_voice.testing.conformance.classifier import check_classifier
    from beluga_voice.testing.conformance.codec import check_codec
    from beluga_voice.testing.conformance.faults import FaultyLine, VendorFaults
    from beluga_voice.testing.conformance.hygiene import check_import_hygiene
    from beluga_voice.testing.conformance.llm import check_llm
    from beluga_voice.testing.conformance.noise_suppressor import check_noise_suppressor
    from beluga_voice.testing.conformance.report import Finding, Level, Report, collect, up_to
    from beluga_voice.testing.conformance.s2s import check_s2s
    from beluga_voice.testing.conformance.session_store import check_session_store
    from beluga_voice.testing.conformance.stt import check_stt
    from beluga_voice.testing.conformance.text_filter import check_text_filter
    from beluga_voice.testing.conformance.transport import RecordingReceiver, check_transport
    from beluga_voice.testing.conformance.tts import check_tts
    from beluga_voice.testing.conformance.turn_detector import check_turn_detector
    from beluga_voice.testing.conformance.vad import check_vad
    from beluga_voice.testing.fakes.agent import ScriptedAgent
    from beluga_voice.testing.fakes.instance import (
        FakeAgentInstance,
        make_agent_context,
        make_streaming_state,
    )
    from beluga_voice.testing.fakes.llm import LLMRequest, ScriptedLLM, tool_call
    from beluga_voice.testing.fakes.made import (
        assert_agent_state,
        assert_session_interface,
        assert_streaming_active,
        make_session,
    )
    from beluga_voice.testing.fakes.noise_suppressor import ScriptedNoiseSuppressor
    from beluga_voice.testing.fakes.s2s import S2SFault, ScriptedS2S, ScriptedS2SStream
    from beluga_voice.testing.fakes.session import FakeSession
    from beluga_voice.testing.fakes.stt import ScriptedSTT, ScriptedSTTStream
    from beluga_voice.testing.fakes.transport import LoopbackTransport, SentFrame
    from beluga_voice.testing.fakes.tts import ScriptedTTS, ScriptedTTSStream
    from beluga_voice.testing.fakes.turn_detector import ScriptedTurnDetector
    from beluga_voice.testing.fakes.vad import AmplitudeVAD, ScriptedVAD
    from beluga_voice.testing.wire import Caller, LocalServer, MemoryServer

__all__ = [
    "AmplitudeVAD",
    "Caller",
    "DeadlockError",
    "FakeAgentInstance",
    "FakeSession",
    "FaultyLine",
    "Finding",
    "LLMRequest",
    "Level",
    "LocalServer",
    "LoopbackTransport",
    "MemoryServer",
    "RecordingReceiver",
    "Report",
    "S2SFault",
    "ScriptedAgent",
    "ScriptedCaller",
    "ScriptedLLM",
    "ScriptedNoiseSuppressor",
    "ScriptedS2S",
    "ScriptedS2SStream",
    "ScriptedSTT",
    "ScriptedSTTStream",
    "ScriptedTTS",
    "ScriptedTTSStream",
    "ScriptedTurnDetector",
    "ScriptedVAD",
    "SentFrame",
    "StalledError",
    "VendorFaults",
    "VirtualTimeLoop",
    "assert_agent_state",
    "assert_session_interface",
    "assert_streaming_active",
    "begin_work",
    "check_agent",
    "check_classifier",
    "check_codec",
    "check_import_hygiene",
    "check_llm",
    "check_noise_suppressor",
    "check_s2s",
    "check_session_store",
    "check_stt",
    "check_text_filter",
    "check_transport",
    "check_tts",
    "check_turn_detector",
    "check_vad",
    "collect",
    "fake_container",
    "make_agent_context",
    "make_session",
    "make_streaming_state",
    "run_virtual",
    "sounds",
    "tool_call",
    "up_to",
    "working",
]

_HOMES = {
    "beluga_voice.clock": (
        "DeadlockError",
        "StalledError",
        "VirtualTimeLoop",
        "begin_work",
        "run_virtual",
        "working",
    ),
    "beluga_voice.testing.caller": ("ScriptedCaller", "fake_container"),
    "beluga_voice.testing.conformance.agent": ("check_agent",),
    "beluga_voice.testing.conformance.classifier": ("check_classifier",),
    "beluga_voice.testing.conformance.text_filter": ("check_text_filter",),
    "beluga_voice.testing.conformance.codec": ("check_codec",),
    "beluga_voice.testing.conformance.llm": ("check_llm",),
    "beluga_voice.testing.conformance.noise_suppressor": ("check_noise_suppressor",),
    "beluga_voice.testing.conformance.s2s": ("check_s2s",),
    "beluga_voice.testing.conformance.faults": ("FaultyLine", "VendorFaults"),
    "beluga_voice.testing.conformance.hygiene": ("check_import_hygiene",),
    "beluga_voice.testing.conformance.report": ("Finding", "Level", "Report", "collect", "up_to"),
    "beluga_voice.testing.conformance.session_store": ("check_session_store",),
    "beluga_voice.testing.conformance.stt": ("check_stt",),
    "beluga_voice.testing.conformance.transport": ("RecordingReceiver", "check_transport"),
    "beluga_voice.testing.conformance.tts": ("check_tts",),
    "beluga_voice.testing.conformance.turn_detector": ("check_turn_detector",),
    "beluga_voice.testing.conformance.vad": ("check_vad",),
    "beluga_voice.testing.fakes.agent": ("ScriptedAgent",),
    "beluga_voice.testing.fakes.instance": (
        "FakeAgentInstance",
        "make_agent_context",
        "make_streaming_state",
    ),
    "beluga_voice.testing.fakes.llm": ("LLMRequest", "ScriptedLLM", "tool_call"),
    "beluga_voice.testing.fakes.made": (
        "assert_agent_state",
        "assert_session_interface",
        "assert_streaming_active",
        "make_session",
    ),
    "beluga_voice.testing.fakes.noise_suppressor": ("ScriptedNoiseSuppressor",),
    "beluga_voice.testing.fakes.session": ("FakeSession",),
    "beluga_voice.testing.fakes.s2s": ("S2SFault", "ScriptedS2S", "ScriptedS2SStream"),
    "beluga_voice.testing.fakes.stt": ("ScriptedSTT", "ScriptedSTTStream"),
    "beluga_voice.testing.fakes.transport": ("LoopbackTransport", "SentFrame"),
    "beluga_voice.testing.fakes.tts": ("ScriptedTTS", "ScriptedTTSStream"),
    "beluga_voice.testing.fakes.turn_detector": ("ScriptedTurnDetector",),
    "beluga_voice.testing.fakes.vad": ("AmplitudeVAD", "ScriptedVAD"),
    "beluga_voice.testing.wire": ("Caller", "LocalServer", "MemoryServer"),
}


def __getattr__(name: str) -> object:
    """Load a name's module."""
    if name == "sounds":
        return importlib.import_module("beluga_voice.testing.sounds")
    for home, names in _HOMES.items():
        if name in names:
            return getattr(importlib.import_module(home), name)
    raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
