"""A speech-to-speech model that answers by its script, and misbehaves as it is told."""

from __future__ import annotations

import asyncio
from collections import deque
from collections.abc import Iterable, Mapping, Sequence
from enum import StrEnum
from typing import TYPE_CHECKING, TypeAlias, cast

from beluga_voice.audio import AudioFrame
from beluga_voice.contracts import S2S, S2SSetup, S2SStream, ToolCall, ToolMessage, ToolSpec, Usage, s2s
from beluga_voice.contracts.llm import AssistantMessage, CallerMessage
from beluga_voice.errors import ClosedError, ProviderError
from beluga_voice.testing.fakes.stt import AUDIBLE
from beluga_voice.testing.fakes.tts import ScriptedTTS
from beluga_voice.testing.sounds import peak

if TYPE_CHECKING:
    import numpy as np
    from numpy.typing import NDArray

S2SAnswer: TypeAlias = str | ToolCall | Sequence[str | ToolCall]
"""One response: a text that is spoken, a tool call, or both in order."""


class S2SFault(StrEnum):
    """How a `ScriptedS2S` misbehaves."""

    NEVER_READY = "never ready"
    """A stream opens and tells nothing."""

    AUDIO_BEFORE_READY = "audio before ready"
    """Audio of a response that nobody knows comes first."""

    NEVER_READS = "never reads"
    """Each command waits for ever."""

    NO_RESPONSE = "no response"
    """A request is not answered at all."""

    MUTE = "mute"
    """A response starts, and gives nothing and does not end."""

    NO_DONE = "no done"
    """A response gives all it has, and does not end."""

    NO_AUDIO = "no audio"
    """A response has words but no audio."""

    FAILS = "fails"
    """A response fails after half of its audio."""

    REFUSES = "refuses"
    """A request is answered by an error."""

    ERRORS = "errors"
    """An error comes that is of no request, before each response."""

    DROPS = "drops"
    """The connection breaks after half of a response's audio."""

    DROPS_EARLY = "drops early"
    """The connection breaks before a response's first audio."""

    CLOSES = "closes"
    """The vendor closes the stream in the middle of a response, without a word."""

    NO_STREAM = "no stream"
    """No stream can be had, for now."""

    BANNED = "banned"
    """No stream can be had, for good."""

    IGNORES_CANCEL = "ignores cancel"
    """A response that was cancelled goes on to its end."""

    AUDIO_AFTER_CANCEL = "audio after cancel"
    """A response that was cancelled is told to be over, and gives audio and words after that."""

    DUPLICATES = "duplicates"
    """Each event but audio and words comes twice."""

    STRAY = "stray"
    """Events of responses that nobody knows come between those of each response."""

    REORDERS = "reorders"
    """A response is told to be over before its words come."""

    UNKNOWN = "unknown"
    """An event that is none of the closed set comes before each response."""

    WRONG_RATE = "wrong rate"
    """Audio comes at another rate than is declared."""

    NO_TRANSCRIPT = "no transcript"
    """No commit is answered, and nothing is transcribed."""

    SWAPS_TRANSCRIPTS = "swaps transcripts"
    """Each second transcript comes before the first."""

    NO_SPEECH_STOP = "no speech stop"
    """Speech that was found never ends."""

    GOES_AWAY = "goes away"
    """The vendor tells that it will end the stream in five seconds, and does."""

    HANGS_AT_CLOSE = "hangs at close"
    """`aclose` does not return."""


class ScriptedS2S(S2S):
    """Answers each response it is asked for by its script; each word has a sound of its own, as `audio_of` tells.

    The script goes on over all streams. When it is at its end, a response repeats what the caller said.

    Args:
        answers: in the order of asking.
        hears: what the caller says: one text for each commit of audible audio.
        sample_rate: of both directions, in Hz.
        word_duration: seconds of each word's audio.
        delay: seconds from a request to its first event, and from a commit to its transcript.
        part_delay: seconds between two parts of a response, each of 0.1 s of audio.
        ends_after: seconds of silence that end the caller's turn, where it `detects_turns`.
        transcript_delay: seconds from a commit to its transcript, if not `delay`.
        usage: told after each response, if not None.
        faults: what goes wrong, and how often; without a number, always.
        declares: class attributes of `S2S` that are otherwise here.

    Attributes:
        streams: all streams opened so far.
        faults: how often each goes on to happen; may be changed at any time.
    """

    def __init__(
        self,
        answers: Sequence[S2SAnswer] = (),
        hears: Sequence[str] = (),
        *,
        sample_rate: int = 24000,
        word_duration: float = 0.3,
        delay: float = 0.1,
        part_delay: float = 0.0,
        ends_after: float = 0.5,
        transcript_delay: float | None = None,
        usage: Usage | None = None,
        faults: Iterable[S2SFault] | Mapping[S2SFault, int] = (),
        **declares: object,
    ) -> None:
        self.input_sample_rate = self.output_sample_rate = sample_rate
        self.delay = delay
        self.part_delay = part_delay
        self.ends_after = ends_after
        self.transcript_delay = delay if transcript_delay is None else transcript_delay
        self.usage = usage
        self.streams: list[ScriptedS2SStream] = []
        self.faults = dict(faults if isinstance(faults, Mapping) else dict.fromkeys(faults, 1 << 30))
        for name, value in declares.items():
            if not hasattr(S2S, name):
                raise TypeError(f"S2S has no attribute {name!r}")
            setattr(self, name, value)
        self._voice = ScriptedTTS(sample_rate=sample_rate, word_duration=word_duration)
        self._answers = deque(answers)
        self._hears = deque(hears)
        self._closed = False

    async def open_stream(self, setup: S2SSetup) -> ScriptedS2SStream:
        if self._closed:
            raise ClosedError("this ScriptedS2S was closed; make a new one")
        if self.strikes(S2SFault.NO_STREAM):
            raise ProviderError("the script says that no stream can be had", retryable=True)
        if self.strikes(S2SFault.BANNED):
            raise ProviderError("the script says that no stream can be had for good")
        stream = ScriptedS2SStream(self, setup)
        self.streams.append(stream)
        return stream

    async def aclose(self) -> None:
        self._closed = True

    def audio_of(self, text: str) -> NDArray[np.int16]:
        """Return all samples of `text`, int16, shape ``(n,)``."""
        return self._voice.audio_of(text)

    def strikes(self, fault: S2SFault) -> bool:
        """Whether a fault happens now; it then happens once less often."""
        left = self.faults.get(fault, 0)
        self.faults[fault] = max(0, left - 1)
        return bool(left > 0)

    def next_answer(self, caller: str) -> S2SAnswer:
        """Take the next answer of the script; what the caller said where there is none."""
        return self._answers.popleft() if self._answers else caller

    def next_heard(self) -> str:
        """Take what the caller says next."""
        return self._hears.popleft() if self._hears else ""


class ScriptedS2SStream(S2SStream):
    """A stream of `ScriptedS2S`.

    Attributes:
        setup: what it was told first, or last by `update`.
        frames: the caller's audio, in order.
        commands: each command but audio, by its name and arguments, in order.
        memory: the conversation as the model remembers it: texts of caller and model in order, and results.
        closed: whether `aclose` was called.
    """

    def __init__(self, model: ScriptedS2S, setup: S2SSetup) -> None:
        self.setup = setup
        self.frames: list[AudioFrame] = []
        self.commands: list[tuple[object, ...]] = []
        self.memory: list[str] = [message.text for message in setup.history]
        self.closed = False
        self._model = model
        self._loop = asyncio.get_running_loop()
        self._due: deque[tuple[float, object]] = deque()
        self._changed = asyncio.Event()
        self._sent = 0
        self._said = False  # there is audible audio that was not committed
        self._speech: tuple[int, int] | None = None
        self._started_at = 0
        self._responses = self._transcripts = 0
        self._running: dict[str, bool] = {}
        self._held: s2s.InputTranscript | None = None
        self._broken: Exception | None = None
        if model.strikes(S2SFault.AUDIO_BEFORE_READY):
            self._give(s2s.ResponseAudio("early", self._frame("boo", 0)))
        if not model.strikes(S2SFault.NEVER_READY):
            self._give(s2s.Ready())
        if model.strikes(S2SFault.GOES_AWAY):
            self._give(s2s.GoingAway(5.0))
            self._give(ProviderError("the script says that the vendor ended the stream", retryable=True), 5.0)

    def asked(self, name: str) -> list[tuple[object, ...]]:
        """Return the arguments of each command of that name."""
        return [command[1:] for command in self.commands if command[0] == name]

    # -- what it is told --

    async def send(self, frame: AudioFrame) -> None:
        await self._check()
        self.frames.append(type(frame)(frame.samples.copy(), frame.sample_rate, frame.position))
        start, self._sent = self._sent, self._sent + len(frame)
        audible = peak(frame.samples) >= AUDIBLE
        self._said = self._said or audible
        if self._model.detects_turns:
            self._detect(start, audible)
        elif audible:
            self._speech = (self._speech[0] if self._speech else start, self._sent)

    async def commit(self, number: int) -> None:
        await self._note("commit", number)
        self._transcribe(number)

    async def respond(self, request: int, instructions: str = "") -> None:
        await self._note("respond", request, instructions)
        if self._said:
            self._transcribe(0)
        self._answer(request)

    async def say(self, request: int, text: str) -> None:
        await self._note("say", request, text)
        self._speak(request, text, remembered=False)

    async def cancel(self, response: str) -> None:
        await self._note("cancel", response)
        if not self._running.pop(response, False):
            return
        if self._model.strikes(S2SFault.IGNORES_CANCEL):
            return
        self._due = deque(each for each in self._due if getattr(each[1], "response", "") != response)
        self._give(s2s.ResponseDone(response, s2s.ResponseOutcome.CANCELLED))
        if self._model.strikes(S2SFault.AUDIO_AFTER_CANCEL):
            self._give(s2s.ResponseAudio(response, self._frame("boo", 0)))
            self._give(s2s.ResponseText(response, "boo "))

    async def truncate(self, response: str, samples: int) -> None:
        await self._note("truncate", response, samples)

    async def add(self, message: CallerMessage | AssistantMessage) -> None:
        await self._note("add", message)
        self.memory.append(message.text)

    async def send_result(self, result: ToolMessage) -> None:
        await self._note("send_result", result)
        self.memory.append(result.text)

    async def update(self, instructions: str, tools: Sequence[ToolSpec]) -> None:
        await self._note("update", instructions, tuple(tools))
        self.setup = S2SSetup(instructions, tuple(tools), self.setup.history, self.setup.language)

    async def _note(self, *command: object) -> None:
        await self._check()
        self.commands.append(command)

    async def _check(self) -> None:
        if self.closed:
            raise ClosedError("this stream was closed; open a new one")
        if self._broken is not None:
            raise self._broken
        if self._model.strikes(S2SFault.NEVER_READS):
            await self._loop.create_future()

    # -- what it tells --

    async def receive(self) -> s2s.S2SEvent:
        while True:
            if self.closed:
                raise ClosedError("this stream was closed")
            if self._due and self._due[0][0] <= self._loop.time():
                event = self._due.popleft()[1]
                if isinstance(event, Exception):
                    self._broken = event
                    raise event
                self._running.pop(event.response, None) if isinstance(event, s2s.ResponseDone) else None
                return cast("s2s.S2SEvent", event)
            await self._wait(self._due[0][0] if self._due else None)

    async def aclose(self) -> None:
        self.closed = True
        self._changed.set()
        if self._model.strikes(S2SFault.HANGS_AT_CLOSE):
            await self._loop.create_future()

    async def _wait(self, due: float | None) -> None:
        self._changed.clear()
        try:
            async with asyncio.timeout_at(due):
                await self._changed.wait()
        except TimeoutError:
            return

    def _give(self, event: object, after: float = 0.0) -> None:
        twice = not isinstance(event, (s2s.ResponseAudio, s2s.ResponseText, Exception))
        for _ in range(1 + (twice and self._model.strikes(S2SFault.DUPLICATES))):
            self._due.append((self._loop.time() + after, event))
        self._due = deque(sorted(self._due, key=lambda each: each[0]))
        self._changed.set()

    def _frame(self, text: str, position: int) -> AudioFrame:
        return AudioFrame(self._model.audio_of(text), self._model.output_sample_rate, position)

    # -- hearing --

    def _detect(self, start: int, audible: bool) -> None:
        rate = self._model.input_sample_rate
        if audible:
            if self._speech is None:
                self._started_at = start
                self._give(s2s.SpeechStarted(start / rate))
            self._speech = (self._started_at, self._sent)
        elif self._speech is not None and self._sent - self._speech[1] >= self._model.ends_after * rate:
            if self._model.strikes(S2SFault.NO_SPEECH_STOP):
                return
            self._give(s2s.SpeechStopped(self._speech[1] / rate))
            self._give(s2s.TurnEnded())
            self._transcribe(0)
            if self._model.responds_by_itself:
                self._answer(0)

    def _transcribe(self, commit: int) -> None:
        rate, speech, said = self._model.input_sample_rate, self._speech, self._said
        self._speech, self._said = None, False
        text = self._model.next_heard() if said else ""
        if text:
            self.memory.append(text)
        if not self._model.transcribes or self._model.strikes(S2SFault.NO_TRANSCRIPT):
            return
        start, end = (None, None) if speech is None else (speech[0] / rate, speech[1] / rate)
        self._transcripts += 1
        transcript = s2s.InputTranscript(text, True, commit, start, end, f"i{self._transcripts}")
        if self._held is not None:
            held, self._held = self._held, None
            self._give(transcript, self._model.transcript_delay)
            self._give(held, self._model.transcript_delay)
        elif self._model.strikes(S2SFault.SWAPS_TRANSCRIPTS):
            self._held = transcript
        else:
            self._give(transcript, self._model.transcript_delay)

    # -- answering --

    def _answer(self, request: int) -> None:
        if self._model.strikes(S2SFault.NO_RESPONSE):
            return
        if self._model.strikes(S2SFault.REFUSES):
            self._give(s2s.ErrorReported("the script says that it is refused", request), self._model.delay)
            return
        answer = self._model.next_answer(self.memory[-1] if self.memory else "")
        self._speak(request, answer, remembered=True)

    def _speak(self, request: int, answer: S2SAnswer, *, remembered: bool) -> None:
        model, at = self._model, self._model.delay
        self._responses += 1
        name = f"r{self._responses}"
        self._running[name] = True
        if model.strikes(S2SFault.ERRORS):
            self._give(s2s.ErrorReported("the script says that something went wrong"), at)
        if model.strikes(S2SFault.UNKNOWN):
            self._give(object(), at)
        self._give(s2s.ResponseStarted(name, request), at)
        if model.strikes(S2SFault.MUTE):
            return
        steps = (answer,) if isinstance(answer, (str, ToolCall)) else answer
        for step in steps:
            if isinstance(step, ToolCall):
                self._give(s2s.FunctionCalled(name, step), at)
            elif step:
                at = self._give_speech(name, step, at)
                if remembered:
                    self.memory.append(step)
        if self._broken_off(at):
            return
        if model.usage is not None:
            self._give(s2s.UsageReported(model.usage), at)
        if not model.strikes(S2SFault.NO_DONE):
            self._give(s2s.ResponseDone(name), at)

    def _give_speech(self, name: str, text: str, at: float) -> float:
        """Give words and audio from `at` seconds on; return when the last is due."""
        model = self._model
        rate = 8000 if model.strikes(S2SFault.WRONG_RATE) else model.output_sample_rate
        audio, size = model.audio_of(text), round(0.1 * model.output_sample_rate)
        parts = [audio[start : start + size] for start in range(0, len(audio), size)]
        early = model.faults.get(S2SFault.DROPS_EARLY)
        halves = (S2SFault.FAILS, S2SFault.DROPS, S2SFault.CLOSES)
        if any(model.faults.get(fault) for fault in halves):
            parts = parts[: len(parts) // 2]
        elif early or model.strikes(S2SFault.NO_AUDIO):
            parts = []
        late = model.strikes(S2SFault.REORDERS)
        words = [] if early else [s2s.ResponseText(name, f"{word} ") for word in text.split()]
        if model.strikes(S2SFault.STRAY):
            self._give(s2s.ResponseAudio("stray", self._frame("boo", 0)), at)
            self._give(s2s.ResponseText("stray", "boo "), at)
            self._give(s2s.ResponseDone("stray"), at)
        for word in () if late else words:
            self._give(word, at)
        for number, part in enumerate(parts):
            at += model.part_delay if number else 0.0
            self._give(s2s.ResponseAudio(name, AudioFrame(part, rate, number * size)), at)
        if late:
            self._give(s2s.ResponseDone(name), at)
        for word in words if late else ():
            self._give(word, at)
        return at

    def _broken_off(self, at: float) -> bool:
        """Break the response off, where the script says so."""
        model = self._model
        if model.strikes(S2SFault.FAILS):
            name = next(reversed(self._running))
            self._give(
                s2s.ResponseDone(name, s2s.ResponseOutcome.FAILED, "the script says that it fails"), at
            )
        elif model.strikes(S2SFault.DROPS) or model.strikes(S2SFault.DROPS_EARLY):
            self._give(ProviderError("the script says that the stream broke down", retryable=True), at)
        elif model.strikes(S2SFault.CLOSES):
            self._give(ClosedError("the vendor closed the stream"), at)
        else:
            return False
        return True
