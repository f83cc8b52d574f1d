"""Plugins that watch sessions: told in order, blamed for what they raise, traced."""

from __future__ import annotations

import logging

import pytest

from beluga_voice.agents import AgentLike
from beluga_voice.commands import Command
from beluga_voice.container import VoiceContainer
from beluga_voice.events import EndReason, Event, SessionStarted, TurnClosed, UtteranceEnded
from beluga_voice.facts import EndFacts, SessionFacts, TurnFacts
from beluga_voice.hookspecs import hookimpl
from beluga_voice.plugins import HookCall, Plugins
from beluga_voice.settings import Settings
from beluga_voice.testing import AmplitudeVAD, LoopbackTransport, ScriptedSTT, ScriptedTTS


class Watcher:
    """Writes down what it is told."""

    def __init__(self) -> None:
        self.told: list[str] = []
        self.sessions: list[SessionFacts] = []
        self.events: list[tuple[Event, tuple[Command, ...]]] = []
        self.turns: list[TurnFacts] = []
        self.ends: list[EndFacts] = []

    @hookimpl
    def session_started(self, session: SessionFacts) -> None:
        self.told.append("started")
        self.sessions.append(session)

    @hookimpl
    def session_event(self, session: SessionFacts, event: Event, commands: tuple[Command, ...]) -> None:
        self.events.append((event, commands))

    @hookimpl
    def turn_completed(self, session: SessionFacts, turn: TurnFacts) -> None:
        self.told.append("turn")
        self.turns.append(turn)

    @hookimpl
    def session_ended(self, session: SessionFacts, end: EndFacts) -> None:
        self.told.append("ended")
        self.ends.append(end)


class Thrower:
    """Fails at each event."""

    @hookimpl
    def session_event(self, session: SessionFacts, event: Event, commands: tuple[Command, ...]) -> None:
        raise ValueError("no disk")


async def call(plugins: Plugins, agent: AgentLike = lambda turn: "Hello there.") -> None:
    """Let a caller say one thing to a session of a container with these plugins."""
    voice = VoiceContainer(Settings(), plugins)
    line = LoopbackTransport()
    with (
        voice.stt.override(ScriptedSTT(["eight of spades"])),
        voice.tts.override(ScriptedTTS()),
        voice.vad.override(AmplitudeVAD()),
        voice.turn_detector.override(None),
    ):
        async with voice.lifespan(), voice.get_sessions().open(agent, transport=line, session_id="one"):
            await line.speak(1.0)
            await line.silence(4.0)


async def test_a_plugin_learns_of_a_session_from_start_to_end() -> None:
    watcher, plugins = Watcher(), Plugins()
    plugins.register(watcher, "watcher")
    await call(plugins)
    assert watcher.told == ["started", "turn", "ended"]
    (session,) = watcher.sessions
    assert (session.session_id, session.run, session.providers["stt"]) == ("one", 1, "ScriptedSTT")
    assert session.providers["llm"] == ""
    (turn,) = watcher.turns
    assert (turn.turn, turn.text, turn.reply, turn.outcome) == (
        1,
        "eight of spades",
        "Hello there.",
        "played",
    )
    assert turn.ended_at > turn.closed_at
    assert [(end.reason, end.turns) for end in watcher.ends] == [(EndReason.STOPPED, 1)]
    assert watcher.ends[0].duration == pytest.approx(5.0, abs=0.1)


async def test_each_event_is_told_once_and_with_its_commands() -> None:
    watcher, plugins = Watcher(), Plugins()
    plugins.register(watcher, "watcher")
    await call(plugins)
    told = [event for event, _ in watcher.events]
    assert len(told) == len({id(event) for event in told})
    for kind in (SessionStarted, TurnClosed, UtteranceEnded):
        assert sum(isinstance(event, kind) for event in told) == 1
    assert any(commands for _, commands in watcher.events)


async def test_a_turn_without_a_reply_is_told_at_the_end() -> None:
    watcher, plugins = Watcher(), Plugins()
    plugins.register(watcher, "watcher")

    await call(plugins, lambda turn: "")
    assert [(turn.text, turn.reply) for turn in watcher.turns] == [("eight of spades", "")]
    assert watcher.told[-1] == "ended"


async def test_what_a_hook_raises_is_blamed_on_its_plugin_once(caplog: pytest.LogCaptureFixture) -> None:
    watcher, plugins = Watcher(), Plugins()
    plugins.register(Thrower(), "thrower")
    plugins.register(watcher, "watcher")
    with caplog.at_level(logging.ERROR, "beluga_voice"):
        await call(plugins)
    assert watcher.told == ["started", "turn", "ended"]
    (problem,) = plugins.problems
    assert problem.plugin.name == "thrower"
    assert "hook session_event of plugin thrower (not packaged) raised: ValueError: no disk" in problem.text
    assert len(caplog.records) == 1


async def test_a_trace_tells_which_hook_of_which_plugin_was_called() -> None:
    calls: list[HookCall] = []
    plugins = Plugins(calls.append)
    plugins.register(Thrower(), "thrower")
    plugins.register(Watcher(), "watcher")
    await call(plugins)
    named = {(each.plugin.name, each.hook) for each in calls}
    assert ("watcher", "session_started") in named
    assert all(each.error is not None for each in calls if each.plugin.name == "thrower")
    assert all(each.took >= 0 and each.at >= 0 for each in calls)
    assert "session_ended of watcher (not packaged): " in str(calls[-1])


def test_plugins_that_do_not_watch_cost_nothing() -> None:
    assert not Plugins().observes
