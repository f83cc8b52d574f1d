"""A call to an agent over a scripted model, and all that it told."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Callable
from contextlib import AbstractAsyncContextManager, asynccontextmanager
from typing import Any, TypeVar

import pytest

from beluga_voice import events as ev
from beluga_voice.agent import Agent, AgentInstance, AgentState
from beluga_voice.session import SessionConfig, VoiceSession
from beluga_voice.testing import AmplitudeVAD, LoopbackTransport, ScriptedLLM, ScriptedSTT, ScriptedTTS
from beluga_voice.turns import TurnPolicy

E = TypeVar("E", bound=ev.Event)


class Phone:
    """A session of an agent, with the fakes around it."""

    def __init__(self, agent: Agent[Any], llm: ScriptedLLM, **parts: Any) -> None:
        self.llm = llm
        self.line = LoopbackTransport()
        self.tts = parts.pop("tts", None) or ScriptedTTS()
        self.vad = AmplitudeVAD()
        self.events: list[ev.Event] = []
        self.session = VoiceSession(
            stt=parts.pop("stt", None) or ScriptedSTT(parts.pop("hears", [])),
            tts=self.tts,
            vad=self.vad,
            agent=agent,
            llm=llm,
            transport=self.line,
            config=SessionConfig(**parts.pop("config", {})),
            turns=TurnPolicy(**parts.pop("turns", {})),
            **parts,
        )
        self.session.on_event(self.events.append)
        assert isinstance(self.session.agent, AgentInstance)
        self.agent = self.session.agent
        self.states: list[AgentState] = []
        self.agent.states.on_changed.append(self.states.append)

    def of(self, kind: type[E]) -> list[E]:
        """The events of a kind."""
        return [event for event in self.events if isinstance(event, kind)]

    async def asks(self, text: str) -> ev.UtteranceEnded:
        """Write to the agent, and wait until its reply is over."""
        before = len(self.events)
        self.session.send_text(text)
        number = self.of(ev.ReplyStarted)[-1].utterance
        while True:
            for event in self.events[before:]:
                if isinstance(event, ev.UtteranceEnded) and event.utterance == number:
                    return event
            await asyncio.sleep(0.02)

    @property
    def said(self) -> list[str]:
        """The conversation, in lines."""
        return [f"{m.role}: {m.text}" for m in self.session.history]

    @property
    def results(self) -> list[tuple[str, str, str]]:
        """Tool, outcome and content of each tool call that has ended."""
        return [(r.call.name, str(r.outcome), r.content) for r in self.agent.context.tool_results]


@asynccontextmanager
async def _calls(agent: Agent[Any], *answers: Any, **parts: Any) -> AsyncIterator[Phone]:
    llm = parts.pop("llm", None) or ScriptedLLM(answers)
    phone = Phone(agent, llm, **parts)
    await phone.vad.open()
    async with phone.session:
        yield phone
    assert phone.agent.state is AgentState.IDLE
    names = [task.get_name() for task in asyncio.all_tasks()]
    assert not [name for name in names if name.startswith("beluga-voice")]


@pytest.fixture
def calls() -> Callable[..., AbstractAsyncContextManager[Phone]]:
    """Call an agent, whose model gives these answers, for the length of a context."""
    return _calls
