"""A call at this machine: what is said is printed, and how loud both sides are."""

from __future__ import annotations

import sys

import click

import beluga_voice.events as ev
from beluga_voice.agents import AgentLike
from beluga_voice.audio import AudioFrame
from beluga_voice.container import VoiceContainer
from beluga_voice.contracts import Receiver, Transport
from beluga_voice_local_audio.meter import bar, level

EVERY = 5
"""Frames between two pictures of the meter: 0.1 s."""


class Metered(Transport):
    """Shows how loud both sides of a line are.

    Args:
        line: the line.
        shows: whether there is a terminal to show it on.
    """

    def __init__(self, line: Transport, *, shows: bool) -> None:
        self._line = line
        self._shows = shows
        self._frames = 0
        self._agent = AudioFrame.silence(0.02, line.output_sample_rate)
        self._receiver: Receiver | None = None
        self.input_sample_rate = line.input_sample_rate
        self.output_sample_rate = line.output_sample_rate

    async def open(self, receiver: Receiver) -> None:
        """Open the line."""
        self._receiver = receiver
        await self._line.open(self)

    def send_nowait(self, frame: AudioFrame) -> None:
        """Play a frame."""
        self._agent = frame
        self._line.send_nowait(frame)

    def flush(self) -> None:
        """Drop what is not yet played."""
        self._line.flush()

    @property
    def unplayed(self) -> float:
        """Seconds that are not yet played."""
        return self._line.unplayed

    async def aclose(self) -> None:
        """Close the line."""
        await self._line.aclose()
        self.clear()

    def clear(self) -> None:
        """Make the meter's line empty."""
        if self._shows:
            click.echo("\r\033[K", nl=False, err=True)

    # -- the session's side, as the line sees it --

    def process_audio(self, frame: AudioFrame) -> None:
        """Take a frame of the caller's."""
        assert self._receiver is not None
        self._receiver.process_audio(frame)
        self._frames += 1
        if self._shows and not self._frames % EVERY:
            sides = f"you [{bar(level(frame.samples))}]  agent [{bar(level(self._agent.samples))}]"
            click.echo(f"\r\033[K{sides}", nl=False, err=True)
            self._agent = AudioFrame.silence(0.02, self.output_sample_rate)

    def process_dtmf(self, keys: str) -> None:
        """Take keys."""
        assert self._receiver is not None
        self._receiver.process_dtmf(keys)

    def hold(self, held: bool) -> None:
        """Hold the agent."""
        assert self._receiver is not None
        self._receiver.hold(held)

    def end_of_input(self, error: Exception | None = None) -> None:
        """Learn that no more audio will come."""
        assert self._receiver is not None
        self._receiver.end_of_input(error)


async def converse(voice: VoiceContainer, agent: AgentLike, line: Transport) -> None:
    """Hold a call until it ends, or is interrupted."""
    metered = Metered(line, shows=sys.stderr.isatty())

    def show(event: ev.Event) -> None:
        said = None
        if isinstance(event, ev.TurnClosed):
            said = f"you> {event.text}"
        elif isinstance(event, ev.UtteranceEnded) and event.heard:
            said = f"agent> {event.heard}" + ("" if event.outcome is ev.Outcome.PLAYED else " --")
        if said is not None:
            metered.clear()
            click.echo(said)

    async with voice.lifespan():
        session = await voice.get_sessions().open(agent, transport=metered)
        session.on_event(show)
        async with session:
            click.echo("Talk to the agent. Ctrl-C ends it.", err=True)
            await session.wait_ended(check=True)
