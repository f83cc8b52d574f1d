"""An agent in one session: it asks its model, runs tools, and knows its state."""

from __future__ import annotations

import asyncio
import inspect
from collections.abc import AsyncGenerator, Mapping, Sequence
from contextlib import aclosing
from dataclasses import replace
from typing import Any

from beluga_voice import contracts
from beluga_voice import events as ev
from beluga_voice.agent.answer import AnswerNote
from beluga_voice.agent.call import Call
from beluga_voice.agent.context import AgentContext, StreamingState
from beluga_voice.agent.definition import Agent
from beluga_voice.agent.messages import ToolStep, build, split_old, system_text
from beluga_voice.agent.states import AgentState, AgentStates, can_change
from beluga_voice.agent.toolrun import ToolRun, not_begun
from beluga_voice.contracts import (
    LLM,
    CallControl,
    Spoken,
    TextDelta,
    Tool,
    ToolCallDelta,
    ToolChoice,
    ToolSpec,
    Turn,
    Usage,
)
from beluga_voice.contracts.llm import LLMMessage
from beluga_voice.conversation import Message, Role, ToolCall, ToolResult
from beluga_voice.errors import ConfigurationError, ContractError


class _Reply:
    """One reply in the making.

    Attributes:
        asked: the caller's words that it answers; empty if nobody asked.
        extra: what is added to the instructions.
        heard: a sample of it was heard.
        complete: the model gives no more text.
    """

    def __init__(self, utterance: int, turn: int, asked: str, extra: str) -> None:
        self.utterance = utterance
        self.turn = turn
        self.asked = asked
        self.extra = extra
        self.heard = False
        self.complete = False
        self.streaming = StreamingState(active=True)


class AgentInstance(contracts.Agent):
    """What answers in one session. Made by `Agent.enter`; had from `VoiceSession.agent`.

    Attributes:
        agent: who answers now; another one after a handoff.
        control: the session.
        context: what it knows of the session.
        states: its state.
        deps: what the host gave for this call, or the agent's factory made for it.
    """

    def __init__(self, agent: Agent[Any], control: CallControl) -> None:
        self.control = control
        self._take_over(agent)
        self.greeting = agent.greeting
        self.states = AgentStates()
        self.context = AgentContext(control.session_id, lambda: control.history)
        self.deps: object = control.deps
        if self.deps is None and agent.deps is not None:
            self.deps = agent.deps()
        self._replies: dict[int, _Reply] = {}
        self._steps: list[ToolStep] = []
        self._tools = 0
        self._call_names: set[str] = set()
        self._shown = ev.SessionState.INITIAL
        self._earlier = 0
        self._first_turn = 0
        self._summary = ""
        self._summarizing = False
        self._ending = False
        self._llm(agent)
        control.watch(self._see)

    @property
    def state(self) -> AgentState:
        """What it does."""
        return self.states.now

    def speech_text(self, text: str) -> str:
        """Return how `text` is spoken."""
        return self.agent.speech_text(text)

    # -- what a call may do --

    def transfer(self, agent: Agent[Any]) -> None:
        """Let `agent` answer from now on.

        Raises:
            ConfigurationError: its language model is not one of the session's.
        """
        self._llm(agent)
        self._take_over(agent)

    def _take_over(self, agent: Agent[Any]) -> None:
        self.agent = agent
        self.tts_name, self.speech_options = agent.tts_name, agent.speech_options

    def end(self) -> None:
        """End the call; the model is not asked again."""
        self._ending = True
        self.control.end()

    def speak_up(self, instructions: str, allow_interruptions: bool, *, inside: int) -> Spoken:
        """Have the model say something though nobody asked."""
        turn = max((message.turn for message in self._remembered()), default=0)

        def texts(utterance: int) -> AsyncGenerator[str, None]:
            return self._answer(_Reply(utterance, turn, "", instructions))

        return self.control.say(texts, allow_interruptions=allow_interruptions, inside=inside)

    # -- answering --

    async def reply(self, turn: Turn) -> AsyncGenerator[str, None]:
        """Answer `turn`: ask the model, run the tools it calls, and ask again until it only answers."""
        reply = _Reply(turn.utterance, turn.number, turn.text, "")
        before = self.agent.before_reply
        self._ending = False
        self._begin(reply)
        if before is not None:
            added = before(Call(self, turn.utterance), turn)
            reply.extra = (await added if inspect.isawaitable(added) else added) or ""
        async with aclosing(self._answer(reply)) as texts:
            async for text in texts:
                yield text

    def _begin(self, reply: _Reply) -> None:
        self._replies[reply.utterance] = reply
        self.context.streaming = reply.streaming
        self.states.reach(AgentState.PROCESSING)

    async def _answer(self, reply: _Reply) -> AsyncGenerator[str, None]:
        if reply.utterance not in self._replies:
            self._begin(reply)
        self._limit_history(reply)
        try:
            async with aclosing(self._ask_until_answered(reply)) as texts:
                async for text in texts:
                    yield text
        finally:
            reply.streaming.active = False
            if not reply.utterance:  # outside of a session nothing tells of its end
                self._replies.pop(0, None)
        reply.complete = True
        self._speaks(reply)

    async def _ask_until_answered(self, reply: _Reply) -> AsyncGenerator[str, None]:
        for asked in range(self.agent.max_tool_steps + 1):
            last = asked >= self.agent.max_tool_steps
            step = ToolStep(reply.utterance, reply.turn, "")
            async with aclosing(self._ask(reply, step, last=last)) as texts:
                async for text in texts:
                    yield text
            if not step.results:
                return
            if last:
                raise ContractError(
                    f"the language model called tools {asked + 1} times in a row, the last time though it was told "
                    "to answer. Try: a larger max_tool_steps, or instructions that say when to stop"
                )
            if step.text.strip():
                yield "\n"  # what it has said so far is spoken while the tools run
            await self._run_tools(reply, step)
            if self._ending:
                return

    async def _ask(self, reply: _Reply, step: ToolStep, *, last: bool) -> AsyncGenerator[str, None]:
        """One answer of the model: yield its text, and put what it calls into `step`."""
        agent = self.agent
        calls: dict[int, ToolCallDelta] = {}
        model = self._llm(agent)
        stream = model.stream(
            self._messages(reply),
            [tool.spec for tool in self._all_tools(agent).values()],
            tool_choice=ToolChoice.NONE if last else ToolChoice.AUTO,
        )
        with AnswerNote(self.control, reply.utterance, agent.name, model) as note:
            async with aclosing(stream) as chunks:
                async for chunk in chunks:
                    note.see(chunk)
                    if isinstance(chunk, TextDelta) and chunk.text:
                        step.text += chunk.text
                        self._note_text(reply, chunk.text)
                        yield chunk.text
                    elif isinstance(chunk, ToolCallDelta):
                        calls[chunk.index] = _joined(calls.get(chunk.index), chunk)
                    elif isinstance(chunk, Usage):
                        self.context.add_usage(chunk)
        for _, found in sorted(calls.items()):
            call = ToolCall(self._unique(found.id), found.name, found.arguments)
            step.results.append(not_begun(call, reply.turn))

    def _unique(self, name: str) -> str:
        """The vendor's name of a call; one of our own where it has none, or gives the same in each answer."""
        if not name or name in self._call_names:
            name = f"call-{len(self._call_names) + 1}"
        self._call_names.add(name)
        return name

    def _note_text(self, reply: _Reply, text: str) -> None:
        self.states.reach(AgentState.STREAMING)
        reply.streaming.text += text
        reply.streaming.last_chunk_at = self.context.last_activity = self.control.now()

    def briefing(self) -> tuple[str, tuple[ToolSpec, ...], list[LLMMessage]]:
        """Return what a model that keeps the conversation itself begins with: instructions, tools, what was said.

        Raises:
            ClosedError: a source of tools is not open.
        """
        instructions = self.agent.instructions
        if callable(instructions):
            instructions = instructions(Call(self))
        tools = tuple(tool.spec for tool in self._all_tools(self.agent).values())
        system = system_text(instructions, self._summary, ())
        return system, tools, build("", self._remembered(), self._steps, 0)

    def _messages(self, reply: _Reply) -> list[LLMMessage]:
        instructions = self.agent.instructions
        if callable(instructions):
            instructions = instructions(Call(self, reply.utterance))
        history = self._remembered()
        known = any(m.role is Role.CALLER and m.turn == reply.turn for m in history)
        system = system_text(instructions, self._summary, (reply.extra,))
        return build(system, history, self._steps, reply.utterance, "" if known else reply.asked)

    def _llm(self, agent: Agent[Any]) -> LLM:
        if isinstance(agent.llm, LLM):
            return agent.llm
        found = self.control.llms.get(agent.llm or "")
        if found is None:
            asked = f"asks for {agent.llm!r}" if agent.llm else "names none"
            raise ConfigurationError(
                f"no language model for agent {agent.name!r}, which {asked}. Try: setting BELUGA_VOICE_LLM, or "
                "listing the agent in the `handoffs` of the one that the session starts with"
            )
        return found

    # -- tools --

    def _all_tools(self, agent: Agent[Any]) -> Mapping[str, Tool]:
        """What its model may call now: what it has itself, and what the session's sources have."""
        found = dict(agent.all_tools())
        for source in self.control.tool_sources:
            for tool in source.tools():
                found.setdefault(tool.name, tool)
        return found

    async def _run_tools(self, reply: _Reply, step: ToolStep) -> None:
        """Run all calls of a step side by side, and wait for them; a reply that is cut no longer waits."""
        self._steps.append(step)
        self.states.reach(AgentState.EXECUTING_TOOL)
        tools = self._all_tools(self.agent)
        call: Call[Any] = Call(self, reply.utterance)
        runs = []
        for place in range(len(step.results)):
            self._tools += 1
            runs.append(ToolRun(self.control, step, place, call, self._tools, self._note_result))
        ready = [run for run in runs if run.prepare(tools)]
        waiting = [run for run in ready if run.tool is not None and run.tool.effects]
        for run in ready:
            if run not in waiting:
                run.start()
        if waiting:
            await self.control.wait_turn_closed(reply.turn)
            step.effective = True
            for run in waiting:
                run.start()
        if any(run.tool is not None and run.tool.filler for run in ready):
            self.control.run_task(lambda: self._fill(reply, ready), "filler")
        if ready:
            await asyncio.wait([run.done for run in ready])
        self.states.reach(AgentState.PROCESSING)

    async def _fill(self, reply: _Reply, runs: Sequence[ToolRun]) -> None:
        """Say a filler if tools take long and nobody speaks."""
        await asyncio.sleep(self.agent.filler_after)
        await self.control.wait_silent()
        fillers = [run.tool.filler for run in runs if run.tool is not None and not run.done.done()]
        filler = next((text for text in fillers if text), "")
        if filler and reply.utterance in self._replies:
            self.control.say(filler, while_caller_speaks=ev.WhileCallerSpeaks.DROP, inside=reply.utterance)

    def _note_result(self, result: ToolResult) -> None:
        self.context.tool_results.append(result)
        self.context.last_activity = self.control.now()

    # -- history --

    def _remembered(self) -> tuple[Message, ...]:
        """What is not forgotten; what was said in an earlier run of the session counts as said before all turns."""
        history = self.control.history
        earlier = (replace(message, turn=0) for message in history[: self._earlier])
        return tuple(m for m in (*earlier, *history[self._earlier :]) if m.turn >= self._first_turn)

    def _limit_history(self, reply: _Reply) -> None:
        """Forget the older half of a history that is too long, now or once it is summarised."""
        old, kept = split_old(self._remembered(), self.agent.max_history)
        if not old or self._summarizing:
            return
        if self.agent.summarize is None:
            self._forget(kept)
        else:
            self._summarizing = True
            call: Call[Any] = Call(self, reply.utterance)
            self.control.run_task(lambda: self._summarize(call, old, kept), "summary")

    async def _summarize(self, call: Call[Any], old: tuple[Message, ...], kept: tuple[Message, ...]) -> None:
        summarize = self.agent.summarize
        try:
            if summarize is not None:
                made = summarize(call, old, self._summary)
                self._summary = await made if inspect.isawaitable(made) else made
        except Exception as error:  # noqa: BLE001 - the boundary to the application's code
            self.control.failed("summary", f"{type(error).__name__}: {error}")
        finally:
            self._summarizing = False
        self._forget(kept)

    def _forget(self, kept: Sequence[Message]) -> None:
        self._first_turn = kept[0].turn
        self._steps = [step for step in self._steps if step.turn >= self._first_turn]

    # -- its state --

    def _see(self, event: ev.Event) -> None:
        match event:
            case ev.SessionStarted():
                self._begin_run()
                self.context.started_at = self.context.last_activity = event.at
                self.states.reach(AgentState.LISTENING)
            case ev.TurnClosed():
                self.context.last_activity = event.at
            case ev.PlayoutStarted() if event.utterance in self._replies:
                reply = self._replies[event.utterance]
                reply.heard = True
                self._speaks(reply)
            case ev.UtteranceEnded() if event.utterance in self._replies:
                self._ended(self._replies.pop(event.utterance), event)
            case ev.StateChanged():
                self._shown = event.new
                self._rest()
            case ev.SessionEnded():
                self.states.reach(AgentState.IDLE)

    def _begin_run(self) -> None:
        """Turns are numbered from 1 again; what was said and summarised stays."""
        self._ending = False
        self._earlier = len(self.control.history)
        self._first_turn = min(self._first_turn, 1)
        self._steps.clear()
        self._replies.clear()

    def _speaks(self, reply: _Reply) -> None:
        if reply.heard and reply.complete and self.state is AgentState.STREAMING:
            self.states.change(AgentState.SPEAKING)

    def _ended(self, reply: _Reply, event: ev.UtteranceEnded) -> None:
        reply.streaming.active = False
        if event.outcome is ev.Outcome.CUT:
            reply.streaming.interrupted = True
            if not reply.heard:
                self._forget_draft(reply)
            self.context.last_interruption = event.at
            if can_change(self.state, AgentState.INTERRUPTED):
                self.states.change(AgentState.INTERRUPTED)
            self._rest()
        elif not self._replies:
            self.states.reach(AgentState.LISTENING)

    def _forget_draft(self, reply: _Reply) -> None:
        """A reply that nobody heard, and whose tools have changed nothing, was only a draft."""
        mine = [step for step in self._steps if step.utterance == reply.utterance]
        if not any(step.effective for step in mine):
            self._steps = [step for step in self._steps if step not in mine]

    def _rest(self) -> None:
        """Listen, when the session does and no reply lives: one that was cut may have been the last."""
        if self._shown is ev.SessionState.LISTENING and not self._replies:
            self.states.reach(AgentState.LISTENING)


def _joined(before: ToolCallDelta | None, more: ToolCallDelta) -> ToolCallDelta:
    if before is None:
        return more
    return ToolCallDelta(
        more.index, before.id or more.id, before.name or more.name, before.arguments + more.arguments
    )
