"""One call of the demonstration: held, kept and judged."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING, cast

from beluga_voice import events as ev
from beluga_voice.agents import AgentLike
from beluga_voice.contracts import TTS
from beluga_voice.demo.agent import agent
from beluga_voice.demo.caller import Caller, Sound
from beluga_voice.demo.checker import JOURNAL, RECORDING, SPEECH, Verdict, check, read_evidence
from beluga_voice.demo.kept import KeepingTTS, Kept, caller_sounds, write_kept
from beluga_voice.demo.script import Line
from beluga_voice.demo.sounds import make
from beluga_voice.session.showing import shown

if TYPE_CHECKING:
    from beluga_voice.container import VoiceContainer

GREETING = "Corner Bakery, hello."


async def hold_call(
    voice: VoiceContainer,
    callers_voice: TTS,
    lines: Sequence[Line],
    folder: Path,
    observers: Sequence[Callable[[ev.Event], None]],
) -> Verdict:
    """Let the caller and the agent talk, keep in `folder` what is left of it, and judge by that.

    Args:
        voice: builds the session; not open.
        callers_voice: open.
        lines: what the caller does.
        folder: exists.
        observers: told of each event.
    """
    tts = voice.tts()
    keeping = None if tts is None else KeepingTTS(tts)
    if keeping is not None:
        voice.tts.override(keeping)
    sounds = [await make(callers_voice, line) for line in lines]
    caller = Caller(
        [Sound(line.cue, sound) for line, sound in zip(lines, sounds, strict=True)], callers_voice.sample_rate
    )
    config = replace(
        voice.settings.session,
        greeting=voice.settings.session.greeting or GREETING,
        record=str(folder / RECORDING),
        journal=str(folder / JOURNAL),
    )
    async with voice.lifespan():
        session = await voice.get_sessions().open(cast("AgentLike", agent), transport=caller, config=config)
        async with shown(session, *observers):
            await session.wait_ended()
    pieces = () if keeping is None else keeping.pieces
    kept = Kept(callers_voice.sample_rate, caller_sounds(tuple(lines), sounds), pieces)
    write_kept(folder / SPEECH, kept)
    return check(read_evidence(folder))
