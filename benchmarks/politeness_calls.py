"""Turns through the parts of a session that decide when the caller is done.

The audio goes through the session's `Hearing` with the VAD, frame by frame, in virtual time; what is found does
not depend on the settings that are compared, and so is found once. For each setting the engine's `step` then gets
the speech, the words and the answers of the turn detector in the order of their times, and its timers.

Words are those of the labels, each known `stt_delay` after it was said, and final as long after the engine asks for
it: what a recognizer gets wrong would else be part of the result. The caller does not hear a reply before the turn
is over: after a false cut-off they go on, and the engine takes the turn up again (rule 4), from which adaptive
endpointing learns. When the turn is over the reply is heard, and then the next turn of the same call comes.
"""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass, replace
from heapq import heappop, heappush
from math import inf, nan
from typing import Any, cast

import numpy as np
from politeness_dataset import SAMPLE_RATE, Samples, Turn

from beluga_voice import TurnPolicy
from beluga_voice import commands as do
from beluga_voice import events as ev
from beluga_voice.audio import AudioFrame
from beluga_voice.clock import run_virtual
from beluga_voice.contracts import VAD, TurnContext, TurnDetector
from beluga_voice.errors import BelugaVoiceError
from beluga_voice.phrases import PhraseClassifier
from beluga_voice.session.hearing import Hearing
from beluga_voice.turns import Abilities, State, step
from beluga_voice.words import Word

FRAME = 320
AT_ONCE = 16
"""Samples of a frame, and turns that are heard side by side: as many windows as Silero scores at once."""

BEHIND = 1.0
"""Seconds of room that follow a turn's audio, so that its end is found though its audio ends with it."""

EARLY = 0.25
"""Seconds before the label's end of the turn from which a close counts as its end: labels are no better."""

REPLY, SPEAKS, NEXT = 1.0, 0.5, 0.5
"""Seconds from the close to the reply's first sample, of the reply, and from its end to the caller's next turn."""

PATIENCE = 30.0
"""Seconds after a turn without its end being found, after which it is given up."""

CLASSIFIER = PhraseClassifier()

Progress = Callable[[str], None]


@dataclass(frozen=True, slots=True, eq=False)
class Heard:
    """A turn, and the speech that the VAD found in it, in seconds from the turn's first sample."""

    turn: Turn
    speech: tuple[ev.SpeechStarted | ev.SpeechStopped, ...]


@dataclass(frozen=True, slots=True)
class Answer:
    """What became of a turn.

    Attributes:
        cut: for each pause that counts, whether the turn was closed in it.
        delay: seconds from its end to its close; not a number if that was never found.
        elsewhere: closes that belong to no pause that counts.
    """

    cut: tuple[bool, ...]
    delay: float
    elsewhere: int


# -- hearing --


def hear(turns: Sequence[Turn], vad: VAD, policy: TurnPolicy, progress: Progress) -> list[Heard]:
    """Find the speech in each turn, as a session does."""
    heard: list[Heard] = []

    async def listen() -> None:
        async with vad:
            for start in range(0, len(turns), AT_ONCE):
                heard.extend(await _hear(turns[start : start + AT_ONCE], vad, policy))
                progress(f"heard {len(heard)} of {len(turns)} turns")

    run_virtual(listen())
    return heard


async def _hear(turns: Sequence[Turn], vad: VAD, policy: TurnPolicy) -> list[Heard]:
    loop = asyncio.get_running_loop()
    begun = loop.time()
    found: list[list[ev.Observed]] = [[] for _ in turns]
    lines = [_hearing(vad, policy, lambda: loop.time() - begun, events.append) for events in found]
    audio = [_with_room(turn.samples) for turn in turns]
    for number in range(max(map(len, audio)) // FRAME):
        await asyncio.sleep(begun + (number + 1) * FRAME / SAMPLE_RATE - loop.time())
        for line, samples in zip(lines, audio, strict=True):
            frame = samples[number * FRAME : (number + 1) * FRAME]
            if len(frame):
                line.process(AudioFrame(frame, SAMPLE_RATE, number * FRAME))
    await asyncio.sleep(0.1)  # for the last batch of windows
    for line in lines:
        line.close()
    kinds = (ev.SpeechStarted, ev.SpeechStopped)
    return [
        Heard(turn, tuple(event for event in events if isinstance(event, kinds)))
        for turn, events in zip(turns, found, strict=True)
    ]


def _hearing(
    vad: VAD, policy: TurnPolicy, clock: Callable[[], float], feed: Callable[[ev.Observed], None]
) -> Hearing:
    def failed(kind: str, error: BelugaVoiceError) -> None:
        raise error

    return Hearing(
        vad=vad,
        noise_suppressor=None,
        policy=policy,
        clock=clock,
        feed=feed,
        asks=lambda _: False,
        scored=None,
        passed=lambda _: None,
        failed=failed,
        deaf=lambda: None,
    )


def _with_room(samples: Samples) -> Samples:
    room = np.random.default_rng(0).normal(0.0, 6.0, round(BEHIND * SAMPLE_RATE)).astype(np.int16)
    return np.concatenate([samples, room])


# -- judging --


class Judge:
    """Asks a turn detector, and remembers: settings that are compared put the same questions."""

    def __init__(self, detector: TurnDetector) -> None:
        self._detector = detector
        self._answers: dict[tuple[str, str, bool, float], float] = {}

    async def ask(self, turn: Turn, text: str, final: bool, at: float) -> float:
        """Return the probability that the turn is over `at` seconds after its first sample."""
        seconds = self._detector.audio_seconds
        # What is heard in the same frame sounds the same: a detector by sound is not asked twice.
        question = (turn.id, "" if seconds else text, final or bool(seconds), round(at, 2 if seconds else 6))
        if question not in self._answers:
            audio = _until(turn, at, seconds) if seconds else None
            context = TurnContext(text, final, turn.language, audio)
            self._answers[question] = await self._detector.predict(context)
        return self._answers[question]


def _until(turn: Turn, at: float, seconds: float) -> AudioFrame:
    """The turn's audio up to `at`, as a session hears it: at most `seconds`."""
    end = round(at * SAMPLE_RATE)
    start = max(end - round(seconds * SAMPLE_RATE), 0)
    return AudioFrame(_with_room(turn.samples)[start:end], SAMPLE_RATE, start)


# -- deciding --


class Line:
    """One call: a caller's turns, one after the other, each answered.

    Args:
        policy: decides.
        judge: of whether a turn is over; None if nobody judges.
        stt_delay: seconds after which words are known.
    """

    def __init__(self, policy: TurnPolicy, judge: Judge | None, stt_delay: float) -> None:
        self._judge, self._delay = judge, stt_delay
        self._state = State(policy, Abilities(detects_turns=judge is not None))
        self._queue: list[tuple[float, int, ev.Observed]] = []
        self._count = self._transcripts = 0
        self._now = 0.0

    async def call(self, heard: Iterable[Heard]) -> list[Answer]:
        """Go through the turns of a call."""
        await self._step(ev.SessionStarted(0.0))
        return [await self._answer(each) for each in heard]

    async def _answer(self, heard: Heard) -> Answer:
        self._turn, self._begun = heard.turn, self._now + NEXT
        self._words, self._final = heard.turn.said(), 0
        self._closes: list[float] = []
        self._answered = False
        for found in heard.speech:
            self._put(_shifted(found, self._begun))
        for number, word in enumerate(self._words):
            self._put(_Said(self._begun + word.end + self._delay, number))
        until = self._begun + len(heard.turn.samples) / SAMPLE_RATE + PATIENCE
        while not (self._answered and not self._queue) and (event := self._next(until)) is not None:
            self._now = max(self._now, event.at)
            await self._step(self._interim(event) if isinstance(event, _Said) else event)
        return judged(heard.turn, [at - self._begun for at in self._closes])

    def _next(self, until: float) -> ev.Observed | None:
        """Take what comes first; at one instant the caller comes before a timer."""
        name, due = min(self._state.timers.items(), key=lambda each: each[1], default=(None, inf))
        if self._queue and self._queue[0][0] <= due:
            return heappop(self._queue)[2]
        return None if name is None or due > until else ev.TimerFired(due, name, due)

    def _put(self, event: ev.Observed) -> None:
        self._count += 1
        heappush(self._queue, (event.at, self._count, event))

    async def _step(self, event: ev.Observed) -> None:
        self._state, commands = step(self._state, event)
        for command in commands:
            await self._carry_out(command, event.at)

    async def _carry_out(self, command: do.Command, at: float) -> None:
        match command:
            case do.Finalize(request=request):
                self._put(self._finals(at, request))
            case do.PredictTurn(request=request, text=text, final=final) if self._judge is not None:
                probability = await self._judge.ask(self._turn, text, final, at - self._begun)
                self._put(ev.TurnPredicted(at, request, probability))
            case do.Announce(event=ev.TurnClosed()) if command.rule != "5":
                self._closes.append(at)
            case do.StartReply(utterance=utterance) if at - self._begun >= self._turn.end - EARLY:
                for event in _reply(utterance, at):
                    self._put(event)
            case do.EndUtterance(outcome=ev.Outcome.PLAYED):
                self._answered = True

    # -- words --

    def _interim(self, said: _Said) -> ev.Observed:
        words = self._words[self._final : said.word + 1]
        return self._transcript(said.at, words, None)

    def _finals(self, at: float, request: int) -> ev.Observed:
        """Answer a request with the words that were said until then and are in no final yet."""
        first = self._final
        while self._final < len(self._words) and self._begun + self._words[self._final].end <= at:
            self._final += 1
        return self._transcript(at + self._delay, self._words[first : self._final], request)

    def _transcript(self, at: float, words: Sequence[Word], request: int | None) -> ev.TranscriptReceived:
        self._transcripts += 1
        text = " ".join(word.text for word in words)
        return ev.TranscriptReceived(
            at,
            self._transcripts,
            text,
            request is not None,
            CLASSIFIER.classify(text, self._turn.language),
            self._begun + words[0].start if words else None,
            self._begun + words[-1].end if words else None,
            request,
        )


@dataclass(frozen=True, slots=True)
class _Said(ev.Observed):
    """A word has become known; which transcript that makes depends on the finals before."""

    word: int


def _shifted(event: ev.SpeechStarted | ev.SpeechStopped, by: float) -> ev.Observed:
    name = "start" if isinstance(event, ev.SpeechStarted) else "end"
    changes = {"at": event.at + by, name: getattr(event, name) + by}
    return cast("ev.Observed", replace(cast("Any", event), **changes))


def _reply(utterance: int, at: float) -> Sequence[ev.Observed]:
    heard = at + REPLY
    return (
        ev.AudioAwaited(at, utterance),
        ev.AudioReceived(heard, utterance),
        ev.SynthesisFinished(heard, utterance),
        ev.PlayoutStarted(heard, utterance),
        ev.PlayoutFinished(heard + SPEAKS, utterance),
    )


def judged(turn: Turn, closes: Iterable[float]) -> Answer:
    """Say what became of a turn that was closed at these seconds from its first sample.

    A close before the end counts against the silence that began last before it; more than one, once.
    """
    delay, cut, elsewhere = nan, set(), 0
    for at in closes:
        if at >= turn.end - EARLY:
            delay = at - turn.end
            continue
        before = [span for span in turn.spans[:-1] if span.start <= at]
        if before and before[-1].counts:
            cut.add(before[-1])
        else:
            elsewhere += 1
    return Answer(tuple(span in cut for span in turn.pauses), delay, elsewhere)


def calls_of(heard: Iterable[Heard]) -> list[list[Heard]]:
    """Gather the turns of each speaker, in their order."""
    calls: dict[str, list[Heard]] = {}
    for each in heard:
        calls.setdefault(each.turn.speaker, []).append(each)
    return list(calls.values())


async def decide(
    calls: Iterable[Sequence[Heard]], policy: TurnPolicy, judge: Judge | None, stt_delay: float
) -> list[Answer]:
    """Go through all calls with one setting; the answers are in the order of the calls' turns."""
    answers: list[Answer] = []
    for call in calls:
        answers += await Line(policy, judge, stt_delay).call(call)
    return answers
