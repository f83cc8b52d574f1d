"""The turn-taking engine: `step` decides, and it alone decides.

A session is a list of events; `step` is a pure function of the state so far and the next event. It reads no
clock, waits for nothing and touches no audio: events carry their time, commands say what shall be done.

The rules, by the number that each command names:

     1  A turn opens at speech start, at words the VAD did not see, by text, or by keys of the telephone.
     2  Pauses inside a turn do not end it; the delay is short when the turn seems complete, else long.
     3  A turn closes when its delay has passed and its words are settled; without words it makes no reply.
     4  Speech that goes on before the reply was heard (for long) goes on with the same turn.
     5  A final that comes late belongs where its speech began; one that was used already is dropped.
     6  A turn that is too long is closed.
     7  At most one reply lives; one that begins before the close is heard after it, or dropped.
     8  Every wait for agent and TTS has a deadline.
    10  What is to be said is queued; the next one is prepared while one plays; every utterance ends.
    11  Protected utterances are neither paused nor cut by speech.
    12  Speech over the agent pauses it at once, and decides nothing yet.
    13  Stop words, enough words, or the close of the turn cut it; backchannels and noise let it go on.
    14  Cut: what was heard is kept, the rest is flushed.
    15  Speech that ended before the reply's first sample is no barge-in.
    16  Every final ends as exactly one of committed, backchannel, dropped.
    17  What the agent was just heard to say is no barge-in when it comes back.
    18  The session's state follows from all this.
    19  Every state has a deadline.
    20  Stop, at once or drained, ends everything.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from beluga_voice import events as ev
from beluga_voice.commands import Command
from beluga_voice.turns import dtmf, hearing, speaking, timers
from beluga_voice.turns.draft import Draft
from beluga_voice.turns.state import Life, State

_HANDLERS: dict[type[ev.Observed], Callable[[Draft, Any], None]] = {
    ev.SessionStarted: speaking.on_session_started,
    ev.StopRequested: speaking.on_stop_requested,
    ev.TimerFired: timers.on_timer_fired,
    ev.SpeechStarted: hearing.on_speech_started,
    ev.SpeechStopped: hearing.on_speech_stopped,
    ev.TranscriptReceived: hearing.on_transcript_received,
    ev.TurnPredicted: hearing.on_turn_predicted,
    ev.TextReceived: hearing.on_text_received,
    ev.DtmfReceived: dtmf.on_dtmf_received,
    ev.SayRequested: speaking.on_say_requested,
    ev.CutRequested: speaking.on_cut_requested,
    ev.TextAwaited: speaking.on_text_awaited,
    ev.AudioAwaited: speaking.on_audio_awaited,
    ev.AudioReceived: speaking.on_audio_received,
    ev.SynthesisFinished: speaking.on_synthesis_finished,
    ev.UtteranceFailed: speaking.on_utterance_failed,
    ev.ToolStarted: speaking.on_tool_started,
    ev.ToolFinished: speaking.on_tool_finished,
    ev.PlayoutStarted: speaking.on_playout_started,
    ev.PlayoutStarved: speaking.on_playout_starved,
    ev.PlayoutContinued: speaking.on_playout_continued,
    ev.PlayoutFinished: speaking.on_playout_finished,
}

_FIRST = (ev.SessionStarted, ev.StopRequested)

OBSERVED: tuple[type[ev.Observed], ...] = tuple(_HANDLERS)
"""Every event that `step` takes."""


def step(state: State, event: ev.Observed) -> tuple[State, list[Command]]:
    """Decide what follows from `event`.

    An event that is stale (of a turn, utterance, question or timer that is no more) changes nothing. Events are
    to be given in the order of their times.

    Returns:
        The next state, and the commands in the order in which they are to be carried out. `state` is unchanged.
    """
    if state.life is Life.ENDED or (state.life is Life.INITIAL and not isinstance(event, _FIRST)):
        return state, []
    draft = Draft(state, event.at)
    _HANDLERS[type(event)](draft, event)
    hearing.close_if_due(draft)
    speaking.advance(draft)
    return draft.finish()
