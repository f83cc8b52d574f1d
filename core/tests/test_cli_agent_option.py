"""Which agent a command runs, and what is said of a name that names none."""

from __future__ import annotations

import sys
from collections.abc import Iterator
from pathlib import Path

import pytest

from beluga_voice.agents import as_agent
from beluga_voice.cli.agent_option import choose_agent, echo
from beluga_voice.cli.app import App
from beluga_voice.contracts import Turn
from beluga_voice.errors import ConfigurationError

MODULES = {
    "option_shop": "def agent(turn):\n    return 'open'\nclass Shop:\n    agent = staticmethod(agent)\nfive = 5\n",
    "option_broken": "1 / 0",
    "option_exits": "raise SystemExit(3)",
    "option_needs": "import beluga_sdk_not_there",
}


@pytest.fixture(autouse=True)
def folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[None]:
    monkeypatch.chdir(tmp_path)
    monkeypatch.setattr(sys, "path", list(sys.path))
    for name, code in MODULES.items():
        (tmp_path / f"{name}.py").write_text(code, encoding="utf-8")
    yield
    for name in MODULES:
        sys.modules.pop(name, None)


def test_without_a_name_it_is_the_programs_own_or_the_echo() -> None:
    app = App()
    assert choose_agent(app, None) is echo
    app.agent = as_agent(lambda turn: "hello")
    assert choose_agent(app, None) is app.agent
    assert echo(Turn("good day", 1, (), "test")) == "You said good day."


@pytest.mark.parametrize("name", ["option_shop:agent", "option_shop:Shop.agent"])
async def test_a_name_is_looked_up_in_the_folder(name: str) -> None:
    chosen = as_agent(choose_agent(App(), name))
    assert [piece async for piece in chosen.reply(Turn("hello", 1, (), "test"))] == ["open"]


@pytest.mark.parametrize(
    ("name", "error"),
    [
        ("option_shop", "an agent is named 'module:name', as in 'shop:agent'; this is 'option_shop'"),
        ("../shop:agent", "an agent is named 'module:name'"),
        ("option_shop:clerk", r"module 'option_shop' \(.*option_shop.py\) has no 'clerk'"),
        ("option_shop:five", "agent 'option_shop:five' is "),
        ("option_gone:agent", "No module named 'option_gone'. Try: run in the folder of option_gone.py"),
        ("option_needs:agent", "Try: install what has 'beluga_sdk_not_there', which option_needs imports"),
        ("option_broken:agent", "importing option_broken raised ZeroDivisionError: division by zero"),
        ("option_exits:agent", "importing option_exits raised SystemExit: 3"),
    ],
)
def test_a_name_that_names_no_agent_is_told_in_a_sentence(name: str, error: str) -> None:
    with pytest.raises(ConfigurationError, match=error):
        choose_agent(App(), name)
