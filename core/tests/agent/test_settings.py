"""What an agent chooses for itself, between the settings file and the environment."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import Any

import pytest
from pydantic import BaseModel

from beluga_voice import Agent, VoiceContainer
from beluga_voice.contracts import Tool, ToolSource
from beluga_voice.errors import UnknownProviderError
from beluga_voice.hookspecs import RegisterLLM, hookimpl
from beluga_voice.plugins import Plugins
from beluga_voice.settings import Settings
from beluga_voice.silent import DeafSTT, MuteTTS
from beluga_voice.testing import ScriptedLLM, tool_call


class BrainSettings(BaseModel, frozen=True, extra="forbid"):
    model: str = "small"
    api_key: str = ""


class Brain(ScriptedLLM):
    """Says what it is."""

    made: list[Brain] = []  # noqa: RUF012

    def __init__(self, settings: BrainSettings) -> None:
        super().__init__(lambda _: f"I am {settings.model}.")
        self.settings = settings
        self.state = "new"
        Brain.made.append(self)

    async def open(self) -> None:
        self.state = "open"

    async def aclose(self) -> None:
        await super().aclose()
        self.state = "closed"


class Brains:
    """A plugin."""

    @hookimpl
    def register_llm(self, register: RegisterLLM) -> None:
        register("brain", Brain, settings=BrainSettings)
        register("other", lambda: ScriptedLLM(lambda _: "I am another."))


@pytest.fixture(autouse=True)
def alone(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Each test in an empty folder."""
    monkeypatch.chdir(tmp_path)
    Brain.made.clear()


def container(**settings: Any) -> VoiceContainer:
    plugins = Plugins()
    plugins.register(Brains(), "brains")
    return VoiceContainer(Settings(vad=None, **settings), plugins)


async def answer(voice: VoiceContainer, agent: Agent[Any], *, profile: str | None = None) -> str:
    """What the agent says to hello."""
    with voice.stt.override(DeafSTT()), voice.tts.override(MuteTTS()):
        async with voice.lifespan(), voice.get_sessions().open(agent, profile=profile) as session:
            session.send_text("hello")
            while len(session.history) < 2 + bool(agent.greeting):
                await anext(session.events())
            return session.history[-1].text


def choose(agent: Agent[Any], **arguments: Any) -> Settings:
    return Settings(**arguments).for_agent(agent.choices, agent.name)


def test_an_agent_s_choice_stands_over_the_file_and_under_the_environment(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    agent = Agent("", stt="hers:large", llm="brain:large", greeting="Acme, hello.")
    assert choose(agent).stt.provider == "hers"
    (tmp_path / "beluga.toml").write_text(
        '[stt]\nprovider = "file"\nworkers = 2\n[llm]\napi_key = "k"\n[session]\ngreeting = "Hi."\n'
        '[turns]\nstall = 3\n[sessions.support]\nstt = "support"\n'
    )
    chosen = choose(agent)
    assert (chosen.stt.provider, chosen.stt.values.table()) == ("hers", {"model": "large"})
    assert chosen.llm.values.table() == {"api_key": "k", "model": "large"}
    assert (chosen.session.greeting, chosen.turns.stall) == ("Acme, hello.", 3)
    assert chosen.stt.chosen_by is not None
    assert chosen.stt.chosen_by.source == "agent 'agent', stt="
    support = Settings().profile("support").for_agent(agent.choices, agent.name)
    assert (support.stt.provider, support.llm.provider) == ("support", "brain")
    (tmp_path / ".env").write_text("BELUGA_VOICE_STT=dotenv\n")
    assert choose(agent).stt.provider == "dotenv"
    monkeypatch.setenv("BELUGA_VOICE_STT", "environment")
    monkeypatch.setenv("BELUGA_VOICE_LLM__MODEL", "huge")
    monkeypatch.setenv("BELUGA_VOICE_SESSION__GREETING", "Good day.")
    chosen = choose(agent)
    assert chosen.stt.provider == "environment"
    assert chosen.llm.values.table() == {"api_key": "k", "model": "huge"}
    assert chosen.session.greeting == "Good day."
    assert choose(agent, overrides=["stt=line"]).stt.provider == "line"


def test_a_choice_is_laid_over_once_and_another_agent_s_over_it() -> None:
    first, second = Agent("", llm="one"), Agent("", llm="two:large")
    once = choose(first)
    assert once.for_agent(first.choices, "first").values.table() == once.values.table()
    assert once.for_agent(second.choices, "second").llm.provider == "two"


async def test_the_container_opens_an_agent_s_model_and_closes_it() -> None:
    assert await answer(container(), Agent("", llm="brain:large", greeting="Hi.")) == "I am large."
    (brain,) = Brain.made
    assert (brain.settings.model, brain.state) == ("large", "closed")


async def test_an_agent_that_names_no_model_has_the_settings_one() -> None:
    assert await answer(container(llm="brain"), Agent("")) == "I am small."


async def test_agents_of_one_call_have_the_models_that_they_name() -> None:
    second = Agent("", name="second", llm="other")
    first = Agent("", llm="brain:large", handoffs=[second])
    voice = container()
    with voice.stt.override(DeafSTT()), voice.tts.override(MuteTTS()):
        async with voice.lifespan():
            session = await voice.get_sessions().open(first)
            models = session.agent.control.llms  # type: ignore[union-attr]
    assert set(models) == {"brain:large", "other"}
    assert not isinstance(models["other"], Brain)


async def test_a_model_that_is_not_installed_is_told_with_who_asked() -> None:
    with pytest.raises(
        UnknownProviderError, match=r"no LLM provider named 'nobody' \(agent 'agent', llm=\);"
    ):
        await answer(container(), Agent("", llm="nobody:large"))


async def test_an_agent_without_any_model_is_told_what_to_set() -> None:
    with pytest.raises(Exception, match="BELUGA_VOICE_LLM"):
        await answer(container(), Agent(""))


async def test_a_test_puts_its_own_model_in_place_of_all() -> None:
    voice = container()
    with voice.llm.override(ScriptedLLM(["I am scripted."])):
        assert await answer(voice, Agent("", llm="openai:gpt")) == "I am scripted."


class Shed(ToolSource):
    """A source of one tool, which is there while it is open."""

    def __init__(self) -> None:
        self.log: list[str] = []

    async def open(self) -> None:
        self.log.append("open")

    async def aclose(self) -> None:
        self.log.append("close")

    def tools(self) -> Sequence[Tool]:
        from beluga_voice.agent import FunctionTool

        def dig() -> str:
            """Dig."""
            return "dug"

        return [FunctionTool(dig)] if self.log == ["open"] else []


async def test_sources_of_tools_are_opened_once_and_closed_with_the_container() -> None:
    shed = Shed()
    llm = ScriptedLLM(lambda r: ", ".join(r.results.values()) or tool_call("dig"))
    assert await answer(container(), Agent("", llm=llm, tools=[shed])) == "dug"
    assert shed.log == ["open", "close"]
