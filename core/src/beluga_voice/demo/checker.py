"""Whether a call of the demonstration went as it must.

Judged by nothing but what is left of it: the recording, the journal, and the audio that was synthesised for it.
"""

from __future__ import annotations

import math
import re
from dataclasses import dataclass
from pathlib import Path
from typing import TypeVar

import numpy as np

from beluga_voice import events as ev
from beluga_voice.audio.wav import read_tracks
from beluga_voice.commands import Announce
from beluga_voice.demo.alignment import Followed, Gap, Samples, find, follow
from beluga_voice.demo.caller import ROOM
from beluga_voice.demo.kept import CallerSound, Kept, read_kept
from beluga_voice.demo.script import Means, asks_two
from beluga_voice.journal.format import COMPLETE
from beluga_voice.journal.reader import Decision, Entry, Scores, read_journal

RECORDING, JOURNAL, SPEECH = "call.wav", "call.jsonl", "speech"
"""What is kept of a call, in its folder."""

SILENT_WITHIN = 0.5
"""Seconds of the caller's speech after which the agent must be silent: 0.1 s until it is to pause (`pause_after`),
what the VAD needs to find speech, and frames of 20 ms; the rest is for a busy machine."""

PUNCTUAL = 0.1
"""Seconds by which recording and journal may differ, and up to which a late frame is not taken for a pause."""

SPEECH_END = 0.5
"""Seconds by which the end of the caller's speech may be found too early or late."""


E = TypeVar("E", bound=ev.Event)


@dataclass(frozen=True, slots=True)
class Finding:
    """One thing that was looked at, in a sentence."""

    ok: bool
    text: str


@dataclass(frozen=True, slots=True)
class Verdict:
    """All that was looked at."""

    findings: tuple[Finding, ...]

    @property
    def ok(self) -> bool:
        """Whether all is as it must be."""
        return all(finding.ok for finding in self.findings)

    def as_json(self) -> dict[str, object]:
        """The verdict as one object."""
        checks = [{"ok": each.ok, "text": each.text} for each in self.findings]
        return {"ok": self.ok, "checks": checks}


@dataclass(frozen=True, slots=True)
class Evidence:
    """What is left of a call.

    Attributes:
        caller: the recording's left side.
        agent: the right side.
        sample_rate: of both, and of what was kept.
        start: the session's time at the recording's first sample.
        events: observed, decided and told, in their order.
        complete: whether the journal has an end.
        kept: the audio that was synthesised.
    """

    caller: Samples
    agent: Samples
    sample_rate: int
    start: float
    events: tuple[ev.Event, ...]
    complete: bool
    kept: Kept


def read_evidence(folder: Path) -> Evidence:
    """Read what is left of a call.

    Raises:
        ConfigurationError: a file cannot be read.
        AudioError, JournalError: a file is damaged.
    """
    tracks = read_tracks(folder / RECORDING)
    journal = read_journal(folder / JOURNAL)
    events = tuple(event for entry in journal.entries for event in _events(entry))
    return Evidence(
        tracks.samples[:, 0],
        tracks.samples[:, 1],
        tracks.sample_rate,
        journal.start,
        events,
        journal.end == COMPLETE,
        read_kept(folder / SPEECH),
    )


def _events(entry: Entry) -> list[ev.Event]:
    if isinstance(entry, Scores):
        return []
    if not isinstance(entry, Decision):
        return [entry.event]
    return [entry.event, *(command.event for command in entry.commands if isinstance(command, Announce))]


def check(evidence: Evidence) -> Verdict:
    """Judge a call."""
    return Verdict(tuple(_Check(evidence).findings()))


@dataclass(frozen=True, slots=True)
class _Utterance:
    """One of the agent's, as it is told of and as it is heard."""

    ended: ev.UtteranceEnded
    given: Samples
    found: Followed


@dataclass(frozen=True, slots=True)
class _Placed:
    """A sound of the caller's and where in the recording it is."""

    sound: CallerSound
    start: int

    @property
    def end(self) -> int:
        return self.start + len(self.sound.samples)


class _Check:
    """Looks at one thing after the other."""

    def __init__(self, evidence: Evidence) -> None:
        self._evidence = evidence
        self._rate = evidence.sample_rate
        self._sounds: list[_Placed] = []
        self._utterances: list[_Utterance] = []
        self._found: list[Finding] = []

    def findings(self) -> list[Finding]:
        self._say(self._evidence.complete, "the journal is complete", "the journal has no end")
        for failed in self._events_of(ev.ProviderFailed):
            self._say(False, "", f"{failed.kind} failed: {failed.error}")
        if self._place_sounds() and self._follow_agent():
            self._check_turns()
            for sound in self._sounds:
                self._check_sound(sound)
            self._check_cuts()
            self._check_lookups()
        return self._found

    def _say(self, ok: bool, good: str, bad: str) -> bool:
        self._found.append(Finding(ok, good if ok else bad))
        return ok

    def _seconds(self, position: int) -> float:
        return position / self._rate

    def _position(self, at: float) -> int:
        return round((at - self._evidence.start) * self._rate)

    # -- what is in the recording --

    def _place_sounds(self) -> bool:
        end = 0
        for number, sound in enumerate(self._evidence.kept.caller, 1):
            place = find(self._evidence.caller, sound.samples, end, ROOM)
            if place is None:
                said = repr(sound.text) if sound.text else "a cough"
                return self._say(False, "", f"the caller's sound {number}, {said}, is not in the recording")
            self._sounds.append(_Placed(sound, place))
            end = place + len(sound.samples)
        return bool(self._sounds) or self._say(False, "", "the caller made no sound")

    def _follow_agent(self) -> bool:
        """Whether the agent's side is what the TTS gave, from the first sample to the last."""
        end = 0
        for ended, given, before in self._spoken():
            cut = ended.outcome is not ev.Outcome.PLAYED
            until = self._position(min(ended.at + PUNCTUAL / 2, before)) if cut else None
            found = follow(self._evidence.agent, given, end, until)
            if found.differs is not None:
                return self._differs(ended, found)
            if not cut and found.heard < len(given):
                lost = len(given) - found.heard
                return self._say(False, "", f"{_name(ended)} was played but for its last {lost} samples")
            self._utterances.append(_Utterance(ended, given, found))
            end = found.end
        stray = follow(self._evidence.agent, self._evidence.agent[:0], end)
        heard = sum(each.found.heard for each in self._utterances)
        return self._say(
            stray.start == end and bool(self._utterances),
            f"the agent's {len(self._utterances)} utterances are what the TTS gave, each sample once and in "
            f"order: {heard:,} samples",
            f"there is sound of the agent's at {self._seconds(stray.start):.2f} s, where it had ended",
        )

    def _differs(self, ended: ev.UtteranceEnded, found: Followed) -> bool:
        at = self._seconds(found.differs or 0)
        return self._say(
            False, "", f"{_name(ended)} is not what the TTS gave, at {at:.3f} s, sample {found.heard:,} of it"
        )

    def _spoken(self) -> list[tuple[ev.UtteranceEnded, Samples, float]]:
        """Each utterance that was heard, all the audio that the TTS gave for it, and when the next one began."""
        pieces = list(self._evidence.kept.agent)
        given: dict[int, list[Samples]] = {}
        ends: dict[int, ev.UtteranceEnded] = {}
        started: dict[int, float] = {}
        for event in self._evidence.events:
            match event:
                case ev.TextGiven() if pieces and pieces[0].text == event.text:
                    given.setdefault(event.utterance, []).append(pieces.pop(0).samples)
                case ev.PlayoutStarted():
                    started[event.utterance] = event.at
                case ev.UtteranceEnded():
                    ends[event.utterance] = event
        nothing = self._evidence.agent[:0]
        begins = [*started.values(), math.inf][1:]
        return [
            (ends[each], _joined([nothing, *given.get(each, [])]), before)
            for each, before in zip(started, begins, strict=True)
            if each in ends
        ]

    # -- the turns --

    def _check_turns(self) -> None:
        said = [each for each in self._sounds if each.sound.means is Means.TURN]
        closed = {event.turn: event for event in self._events_of(ev.TurnClosed)}
        heard = list(closed.values())
        for number, (placed, turn) in enumerate(zip(said, heard, strict=False), 1):
            if _words(placed.sound.text) != _words(turn.text):
                self._say(False, "", f"turn {number}: {placed.sound.text!r} was heard as {turn.text!r}")
            elif abs(self._position(turn.speech_end) - placed.end) > SPEECH_END * self._rate:
                at = turn.speech_end - self._evidence.start
                self._say(
                    False, "", f"turn {number} ended at {self._seconds(placed.end):.2f} s, not at {at:.2f} s"
                )
        extra = ", ".join(repr(turn.text) for turn in heard[len(said) :])
        self._say(
            len(said) == len(heard),
            f"all {len(said)} turns were closed once, and nothing else made a turn",
            f"{len(said)} turns were said and {len(heard)} heard" + (f", also {extra}" if extra else ""),
        )
        if all(finding.ok for finding in self._found):
            self._say(True, "every turn was understood, word for word", "")

    def _events_of(self, kind: type[E]) -> list[E]:
        return [event for event in self._evidence.events if isinstance(event, kind)]

    def _check_lookups(self) -> None:
        """Where two things were asked for, both were looked up side by side, and both answers were heard."""
        for turn in self._events_of(ev.TurnClosed):
            if asks_two(" ".join(_words(turn.text))):
                replies = [e.utterance for e in self._events_of(ev.ReplyStarted) if e.turn == turn.turn]
                self._check_two(turn.text, replies[-1] if replies else 0)

    def _check_two(self, text: str, reply: int) -> None:
        began = {e.tool: e.at for e in self._events_of(ev.ToolStarted) if e.utterance == reply}
        done = {e.tool: e.at for e in self._events_of(ev.ToolFinished) if e.tool in began}
        since, until = max(began.values(), default=0.0), min(done.values(), default=0.0)
        beside = len(began) == len(done) == 2 and since < until
        heard = [u for u in self._utterances if u.ended.utterance == reply]
        whole = len(heard) == 1 and heard[0].ended.outcome is ev.Outcome.PLAYED and not heard[0].ended.unheard
        answers = heard[0].ended.heard.count(".") if whole else 0
        from_, to = since - self._evidence.start, until - self._evidence.start
        self._say(
            beside and answers == 2,
            f"two lookups for {text!r} ran side by side, from {from_:.2f} to {to:.2f} s, "
            "and both answers were heard",
            f"of the lookups for {text!r} {len(began)} began, {len(done)} ended, "
            f"{'side by side' if beside else 'not side by side'}; {answers} answers were heard to the end",
        )

    # -- what the caller did --

    def _check_sound(self, placed: _Placed) -> None:
        over = next((u for u in self._utterances if u.found.start <= placed.start < u.found.end), None)
        if placed.sound.means is not Means.TURN:
            self._check_overheard(placed, over)
        elif over is not None:
            self._check_barge_in(placed, over)
        if placed.sound.pause:
            self._check_pause(placed)

    def _check_overheard(self, placed: _Placed, over: _Utterance | None) -> None:
        """The agent goes on from the same sample over a "mhm" or a cough."""
        at = self._seconds(placed.start)
        what = f"the {placed.sound.text!r}" if placed.sound.text else "the cough"
        if over is None:
            self._say(False, "", f"{what} at {at:.2f} s was not over the agent")
            return
        near = [gap for gap in over.found.gaps if self._is_near(gap, placed)]
        pauses = [gap for gap in near if gap.length > PUNCTUAL * self._rate]
        told = self._silences(over.ended.utterance)
        goes_on = "the agent went on and did not pause"
        if pauses:
            paused, sample = sum(gap.length for gap in pauses) / self._rate, pauses[-1].heard
            goes_on = f"the agent paused for {paused:.2f} s after sample {sample:,} and went on with the next"
        self._say(
            over.ended.outcome is ev.Outcome.PLAYED and self._are_told(over.found.gaps, told),
            f"{what} at {at:.2f} s took no turn: {goes_on}",
            f"{what} at {at:.2f} s was over {_name(over.ended)}, which was {over.ended.outcome} "
            f"and paused {_lengths([gap.length / self._rate for gap in over.found.gaps])}; "
            f"the journal says {_lengths(told)}",
        )

    def _is_near(self, gap: Gap, placed: _Placed) -> bool:
        """Whether the silence begins with a sound, or soon after its end."""
        return placed.start <= gap.start <= placed.end + SILENT_WITHIN * self._rate

    def _are_told(self, gaps: tuple[Gap, ...], told: list[float]) -> bool:
        """Whether the journal tells of each silence in the recording, and of its length."""
        found = [gap.length / self._rate for gap in gaps if gap.length > PUNCTUAL * self._rate]
        told = [length for length in told if length > PUNCTUAL]
        return len(found) == len(told) and all(
            abs(one - other) <= PUNCTUAL for one, other in zip(found, told, strict=True)
        )

    def _silences(self, utterance: int) -> list[float]:
        """How long an utterance was paused, or without audio, each time, as the journal tells."""
        silences, since = [], None
        for event in self._evidence.events:
            match event:
                case ev.UtterancePaused() | ev.PlayoutStarved() if event.utterance == utterance:
                    since = event.at if since is None else since
                case ev.UtteranceResumed() | ev.PlayoutContinued() if event.utterance == utterance:
                    if since is not None:
                        silences.append(event.at - since)
                    since = None
        return silences

    def _check_barge_in(self, placed: _Placed, over: _Utterance) -> None:
        """The agent is silent soon after the caller began, and until the caller was done."""
        at, silent = self._seconds(placed.start), over.found.end - placed.start
        later = (u.found.start for u in self._utterances if u.found.start >= over.found.end)
        again = min(later, default=len(self._evidence.agent))
        share = f"{over.found.heard:,} of {len(over.given):,} samples had been heard"
        if over.ended.outcome is not ev.Outcome.CUT:
            self._say(False, "", f"the barge-in at {at:.2f} s did not cut {_name(over.ended)}")
        elif again < placed.end:
            self._say(False, "", f"the agent spoke again at {self._seconds(again):.2f} s, into the barge-in")
        else:
            self._say(
                silent <= SILENT_WITHIN * self._rate,
                f"the barge-in at {at:.2f} s cut the agent: silent {self._seconds(silent):.2f} s later; {share}",
                f"after the barge-in at {at:.2f} s the agent spoke on for {self._seconds(silent):.2f} s; allowed "
                f"are {SILENT_WITHIN:g} s",
            )

    def _check_pause(self, placed: _Placed) -> None:
        """A pause in mid-sentence was noticed, and ended no turn."""
        begin, end = self._seconds(placed.start), self._seconds(placed.end)
        start = self._evidence.start
        stops = [e.end - start for e in self._events_of(ev.SpeechStopped)]
        noticed = any(begin < stop < end - placed.sound.pause / 2 for stop in stops)
        closed = [e.at - start for e in self._events_of(ev.TurnClosed) if begin < e.at - start < end]
        what = f"the pause of {placed.sound.pause:.2f} s in {placed.sound.text!r}"
        self._say(
            noticed and not closed,
            f"{what} ended no turn",
            f"{what} ended a turn at {closed[0]:.2f} s" if closed else f"{what} was not noticed by the VAD",
        )

    def _check_cuts(self) -> None:
        """The caller cut an answer, and nothing else did."""
        cut = [each for each in self._utterances if each.ended.outcome is ev.Outcome.CUT]
        barge_ins = [
            each
            for each in cut
            for placed in self._sounds
            if placed.sound.means is Means.TURN and each.found.start <= placed.start < each.found.end
        ]
        failed = [each for each in self._utterances if each.ended.outcome is ev.Outcome.FAILED]
        self._say(
            len(cut) == len(barge_ins) == 1 and not failed,
            "one answer was cut, by the barge-in, and all else was heard to its end",
            f"{len(cut)} answers were cut, {len(barge_ins)} of them by a barge-in, and {len(failed)} failed; "
            "one is to be cut, by the barge-in",
        )


def _name(ended: ev.UtteranceEnded) -> str:
    text = f"{ended.heard} {ended.unheard}".strip()
    return repr(text if len(text) <= 40 else f"{text[:37]}...")


def _words(text: str) -> list[str]:
    return re.findall(r"[a-z']+", text.lower())


def _joined(parts: list[Samples]) -> Samples:
    return np.concatenate(parts)


def _lengths(seconds: list[float]) -> str:
    return " + ".join(f"{each:.2f} s" for each in seconds) or "not at all"
