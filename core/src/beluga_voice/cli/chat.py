"""``beluga-voice chat``: the agent by text, in a session without a voice."""

from __future__ import annotations

import asyncio
import json
import sys
from contextlib import AsyncExitStack
from typing import cast

import click

from beluga_voice import events as ev
from beluga_voice.agents import AgentLike
from beluga_voice.cli.agent_option import choose_agent
from beluga_voice.cli.app import App, takes_settings
from beluga_voice.cli.lines import lines_of_stdin
from beluga_voice.cli.printable import printable
from beluga_voice.cli.running import run_command
from beluga_voice.contracts import ToolSource
from beluga_voice.session import VoiceSession
from beluga_voice.session.showing import shown
from beluga_voice.silent import DeafSTT, MuteTTS


@click.command()
@click.option("--agent", metavar="MODULE:NAME", help="The agent; else the program's own, or an echo.")
@click.option("--json", "as_json", is_flag=True, help="Print one object a line: each message as it ends.")
@takes_settings
@click.pass_obj
def chat(app: App, agent: str | None, as_json: bool) -> None:
    """Write to the agent, a line a turn; a line written while it answers cuts the answer. End with Ctrl-D.

    \b
    Examples:
      beluga-voice chat --agent shop:agent
      echo "what is the time" | beluga-voice chat --json
    """
    run_command(_chat(app, choose_agent(app, agent), as_json))


async def _chat(app: App, agent: AgentLike, as_json: bool) -> None:
    from beluga_voice.container.agents import open_agent
    from beluga_voice.container.graph import create, create_listed
    from beluga_voice.container.opened import Opened

    settings = app.settings_for(agent)
    piped = not sys.stdin.isatty()
    view = _JsonView() if as_json else _TextView(prompt=not piped)
    async with AsyncExitStack() as stack:
        opened = Opened(stack)
        tools = [cast("ToolSource", create_listed(each, app.plugins)) for each in settings.tools]
        for source in tools:
            await opened.ensure(source)
        session = VoiceSession(
            stt=DeafSTT(),
            tts=MuteTTS(),
            agent=agent,
            tools=tools,
            text_filters=(),  # it is read
            llm=await open_agent(agent, settings, opened, lambda choice: create(choice, app.plugins)),
            config=settings.session,
            turns=settings.turns,
        )
        await stack.enter_async_context(shown(session, view.see))
        if piped and settings.session.greeting:
            await view.greeted.wait()
        async for line in lines_of_stdin():
            if session.state is ev.SessionState.ENDED:
                break
            if line.strip():
                view.silent.clear()
                session.send_text(line.strip())
                if piped:
                    await view.silent.wait()


class _View:
    """Knows when the agent has ended what it says; lines of a pipe wait for that, those of a person cut it."""

    def __init__(self) -> None:
        self.greeted = asyncio.Event()
        """Set at the end of the first utterance; a greeting without a sound changes no state."""
        self.silent = asyncio.Event()

    def see(self, event: ev.Event) -> None:
        over = (ev.SessionState.LISTENING, ev.SessionState.ENDED)
        if isinstance(event, ev.StateChanged) and event.new in over:
            self.silent.set()
        if isinstance(event, ev.UtteranceEnded | ev.SessionEnded):
            self.greeted.set()


class _TextView(_View):
    """Prints the agent's text as it comes."""

    def __init__(self, *, prompt: bool) -> None:
        super().__init__()
        self._prompt = "you> " if prompt else ""
        self._at_margin = True
        self._ask()

    def see(self, event: ev.Event) -> None:
        super().see(event)
        match event:
            case ev.TextGiven():
                click.echo(("agent> " if self._at_margin else "") + printable(event.text), nl=False)
                self._at_margin = False
            case ev.UtteranceEnded():
                cut = event.outcome is not ev.Outcome.PLAYED
                click.echo(f" -- {event.outcome}: {printable(event.reason)}" if cut else "")
                self._at_margin = True
                self._ask()
            case ev.SessionEnded() if self._prompt:
                click.echo()  # the shell's prompt is not to stand behind ours

    def _ask(self) -> None:
        if self._prompt:
            click.echo(self._prompt, nl=False)


class _JsonView(_View):
    """Prints each message as one line of JSON."""

    def see(self, event: ev.Event) -> None:
        super().see(event)
        match event:
            case ev.TurnClosed():
                click.echo(json.dumps({"role": "caller", "turn": event.turn, "text": event.text}))
            case ev.UtteranceEnded():
                message = {"role": "agent", "text": event.heard, "outcome": str(event.outcome)}
                click.echo(json.dumps(message | ({"reason": event.reason} if event.reason else {})))
