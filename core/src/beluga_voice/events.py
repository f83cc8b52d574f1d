"""What has happened: the closed set of events.

An event is a fact with a time, `at`, in seconds of the session's one clock. There are three families:

* `Observed` events come from outside (the caller, providers, the playout, timers, the application) and are what
  the turn-taking engine decides by;
* `Decided` events say what the engine has decided; they are announced to whoever observes the session and never
  fed back;
* `Reported` events are told by the session itself, beside the engine.

Turns are numbered from 1. Utterances have one number space: replies count up from 1, each `say` counts down from
-1, so that engine and session can number without asking each other. A number that is not current any more marks an
event as stale.
"""

from __future__ import annotations

from dataclasses import dataclass
from enum import StrEnum

from beluga_voice.words import Interruption


class SessionState(StrEnum):
    """What the caller sees of a session."""

    INITIAL = "initial"
    LISTENING = "listening"
    PROCESSING = "processing"
    SPEAKING = "speaking"
    AWAY = "away"
    ENDED = "ended"


class Source(StrEnum):
    """Who speaks in an utterance."""

    REPLY = "reply"
    SAY = "say"


class WhileCallerSpeaks(StrEnum):
    """What a `say` does when the caller is speaking as it is asked for."""

    WAIT = "wait"
    SPEAK = "speak"
    DROP = "drop"


class Outcome(StrEnum):
    """How an utterance ended."""

    PLAYED = "played"
    CUT = "cut"
    FAILED = "failed"


class ToolOutcome(StrEnum):
    """How a tool call ended."""

    DONE = "done"
    FAILED = "failed"
    """The tool raised, its arguments were wrong, or there is no such tool."""

    TIMEOUT = "timeout"
    CANCELLED = "cancelled"
    """The session ended before, or it was not begun any more when the caller cut the reply."""

    RUNNING = "running"
    """It has not ended: the caller cut the reply, and the tool goes on."""


class EndReason(StrEnum):
    """Why a session ended."""

    STOPPED = "stopped"
    TIMEOUT = "timeout"
    END_OF_INPUT = "end_of_input"
    ERROR = "error"


class TimerName(StrEnum):
    """The engine's timers; at most one of each name runs."""

    ENDPOINT = "endpoint"
    TRANSCRIPT = "transcript"
    TURN_LIMIT = "turn_limit"
    PAUSE = "pause"
    BARGE_IN = "barge_in"
    UNDECIDED = "undecided"
    FALSE_BARGE_IN = "false_barge_in"
    FIRST_TEXT = "first_text"
    FIRST_AUDIO = "first_audio"
    STALL = "stall"
    DTMF = "dtmf"
    INTERIM = "interim"
    AWAY = "away"
    SESSION = "session"


@dataclass(frozen=True, slots=True)
class Event:
    """Something that has happened, `at` seconds on the session's clock."""

    at: float


class Observed(Event):
    """An event from outside, which the engine decides by."""

    __slots__ = ()


class Decided(Event):
    """An event that says what the engine decided."""

    __slots__ = ()


class Reported(Event):
    """An event that the session tells of, and that decides nothing."""

    __slots__ = ()


# -- observed: the session's life --


@dataclass(frozen=True, slots=True)
class SessionStarted(Observed):
    """The session's providers are open; it begins to listen."""


@dataclass(frozen=True, slots=True)
class StopRequested(Observed):
    """The session shall end; with `drain`, what plays and what is protected is played out first."""

    drain: bool = False
    reason: EndReason = EndReason.STOPPED


@dataclass(frozen=True, slots=True)
class TimerFired(Observed):
    """A timer that was set to `due` has fired; stale if the timer was set anew or cleared since."""

    timer: TimerName
    due: float


# -- observed: the caller --


@dataclass(frozen=True, slots=True)
class SpeechStarted(Observed):
    """The VAD found speech.

    Attributes:
        start: when the sound began; before `at` by the detection delay.
        position: the first sample of the sound in the caller's audio.
        after_question: the sentence that was being heard at `start` ends with a question mark.
    """

    start: float
    position: int
    after_question: bool = False


@dataclass(frozen=True, slots=True)
class SpeechStopped(Observed):
    """The VAD found the end of speech; `end` is when the sound ended."""

    end: float


@dataclass(frozen=True, slots=True)
class TranscriptReceived(Observed):
    """The STT recognised words.

    Attributes:
        transcript: numbers the transcripts of the session.
        text: the words; may be empty.
        final: whether they can no longer change. An interim replaces the interim before it.
        kind: what they amount to over the agent's speech, by the interruption classifier.
        start: when the first was said, None if the STT does not tell.
        end: when the last ended, None if the STT does not tell.
        answers: the number of the `Finalize` command that this answers, else None.
        after_question: the sentence being heard at `start` ends with a question mark.
        end_of_turn: whether the STT takes the turn for complete with these words; None if it does not judge that.
        echo: these words, in this order, were heard from the agent in the last 3 s.
    """

    transcript: int
    text: str
    final: bool
    kind: Interruption
    start: float | None = None
    end: float | None = None
    answers: int | None = None
    after_question: bool = False
    end_of_turn: bool | None = None
    echo: bool = False


@dataclass(frozen=True, slots=True)
class TurnPredicted(Observed):
    """The turn detector judged the open turn.

    Attributes:
        request: the number of the `PredictTurn` command that this answers; stale if a newer one was given.
        probability: that the turn is complete, 0 to 1; None if the detector failed.
    """

    request: int
    probability: float | None


@dataclass(frozen=True, slots=True)
class TextReceived(Observed):
    """The caller, or the application in the caller's name, wrote `text`."""

    text: str


@dataclass(frozen=True, slots=True)
class DtmfReceived(Observed):
    """The caller pressed a key of the telephone.

    Attributes:
        text: all keys since the last ones that were complete, this one too; without the ``#`` that ends them.
        ends: no key is to follow: it was ``#``, or there are too many.
    """

    text: str
    ends: bool = False


# -- observed: the agent's side --


@dataclass(frozen=True, slots=True)
class SayRequested(Observed):
    """The application wants something said.

    Attributes:
        utterance: the number under which it will be known.
        interruptible: whether the caller may cut it.
        priority: higher plays first; equal ones in the order of asking.
        while_caller_speaks: what to do if the caller is speaking now.
        inside: the live reply whose tool asks, and which it does not wait for; 0 if none.
    """

    utterance: int
    interruptible: bool = True
    priority: int = 0
    while_caller_speaks: WhileCallerSpeaks = WhileCallerSpeaks.WAIT
    inside: int = 0


@dataclass(frozen=True, slots=True)
class CutRequested(Observed):
    """The application takes an utterance back: its handle was cancelled."""

    utterance: int


@dataclass(frozen=True, slots=True)
class TextAwaited(Observed):
    """All text of an utterance so far has been synthesised, and the agent owes more or the end."""

    utterance: int


@dataclass(frozen=True, slots=True)
class AudioAwaited(Observed):
    """A piece of an utterance was given to the TTS, which owes its audio."""

    utterance: int


@dataclass(frozen=True, slots=True)
class AudioReceived(Observed):
    """The TTS gave the first audio of the piece it was given."""

    utterance: int


@dataclass(frozen=True, slots=True)
class SynthesisFinished(Observed):
    """All audio of an utterance is with the playout; nothing was given at all if `empty`."""

    utterance: int
    empty: bool = False


@dataclass(frozen=True, slots=True)
class UtteranceFailed(Observed):
    """Agent or TTS failed; what they gave before is with the playout."""

    utterance: int
    error: str


@dataclass(frozen=True, slots=True)
class ToolStarted(Observed):
    """A tool runs for a reply, which owes no text meanwhile.

    Attributes:
        tool: numbers the tool calls of the session.
        name: the tool's.
        timeout: seconds after which it is cancelled.
    """

    utterance: int
    tool: int
    name: str
    timeout: float


@dataclass(frozen=True, slots=True)
class ToolFinished(Observed):
    """A tool has ended; its reply may have been cut before.

    Attributes:
        tool: the number that it was started with.
        name: the tool's.
        outcome: how.
    """

    utterance: int
    tool: int
    name: str
    outcome: ToolOutcome


@dataclass(frozen=True, slots=True)
class PlayoutStarted(Observed):
    """The first sample of an utterance was heard."""

    utterance: int


@dataclass(frozen=True, slots=True)
class PlayoutStarved(Observed):
    """All audio there is of an utterance was heard, and more is owed."""

    utterance: int


@dataclass(frozen=True, slots=True)
class PlayoutContinued(Observed):
    """A starved utterance is heard again."""

    utterance: int


@dataclass(frozen=True, slots=True)
class PlayoutFinished(Observed):
    """The last sample of an utterance was heard."""

    utterance: int


# -- decided --


@dataclass(frozen=True, slots=True)
class StateChanged(Decided):
    """The session's state changed."""

    old: SessionState
    new: SessionState


@dataclass(frozen=True, slots=True)
class TurnOpened(Decided):
    """The caller began a turn, or took up `turn` again when it had closed."""

    turn: int


@dataclass(frozen=True, slots=True)
class TurnClosed(Decided):
    """The caller's turn is over and will be answered.

    Attributes:
        text: the caller's words.
        transcripts: the numbers of the finals that `text` is made of.
        speech_end: when the caller's last sound ended.
        limit: the turn was closed by its limit, not by a pause.
    """

    turn: int
    text: str
    transcripts: tuple[int, ...]
    speech_end: float
    limit: bool = False


@dataclass(frozen=True, slots=True)
class DtmfEntered(Decided):
    """The caller has pressed the keys `text`, and no more for now."""

    text: str


@dataclass(frozen=True, slots=True)
class TurnDropped(Decided):
    """The caller's turn ended without anything to answer; `reason` says why."""

    turn: int
    reason: str


@dataclass(frozen=True, slots=True)
class BackchannelHeard(Decided):
    """The caller showed that they listen; it makes no turn."""

    transcript: int
    text: str


@dataclass(frozen=True, slots=True)
class TranscriptDropped(Decided):
    """A final was not used; `reason` says why."""

    transcript: int
    text: str
    reason: str


@dataclass(frozen=True, slots=True)
class TurnCommitted(Decided):
    """Words that were in no closed turn when the session ended are kept, without a reply."""

    turn: int
    text: str
    transcripts: tuple[int, ...]


@dataclass(frozen=True, slots=True)
class ReplyStarted(Decided):
    """The agent was asked to answer `turn`; with `preemptive` before it closed, and the reply may be dropped."""

    turn: int
    utterance: int
    preemptive: bool = False


@dataclass(frozen=True, slots=True)
class ReplyKept(Decided):
    """`turn` has closed, and the preemptive reply `utterance` is the one to it."""

    turn: int
    utterance: int


@dataclass(frozen=True, slots=True)
class UtterancePaused(Decided):
    """The caller speaks over an utterance: it is silent until it is decided what that means."""

    utterance: int


@dataclass(frozen=True, slots=True)
class UtteranceDucked(Decided):
    """The caller speaks over an utterance: it goes on at a lower level until it is decided what that means."""

    utterance: int


@dataclass(frozen=True, slots=True)
class UtteranceResumed(Decided):
    """It was no barge-in: the utterance goes on at the same sample, at full level; `reason` says what it was."""

    utterance: int
    reason: str


@dataclass(frozen=True, slots=True)
class BargeIn(Decided):
    """The caller took the floor: `utterance` is cut; `reason` says by what."""

    utterance: int
    reason: str


@dataclass(frozen=True, slots=True)
class UtteranceEnded(Decided):
    """An utterance is over.

    Attributes:
        source: a reply, or a `say`.
        outcome: played, cut or failed.
        heard: the words that the caller heard.
        unheard: the words that the agent gave and the caller did not hear.
        reason: why, unless it was played.
    """

    utterance: int
    source: Source
    outcome: Outcome
    heard: str = ""
    unheard: str = ""
    reason: str = ""


@dataclass(frozen=True, slots=True)
class SessionEnded(Decided):
    """The session is over."""

    reason: EndReason


# -- reported --


@dataclass(frozen=True, slots=True)
class SessionOpened(Reported):
    """All streams and the line of a session are open, or one could not be opened, and the session did not start.

    Attributes:
        duration: seconds that it took.
        error: why it could not; empty if it could.
    """

    duration: float
    error: str = ""


@dataclass(frozen=True, slots=True)
class TextStarted(Reported):
    """The agent gave the first text of an utterance; it may not be enough to be spoken yet."""

    utterance: int


@dataclass(frozen=True, slots=True)
class ModelAnswered(Reported):
    """A language model, or a speech-to-speech model, ended one answer; a reply with tools takes several.

    Attributes:
        utterance: the reply that it is for; 0 if for none.
        agent: who asked, by name; empty if it has none.
        provider: whose model it is.
        model: its name; empty if it is not known.
        started: when it was asked.
        first: when the first of its answer came; None if nothing did.
        chunks: pieces of text that it came in.
        input_tokens: all that was read, `cached_tokens` and `audio_input_tokens` included.
        output_tokens: all that was written, `audio_output_tokens` included.
        cached_tokens: of what was read, what the vendor had kept from before.
        audio_input_tokens: of what was read, those of audio.
        audio_output_tokens: of what was written, those of audio.
        finish: why it ended; ``cut`` if nobody wanted more, ``error`` if it failed.
        error: the class of what it failed by; empty if it did not.
    """

    utterance: int
    agent: str
    provider: str
    model: str
    started: float
    first: float | None = None
    chunks: int = 0
    input_tokens: int = 0
    output_tokens: int = 0
    cached_tokens: int = 0
    audio_input_tokens: int = 0
    audio_output_tokens: int = 0
    finish: str = ""
    error: str = ""


@dataclass(frozen=True, slots=True)
class TextGiven(Reported):
    """The agent gave a piece of an utterance, which is now being synthesised; it was not yet heard.

    Attributes:
        text: as the agent wrote it; the pieces of an utterance, joined, are all of its text.
        characters: how many the TTS is given for it; 0 where there is nothing to be spoken.
    """

    utterance: int
    text: str
    characters: int = 0


@dataclass(frozen=True, slots=True)
class ProviderFailed(Reported):
    """A provider failed; what came of it, later events tell.

    Attributes:
        kind: its contract, as in ``stt``.
        error: what it said.
        fatal: the session cannot go on without it.
    """

    kind: str
    error: str
    fatal: bool = False


@dataclass(frozen=True, slots=True)
class ProviderSwitched(Reported):
    """Another provider of a fallback does the work from now on.

    Attributes:
        kind: the contract, as in ``stt``.
        old: the provider that did it before, by its name in the settings.
        new: the one that does it now.
        reason: what befell the old one; empty if the new one is preferred, and well again.
    """

    kind: str
    old: str
    new: str
    reason: str = ""


@dataclass(frozen=True, slots=True)
class TurnMeasured(Reported):
    """The first sample of the reply to a turn was heard, and this is where the silence before it went.

    The segments are seconds, follow each other without gap, and sum to `silence`.

    Attributes:
        turn: the caller's.
        utterance: the reply.
        speech_end: when the caller's last sound ended.
        detection: until the VAD had found the end of the sound.
        endpoint: until the endpoint delay was over.
        transcript: until the last words had come; only what they took beyond the delay.
        agent: until the agent's first text, without its tools.
        tool: within that, and until the first sentence, while a tool ran.
        sentence: until there was enough text to speak.
        tts: until the first audio of it.
        playout: until its first sample was heard.
        speaking: while something else of the agent's was heard in between, which was no silence.
    """

    turn: int
    utterance: int
    speech_end: float
    detection: float = 0.0
    endpoint: float = 0.0
    transcript: float = 0.0
    agent: float = 0.0
    tool: float = 0.0
    sentence: float = 0.0
    tts: float = 0.0
    playout: float = 0.0
    speaking: float = 0.0

    @property
    def silence(self) -> float:
        """The silence that the caller heard, in seconds."""
        return (
            self.detection
            + self.endpoint
            + self.transcript
            + self.agent
            + self.tool
            + self.sentence
            + self.tts
            + self.playout
        )


@dataclass(frozen=True, slots=True)
class UsageMeasured(Reported):
    """What a session has used of its providers, told right before it ends.

    Attributes:
        stt_seconds: of audio that the STT was given.
        tts_characters: that the TTS was given.
        input_tokens: that models read, cached ones and those of audio included.
        output_tokens: that models wrote, those of audio included.
        cached_tokens: of those read, what vendors had kept from before.
        audio_input_tokens: of those read, those of audio.
        audio_output_tokens: of those written, those of audio.
        cost: by the session's prices, in `currency`; None if it has none.
        currency: the prices', ISO 4217.
    """

    stt_seconds: float = 0.0
    tts_characters: int = 0
    input_tokens: int = 0
    output_tokens: int = 0
    cached_tokens: int = 0
    audio_input_tokens: int = 0
    audio_output_tokens: int = 0
    cost: float | None = None
    currency: str = ""
