"""What the engine knows: the caller's turn, the agent's utterances, and how they overlap."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, field, fields
from enum import Enum
from operator import attrgetter
from typing import Any, TypeVar

from beluga_voice.events import EndReason, SessionState, Source, TimerName, WhileCallerSpeaks
from beluga_voice.turns.policy import TurnPolicy
from beluga_voice.words import Interruption

_Part = TypeVar("_Part")


WARY = 2
"""False barge-ins in one utterance, after which only words pause it where there may be echo."""


SLACK = 0.05
"""Seconds by which the times of words may be off: those of recognizers are seldom finer."""

_Setter = Callable[[object, object], None]
_Shape = tuple[Callable[[object], tuple[object, ...]], tuple[_Setter, ...], dict[str, _Setter]]
_SHAPES: dict[type, _Shape] = {}


def replace(part: _Part, **changes: Any) -> _Part:
    """Return the frozen part of a state with other values, as `dataclasses.replace` does, at less cost."""
    kind = type(part)
    values, setters, by_name = _SHAPES.get(kind) or _shape(kind)
    new: _Part = object.__new__(kind)
    for write, value in zip(setters, values(part), strict=True):
        write(new, value)
    for name, value in changes.items():
        by_name[name](new, value)
    return new


def _shape(kind: type) -> _Shape:
    """How to read all slots of a part, and how to write each."""
    names = kind.__slots__  # type: ignore[attr-defined]
    by_name = {name: getattr(kind, name).__set__ for name in names}
    shape = _SHAPES[kind] = attrgetter(*names), tuple(by_name.values()), by_name
    return shape


@dataclass(frozen=True, slots=True)
class Abilities:
    """What the parts of this session can do, as far as decisions depend on it.

    Attributes:
        replies: there is an agent to answer.
        detects_turns: there is a turn detector to ask.
        finalizes: the STT answers each request for its final words.
        stt_delay: seconds after speech end within which 99 % of finals arrive, as the STT declares; 0 if unknown.
        cancels_echo: the agent's own voice is taken out of the caller's audio.
        answers_audio: what answers has heard the caller itself: a turn needs no words, and those that come late are
            for the record.
        tells_ends: the ends of the caller's turns are told, by the words or without any.
    """

    replies: bool = True
    detects_turns: bool = False
    finalizes: bool = True
    stt_delay: float = 0.0
    cancels_echo: bool = False
    answers_audio: bool = False
    tells_ends: bool = False


@dataclass(frozen=True, slots=True)
class Piece:
    """Words of the caller: one transcript that counts."""

    transcript: int
    text: str
    kind: Interruption
    start: float | None
    end: float | None
    final: bool = True

    @property
    def timed(self) -> bool:
        """Whether it is known when they were said."""
        return self.start is not None and self.end is not None

    def overlaps(self, other: Piece) -> bool:
        """Whether at least half of the shorter was said during the other, as far as the times tell."""
        if self.start is None or self.end is None or other.start is None or other.end is None:
            return False
        shorter = min(self.end - self.start, other.end - other.start)
        return min(self.end, other.end) - max(self.start, other.start) > shorter / 2

    def repeats(self, other: Piece) -> bool:
        """Whether they are the same words of the same time: the session's times follow the line, and so move."""
        if self.start is None or other.start is None or self.text != other.text:
            return False
        same_end = self.end is other.end or (self.timed and other.timed and _near(self.end, other.end))
        return same_end and _near(self.start, other.start)


def _near(one: float | None, other: float | None) -> bool:
    return one is not None and other is not None and abs(one - other) <= SLACK


class Relation(Enum):
    """What the caller's speech may do to the utterance it was spoken over."""

    BARGE_IN = "barge-in"
    """Cut it, by rule 13."""

    JOIN = "join"
    """Take up the turn that it answers, by rule 4."""

    WAIT = "wait"
    """Neither: the speech was going on before the utterance was heard."""


class Phase(Enum):
    """How far it is decided."""

    DETECTING = "detecting"
    """The utterance still plays; the speech is shorter than the pause."""

    PAUSED = "paused"
    """The utterance is silent, or ducked, until it is decided."""

    GIVEN_UP = "given up"
    """Undecided too long: the utterance goes on over this speech."""

    SHIELDED = "shielded"
    """This speech neither pauses nor cuts the utterance."""

    OVER = "over"
    """The utterance ended by itself."""


@dataclass(frozen=True, slots=True)
class Overlap:
    """Speech of the caller over an utterance of the agent.

    Attributes:
        after_question: the sentence being heard as the speech began was a question: a "yeah" answers it.
        spoken: seconds of the turn's speeches that had ended before.
    """

    utterance: int
    relation: Relation
    phase: Phase
    after_question: bool = False
    spoken: float = 0.0


@dataclass(frozen=True, slots=True)
class CallerTurn:
    """The caller's open turn.

    Attributes:
        opened: when it began.
        start: when its latest speech began.
        end: when its latest speech ended; None while the caller speaks.
        spoken: seconds of its speeches that have ended.
        final_at: when the latest final of its latest speech arrived; 0 if none.
        final_to: up to when its speech is in finals that tell their end; 0 if unknown.
        by_words: it was opened by words, and the VAD has seen nothing of it.
        pieces: its finals.
        interim: words that may change.
        request: number of the latest request for final words; 0 if none.
        asked: when that was made.
        settled: all its speech has become final words, or none.
        prediction: number of the latest question to the turn detector; 0 if none.
        complete: the turn detector's answer; None while it is owed.
        ended: whether the STT takes it for complete, by its latest words; None if it does not judge that.
        pauses: seconds between its speeches, those of the closed turn that it goes on with too.
        changed: when its words changed last; 0 if nobody asks.
        tried: the change after which a reply was begun, or left as it was, before the close.
        overlap: the utterance that it is spoken over.
        before: the words of the closed turn that it goes on with.
    """

    number: int
    opened: float
    start: float
    end: float | None = None
    spoken: float = 0.0
    final_at: float = 0.0
    final_to: float = 0.0
    by_words: bool = False
    pieces: tuple[Piece, ...] = ()
    interim: Piece | None = None
    request: int = 0
    asked: float = 0.0
    settled: bool = False
    prediction: int = 0
    complete: bool | None = None
    ended: bool | None = None
    pauses: tuple[float, ...] = ()
    changed: float = 0.0
    tried: float = 0.0
    overlap: Overlap | None = None
    before: tuple[Piece, ...] = ()

    @property
    def said(self) -> tuple[Piece, ...]:
        """Finals and interim words since the turn opened."""
        return self.pieces if self.interim is None else (*self.pieces, self.interim)

    @property
    def text(self) -> str:
        """All words of the turn."""
        return " ".join(piece.text for piece in (*self.before, *self.said))

    @property
    def only_backchannels(self) -> bool:
        """There are words, and none of them takes the floor."""
        said = self.said
        return bool(said) and all(piece.kind is Interruption.BACKCHANNEL for piece in said)

    @property
    def asks_to_stop(self) -> bool:
        """Some of the words ask the agent to stop."""
        return any(piece.kind is Interruption.STOP for piece in self.said)

    @property
    def words(self) -> int:
        """Number of words that are no backchannel."""
        return sum(len(p.text.split()) for p in self.said if p.kind is not Interruption.BACKCHANNEL)

    def seconds(self, now: float) -> float:
        """Seconds of speech, up to `now` if the caller is speaking."""
        return self.spoken if self.end is not None else self.spoken + max(0.0, now - self.start)

    @property
    def holds_floor(self) -> bool:
        """Whether the agent is to keep silent for it."""
        return self.overlap is None or self.overlap.phase not in (Phase.GIVEN_UP, Phase.SHIELDED)

    @property
    def shielded(self) -> bool:
        """Whether it stays open until the utterance that it is spoken over has ended."""
        over = self.overlap
        return over is not None and over.phase is Phase.SHIELDED and over.relation is not Relation.WAIT

    def in_phase(self, phase: Phase) -> bool:
        """Whether it is spoken over an utterance and decided so far."""
        return self.overlap is not None and self.overlap.phase is phase


@dataclass(frozen=True, slots=True)
class PastTurn:
    """A turn that was closed or dropped, for words of it that come late.

    Attributes:
        closed: when it was.
        end: when its last speech ended.
        spoken: seconds of its speech.
        said: all words it was closed with, interim ones too; empty if it was dropped.
        request: number of its latest request for final words.
        reply: the utterance that answers it; 0 if none.
        opened: when it began.
    """

    number: int
    closed: float
    end: float
    spoken: float
    said: tuple[Piece, ...] = ()
    request: int = 0
    reply: int = 0
    earlier: int = 0
    opened: float = 0.0

    @property
    def text(self) -> str:
        """All words it was closed with."""
        return " ".join(piece.text for piece in self.said)

    @property
    def settled(self) -> bool:
        """Whether it was closed with final words alone."""
        return bool(self.said) and all(piece.final for piece in self.said)

    @property
    def transcripts(self) -> tuple[int, ...]:
        """The numbers of the finals it was closed with."""
        return tuple(p.transcript for p in self.said if p.transcript and p.final)

    def corrected(self, piece: Piece) -> PastTurn:
        """The same with a final in the place of the interim words of the same speech, or after all words.

        Where times do not tell, it takes the place of the first interim words.
        """
        interim = [other for other in self.said if not other.final]
        replaced = [other for other in interim if other.overlaps(piece)]
        if not replaced:
            replaced = [other for other in interim if not (other.timed and piece.timed)][:1]
        if not replaced:
            return replace(self, said=(*self.said, piece))
        place = self.said.index(replaced[0])
        rest = [other for other in self.said[place:] if other not in replaced]
        return replace(self, said=(*self.said[:place], piece, *rest))


class Awaits(Enum):
    """What an utterance waits for."""

    NOTHING = "nothing"
    TEXT = "text"
    AUDIO = "audio"


@dataclass(frozen=True, slots=True)
class Utterance:
    """A reply or a `say` that has not ended.

    Attributes:
        turn: the caller's turn it answers or follows.
        prepared: it is being synthesised, or has been.
        awaits: what it waits for, since `since`.
        ready: audio of it has come.
        finished: all its audio has come.
        started: its first sample was heard.
        playing_from: since when it is being heard; None while it is not.
        heard: seconds heard before that.
        starved: since when more audio is owed than there is; None if not.
        preemptive: the turn that it answers has not closed: it is no live reply yet.
        answers: the words that it answers.
        doubts: false barge-ins over it; an echo counts as `WARY`.
        inside: the reply whose tool asked for it; 0 if none.
        tools: the tools that run for it, each with the time at which it is cancelled at the latest.
    """

    number: int
    source: Source
    turn: int
    asked: float
    interruptible: bool = True
    priority: int = 0
    while_caller_speaks: WhileCallerSpeaks = WhileCallerSpeaks.WAIT
    prepared: bool = False
    awaits: Awaits = Awaits.NOTHING
    since: float = 0.0
    ready: bool = False
    finished: bool = False
    started: bool = False
    playing_from: float | None = None
    heard: float = 0.0
    starved: float | None = None
    preemptive: bool = False
    answers: str = ""
    doubts: int = 0
    inside: int = 0
    tools: tuple[tuple[int, float], ...] = ()

    @property
    def silent(self) -> bool:
        """Whether all its audio there is was heard, and no more is being made."""
        heard = self.starved is not None or not self.ready
        return heard and not self.finished and self.awaits is Awaits.TEXT

    def heard_until(self, now: float) -> float:
        """Seconds of it that were heard at `now`."""
        playing = 0.0 if self.playing_from is None else max(0.0, now - self.playing_from)
        return self.heard + playing

    def silenced(self, now: float) -> Utterance:
        """The same, no longer being heard."""
        return replace(self, heard=self.heard_until(now), playing_from=None)


class Life(Enum):
    """Where the session is in its life."""

    INITIAL = "initial"
    ACTIVE = "active"
    DRAINING = "draining"
    ENDED = "ended"


@dataclass(slots=True)
class State:
    """All that the engine knows of a session. `step` never changes the one it is given.

    Attributes:
        visible: the session's state as announced last.
        turn: the caller's open turn.
        past: the turn that closed last; the one gone on with has its number.
        dropped: the turn that was dropped since.
        earlier: turns before `past` that were answered for their sound, and whose words are not known.
        turns: the last turn number given.
        replies: the last number given to a reply; they count up from 1.
        says: the last number that a `say` came with; they count down from -1.
        requests: the last number given to a question (for final words or a prediction).
        hearing: audio is being sent to an STT that wants speech only.
        utterances: what the agent says, in the order of playing; the one on the air is the first.
        on_air: number of the utterance on the air; 0 if none.
        paused: number of the utterance that is paused; 0 if none.
        ducked: number of the utterance that goes on at a lower level; 0 if none.
        still_from: since when the agent's clocks stand still; None if they run.
        away: the caller is away.
        quiet_from: since when both are silent, for being away.
        active_at: when something was said, written or heard last, for the session's timeout.
        recent: the latest finals, for finding duplicates.
        learned: the short delay as the caller's pauses have it; 0 if it was not learned.
        keys: what was pressed on the telephone and is not yet complete.
        keys_at: when the last key was.
        timers: what runs, and when it is due.
        ending: why the session is being ended, once it is.
    """

    policy: TurnPolicy = field(default_factory=TurnPolicy)
    abilities: Abilities = field(default_factory=Abilities)
    life: Life = Life.INITIAL
    visible: SessionState = SessionState.INITIAL
    turn: CallerTurn | None = None
    past: PastTurn | None = None
    dropped: PastTurn | None = None
    earlier: tuple[PastTurn, ...] = ()
    turns: int = 0
    replies: int = 0
    says: int = 0
    requests: int = 0
    hearing: bool = False
    utterances: tuple[Utterance, ...] = ()
    on_air: int = 0
    paused: int = 0
    ducked: int = 0
    still_from: float | None = None
    away: bool = False
    quiet_from: float = 0.0
    active_at: float = 0.0
    recent: tuple[Piece, ...] = ()
    learned: float = 0.0
    keys: str = ""
    keys_at: float = 0.0
    timers: dict[TimerName, float] = field(default_factory=dict)
    ending: EndReason = EndReason.STOPPED

    @property
    def asked(self) -> int:
        """The number of the latest request for final words of the turns before the open one; 0 if none."""
        return max((past.request for past in (self.past, self.dropped) if past is not None), default=0)

    def copied(self) -> State:
        """A copy; the parts are shared, and frozen."""
        return State(*_VALUES(self))

    def utterance(self, number: int) -> Utterance | None:
        """The utterance of that number, unless it has ended."""
        for utterance in self.utterances:
            if utterance.number == number:
                return utterance
        return None

    @property
    def looks_for_echo(self) -> bool:
        """Whether transcripts may be echo: it is set so, and nothing takes echo out of the caller's audio."""
        return self.policy.echo_by_transcript == "on" and not self.abilities.cancels_echo

    def is_wary(self, number: int) -> bool:
        """Whether only words pause this utterance: after an echo, or after two false barge-ins (rule 17)."""
        if not self.looks_for_echo:
            return False
        utterance = self.utterance(number)
        return utterance is not None and utterance.doubts >= WARY

    @property
    def current(self) -> Utterance | None:
        """The utterance on the air."""
        return self.utterance(self.on_air) if self.on_air else None

    @property
    def reply(self) -> Utterance | None:
        """The live reply; there is at most one."""
        for utterance in self.utterances:
            if utterance.source is Source.REPLY and not utterance.preemptive:
                return utterance
        return None

    @property
    def early(self) -> Utterance | None:
        """The reply to a turn that has not closed; there is none while a reply lives."""
        for utterance in self.utterances:
            if utterance.preemptive:
                return utterance
        return None

    @property
    def may_preempt(self) -> bool:
        """Whether a reply may begin before the close: there are words, and nothing is answered or spoken over."""
        turn, abilities = self.turn, self.abilities
        if turn is None or self.policy.preemptive == "off" or not abilities.replies or not turn.said:
            return False
        if abilities.answers_audio:
            return False  # it cannot be asked before all audio of the turn is there
        return self.reply is None and (turn.overlap is None or turn.overlap.phase is Phase.OVER)


_VALUES = attrgetter(*(spec.name for spec in fields(State)))
