"""What shall be done: the closed set of commands that the turn-taking engine gives.

The session carries them out in the order given. Each names the rule that made it and the values that it saw.
"""

from __future__ import annotations

from dataclasses import dataclass, field

from beluga_voice.events import Decided, EndReason, Outcome, TimerName

Seen = tuple[tuple[str, object], ...]
"""Names and values that a decision was made by; values are numbers, strings, booleans or None."""


@dataclass(frozen=True, slots=True)
class Command:
    """Something to be done.

    Attributes:
        rule: the turn-taking rule that made it.
        saw: the values it was made by.
    """

    rule: str = field(default="", kw_only=True)
    saw: Seen = field(default=(), kw_only=True)


@dataclass(frozen=True, slots=True)
class SetTimer(Command):
    """Fire `timer` at `due`; replaces the one that runs."""

    timer: TimerName
    due: float


@dataclass(frozen=True, slots=True)
class ClearTimer(Command):
    """Do not fire `timer`."""

    timer: TimerName


@dataclass(frozen=True, slots=True)
class Announce(Command):
    """Tell the observers."""

    event: Decided


@dataclass(frozen=True, slots=True)
class StartHearing(Command):
    """Send the caller's audio to the STT, from sample `position` less the pre-roll, each sample once."""

    position: int


@dataclass(frozen=True, slots=True)
class StopHearing(Command):
    """Send no more of the caller's audio to an STT that wants speech only."""


@dataclass(frozen=True, slots=True)
class Finalize(Command):
    """Ask the STT for the final words of all audio so far; the answer names `request`."""

    request: int


@dataclass(frozen=True, slots=True)
class PredictTurn(Command):
    """Ask the turn detector about the open turn; the answer names `request`, and replaces an older question."""

    request: int
    text: str
    final: bool


@dataclass(frozen=True, slots=True)
class CommitTurn(Command):
    """Write the caller's turn into the conversation, in place of what it held of this turn.

    Attributes:
        late: its words became known after it was answered: it stays where it stands.
    """

    turn: int
    text: str
    late: bool = False


@dataclass(frozen=True, slots=True)
class StartReply(Command):
    """Ask the agent to answer `turn` and prepare its speech as `utterance`; not yet audible.

    Attributes:
        preemptive: the turn has not closed: the reply may be dropped, and does nothing that cannot be taken back.
    """

    turn: int
    utterance: int
    text: str
    preemptive: bool = False


@dataclass(frozen=True, slots=True)
class PrepareSay(Command):
    """Synthesise a `say`; not yet audible."""

    utterance: int


@dataclass(frozen=True, slots=True)
class Play(Command):
    """Put `utterance` on the air: its audio is heard from now on, as it comes."""

    utterance: int


@dataclass(frozen=True, slots=True)
class Pause(Command):
    """Be silent at once, and keep the place."""

    utterance: int


@dataclass(frozen=True, slots=True)
class Duck(Command):
    """Go on, but 12 dB lower."""

    utterance: int


@dataclass(frozen=True, slots=True)
class Resume(Command):
    """Go on from the sample after the last one that was heard, at full level."""

    utterance: int


@dataclass(frozen=True, slots=True)
class EndUtterance(Command):
    """End `utterance`: cancel what still makes it, flush its audio, keep what was heard, settle its handle.

    Attributes:
        turn: the caller's turn that it answers or follows.
        commit: whether what was heard goes into the conversation.
    """

    utterance: int
    turn: int
    outcome: Outcome
    reason: str = ""
    commit: bool = True


@dataclass(frozen=True, slots=True)
class EndSession(Command):
    """Release everything; no command follows."""

    reason: EndReason
