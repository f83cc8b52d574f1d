"""Plays a scene: a real session between fakes that know the script, on the virtual clock."""

from __future__ import annotations

import asyncio
import re
from collections import deque
from dataclasses import dataclass, field, fields
from functools import cache

import numpy as np

from beluga_voice import Agent
from beluga_voice import commands as do
from beluga_voice import events as ev
from beluga_voice.audio import AudioFrame
from beluga_voice.clock import run_virtual
from beluga_voice.contracts import (
    STT,
    AssistantMessage,
    CallerMessage,
    Listens,
    NoiseSuppressor,
    NoiseSuppressorStream,
    STTStream,
    Transcript,
    Turn,
)
from beluga_voice.contracts import Agent as AgentContract
from beluga_voice.conversation import Message, Role
from beluga_voice.errors import ClosedError, ProviderError
from beluga_voice.events import WhileCallerSpeaks
from beluga_voice.session import SessionConfig, VoiceSession
from beluga_voice.session.handle import SayHandle
from beluga_voice.testing import (
    LLMRequest,
    LoopbackTransport,
    ScriptedAgent,
    ScriptedLLM,
    ScriptedTTS,
    ScriptedTurnDetector,
    ScriptedVAD,
    tool_call,
)
from beluga_voice.testing.script import outline
from beluga_voice.turns import TurnPolicy

from .screenplay import Act, Scene

RATE = 16000
FRAME = 320
VOICE_RATE = 8000
AFTER = 30.0
"""Seconds after its end in which nothing more of a session may be told or heard."""


@cache
def caller_audio(seconds: int) -> np.ndarray:
    """Audio in which each sample tells its position."""
    return (np.arange(seconds * RATE) % 30011 - 15000).astype(np.int16)


# -- the recognizer --


@dataclass
class _Heard:
    """Words of the caller on their way through the recognizer."""

    act: Act
    words: list[str]
    first: int = 0
    given: int = 0

    @property
    def done(self) -> bool:
        return self.first == len(self.words)

    @property
    def fresh(self) -> int:
        """How many words are not in a final."""
        return self.given - self.first

    def time_of(self, index: int) -> float:
        """When the word of that index begins, and the one before ends."""
        return self.act.at + (self.act.end - self.act.at) * index / len(self.words)


class Ear(STT):
    """Hears the words of the script once their audio has come, with what the script has befall them.

    ``late 1.5`` delays a final, ``twice`` gives it again, ``never`` gives none and answers no request for it;
    ``early`` gives the final by itself as the words end; ``heard as`` has other words in the interims; ``mute``
    has no interims; ``untimed`` leaves out the times; ``ends`` and ``goes on`` judge whether the turn ends.
    """

    def __init__(self, scene: Scene) -> None:
        setting, number = scene.setting, scene.number
        self.delay = number("stt", "delay", 0.1)
        self.interim_results = setting("stt", "interims", "yes") == "yes"
        self.finalizes = setting("stt", "finalizes", "yes") == "yes"
        self.ends_after = number("stt", "ends after", 0.3)
        self.p99_delay = number("stt", "p99", 0.0)
        self.listens = Listens.ALL if setting("stt", "listens", "speech") == "all" else Listens.SPEECH
        self.word_timestamps = False
        self.fails_at = number("stt", "fails at", 0.0)
        self.dies = setting("stt", "dies", "no") == "yes"
        self.heard = [
            _Heard(act, act.text.split()) for act in scene.acts if act.kind == "caller" and act.text
        ]
        self.streams: list[EarStream] = []

    async def open_stream(self) -> EarStream:
        self.streams.append(EarStream(self))
        return self.streams[-1]

    async def aclose(self) -> None:
        """Keeps nothing."""


class EarStream(STTStream):
    """One stream of an `Ear`."""

    def __init__(self, ear: Ear) -> None:
        self.frames: list[AudioFrame] = []
        self.closed = False
        self._ear = ear
        self._loop = asyncio.get_running_loop()
        self._due: deque[tuple[float, Transcript]] = deque()
        self._last = 0.0
        self._more = asyncio.Event()
        self._sent = 0
        self._spans: list[tuple[int, int, int]] = []
        for heard in ear.heard:
            heard.given = heard.first  # what a stream that broke down has not made final is to be heard again

    async def send(self, frame: AudioFrame) -> None:
        self.send_nowait(frame)

    def send_nowait(self, frame: AudioFrame) -> bool:
        if self.closed:
            raise ClosedError("this stream was closed")
        if self._broken(frame):
            raise ProviderError("the script says that it breaks down", retryable=not self._ear.dies)
        self.frames.append(AudioFrame(frame.samples.copy(), RATE, frame.position))
        end = frame.position + len(frame)
        if self._spans and self._spans[-1][1] == frame.position:
            self._spans[-1] = (self._spans[-1][0], end, self._spans[-1][2])
        else:
            self._spans.append((frame.position, end, self._sent))
        self._sent += len(frame)
        self._hear(end / RATE)
        return True

    def _broken(self, frame: AudioFrame) -> bool:
        ear = self._ear
        breaks = bool(ear.fails_at) and frame.position >= ear.fails_at * RATE
        return breaks and (ear.dies or len(ear.streams) == 1)

    def _hear(self, now: float) -> None:
        """Give what the audio up to `now` holds."""
        for heard in self._ear.heard:
            if heard.done or heard.act.at > now:
                continue
            while heard.given < len(heard.words) and heard.time_of(heard.given + 1) <= now + 1e-9:
                heard.given += 1
                if not heard.fresh - 1 and heard.time_of(heard.given) * RATE <= self._spans[-1][0]:
                    heard.first = heard.given  # its audio was not sent
                elif self._ear.interim_results and heard.act.option("mute") is None:
                    self._give_interim(heard)
            if heard.given == len(heard.words) and heard.fresh:
                silent = now - heard.act.end >= self._ear.ends_after - 1e-9
                if heard.act.option("early") is not None or (not self._ear.finalizes and silent):
                    self._give_final([heard], answers=False)

    def _give_interim(self, heard: _Heard) -> None:
        other = heard.act.option("heard as")
        words = heard.words if other is None else other.split()
        text = " ".join(words[heard.first : heard.given])
        start, end = self._times(heard)
        self._give(Transcript(text, final=False, start=start, end=end, end_of_turn=self._judged(heard)))

    async def finalize(self) -> None:
        if not self._ear.finalizes:
            return
        ready = [heard for heard in self._ear.heard if heard.fresh]
        self._give_final(ready, answers=True)

    def _give_final(self, ready: list[_Heard], *, answers: bool) -> None:
        text = " ".join(word for heard in ready for word in heard.words[heard.first : heard.given])
        start = self._times(ready[0])[0] if ready else None
        end = self._times(ready[-1])[1] if ready else None
        late = max((float(heard.act.option("late") or 0) for heard in ready), default=0.0)
        judged = self._judged(ready[-1]) if ready else None
        for heard in ready:
            heard.first = heard.given
        if any(heard.act.option("never") is not None for heard in ready):
            return
        final = Transcript(text, True, start, end, answers_finalize=answers, end_of_turn=judged)
        self._give(final, late)
        if any(heard.act.option("twice") is not None for heard in ready):
            self._give(Transcript(text, True, start, end, end_of_turn=judged), late + 0.05)

    def _judged(self, heard: _Heard) -> bool | None:
        if heard.act.option("ends") is not None:
            return heard.given == len(heard.words)
        return False if heard.act.option("goes on") is not None else None

    def _times(self, heard: _Heard) -> tuple[float | None, float | None]:
        if heard.act.option("untimed") is not None:
            return None, None
        return self._seconds(heard.time_of(heard.first)), self._seconds(heard.time_of(heard.given))

    def _seconds(self, at: float) -> float:
        """When `at` is in the audio of this stream."""
        position = round(at * RATE)
        for start, end, sent in reversed(self._spans):
            if start <= position:
                return (sent + min(position, end) - start) / RATE
        return 0.0

    def _give(self, transcript: Transcript, late: float = 0.0) -> None:
        due = self._loop.time() + self._ear.delay + late
        self._last = max(self._last, due)  # transcripts come in the order of the speech
        self._due.append((self._last, transcript))
        self._more.set()

    async def receive(self) -> Transcript:
        while True:
            if self.closed:
                raise ClosedError("this stream was closed")
            due = self._due[0][0] if self._due else None
            if due is not None and due <= self._loop.time():
                return self._due.popleft()[1]
            self._more.clear()
            try:
                async with asyncio.timeout_at(due):
                    await self._more.wait()
            except TimeoutError:
                continue

    async def aclose(self) -> None:
        self.closed = True
        self._more.set()


# -- the others --


class Line(LoopbackTransport):
    """A line of which it is known what was on the air with each frame."""

    def __init__(self, log: Log) -> None:
        super().__init__(output_sample_rate=VOICE_RATE)
        self._log = log

    def send_nowait(self, frame: AudioFrame) -> None:
        super().send_nowait(frame)
        self._log.sent.append((self._log.on_air, self._log.ducked, frame.samples))

    @property
    def receiver(self) -> object:
        return self._receiver


class Canceller(NoiseSuppressor):
    """Says that it takes the agent's voice out, and changes nothing."""

    cancels_echo = True

    def open_stream(self) -> NoiseSuppressorStream:
        return _Cancelling()

    async def aclose(self) -> None:
        """Keeps nothing."""


class _Cancelling(NoiseSuppressorStream):
    def process(self, frame: AudioFrame, played: AudioFrame | None) -> AudioFrame:
        return frame

    def close(self) -> None:
        """Keeps nothing."""


class OneAtATime(ScriptedAgent):
    """A scripted agent that holds that no two of its replies live at once."""

    def __init__(self, *arguments: object, **more: object) -> None:
        super().__init__(*arguments, **more)  # type: ignore[arg-type]
        self.living = 0
        self.most = 0

    async def reply(self, turn: Turn):  # type: ignore[no-untyped-def]
        self.living += 1
        self.most = max(self.most, self.living)
        try:
            async for text in super().reply(turn):
                yield text
        finally:
            self.living -= 1


# -- what is noted --


@dataclass(repr=False)
class Log:
    """What was decided, said and sent, as far as it can be told."""

    lines: list[tuple[float, str]] = field(default_factory=list)
    commands: list[tuple[float, do.Command]] = field(default_factory=list)
    events: list[ev.Event] = field(default_factory=list)
    sent: list[tuple[int, bool, np.ndarray]] = field(default_factory=list)
    on_air: int = 0
    ducked: bool = False

    def decided(self, event: ev.Observed, commands: object) -> None:
        assert isinstance(commands, (list, tuple))
        self.commands += [(event.at, command) for command in commands]
        for command in commands:
            if isinstance(command, do.Play):
                self.on_air, self.ducked = command.utterance, False
            elif isinstance(command, (do.Duck, do.Resume)):
                self.ducked = isinstance(command, do.Duck)
            elif isinstance(command, do.EndUtterance) and command.utterance == self.on_air:
                self.ducked = False
        self.lines += [(event.at, line) for line in outline(list(commands))]

    def told(self, event: ev.Event) -> None:
        self.events.append(event)
        self.lines += [(event.at, line) for line in _told(event)]


def _told(event: ev.Event) -> list[str]:
    match event:
        case ev.PlayoutStarted(utterance=n):
            return [f"sounds {n}"]
        case ev.UtteranceEnded(utterance=n, heard=heard, unheard=unheard):
            return [_line("heard", n, heard), *([_line("unheard", n, unheard)] if unheard else [])]
        case ev.ToolStarted(name=name):
            return [f"tool {name} starts"]
        case ev.ToolFinished(name=name, outcome=outcome):
            return [f"tool {name} {outcome}"]
        case ev.ProviderFailed(kind=kind, error=error):
            return [f"failed {kind}: {error}"]
        case ev.TextGiven(utterance=n, text=text):
            return [_line("text", n, text)]
    return []


def _line(what: str, utterance: int, text: str) -> str:
    return f"{what} {utterance}: {' '.join(text.split())}".rstrip()


@dataclass(repr=False)
class Played:
    """A scene as it was played."""

    scene: Scene
    log: Log
    session: VoiceSession
    agent: AgentContract | None
    stt: Ear
    tts: ScriptedTTS
    line: Line
    handles: list[SayHandle]
    ended: float = 0.0
    left: list[str] = field(default_factory=list)
    events_at_end: int = 0

    @property
    def states(self) -> list[str]:
        """All states, without `initial` and `ended`."""
        seen = [e.new for e in self.log.events if isinstance(e, ev.StateChanged)]
        return [str(state) for state in seen if state is not ev.SessionState.ENDED]

    @property
    def history(self) -> list[str]:
        return [_message(message) for message in self.session.history]

    def told(self) -> str:
        """All that was decided, for whoever reads why it failed."""
        lines = "\n".join(f"  {at:7.3f} {line}" for at, line in self.log.lines)
        return f"{lines}\n  states {' '.join(self.states)}\n  history\n    " + "\n    ".join(self.history)


def _message(message: Message) -> str:
    role = "caller" if message.role is Role.CALLER else "agent"
    return f"{role}{' (cut)' if message.interrupted else ''}: {' '.join(message.text.split())}"


# -- the play --


def play(scene: Scene, *, seed: int | None = None) -> Played:
    """Play a scene from its start to what is left after its end."""
    return run_virtual(_play(scene), seed=seed)


async def _play(scene: Scene) -> Played:
    played = _set_up(scene)
    session, log = played.session, played.log
    session.on_decision(log.decided)
    session.on_event(log.told)
    vad = session._parts.vad
    if vad is not None:
        await vad.open()
    stage = Stage(scene, played)
    async with session:
        performing = [asyncio.create_task(stage.perform(act)) for act in scene.acts]
        speaking = asyncio.create_task(stage.speak())
        await asyncio.sleep(scene.length)
        for task in (*performing, speaking):
            task.cancel()
        done = await asyncio.gather(*performing, speaking, return_exceptions=True)
    for result in done:
        if isinstance(result, Exception):
            raise result
    played.ended = asyncio.get_running_loop().time()
    played.events_at_end = len(log.events)
    played.left = [task.get_name() for task in asyncio.all_tasks() if task is not asyncio.current_task()]
    await asyncio.sleep(AFTER)
    return played


class Stage:
    """Lets happen what the script says."""

    def __init__(self, scene: Scene, played: Played) -> None:
        self._scene = scene
        self._played = played

    async def speak(self) -> None:
        """Push the caller's audio until a while after the last sound of it."""
        sounds = [act.end for act in self._scene.acts if act.end]
        if not sounds:
            return
        quiet = self._scene.number("line", "goes on", 1.0)
        audio = caller_audio(int(max(sounds) + quiet) + 1)
        loop, line = asyncio.get_running_loop(), self._played.line
        for position in range(0, round((max(sounds) + quiet) * RATE), FRAME):
            await asyncio.sleep((position + FRAME) / RATE - loop.time())
            if line.receiver is None:
                return
            frame = AudioFrame(audio[position : position + FRAME], RATE, position)
            line.receiver.process_audio(frame)  # type: ignore[attr-defined]

    async def perform(self, act: Act) -> None:
        """Let one thing happen that is no sound."""
        await asyncio.sleep(act.at)
        session, line = self._played.session, self._played.line
        match act.kind:
            case "say":
                self._say(act)
            case "text":
                session.send_text(act.text)
            case "keys":
                line.press(act.text)
            case "cut":
                self._played.handles[int(act.text) - 1].cancel()
            case "stop":
                await session.stop(drain=act.option("drain") is not None)
            case "hang up":
                line.hang_up(ProviderError(act.text) if act.text else None)
            case "caller" | "noise" | "silence":
                pass
            case _:
                raise ValueError(f"{act.kind!r} cannot happen")

    def _say(self, act: Act) -> None:
        modes = [WhileCallerSpeaks(o) for o in act.options if o in ("wait", "speak", "drop")]
        handle = self._played.session.say(
            act.text,
            allow_interruptions=act.option("protected") is None,
            priority=int(act.option("priority") or 0),
            while_caller_speaks=modes[0] if modes else WhileCallerSpeaks.WAIT,
        )
        self._played.handles.append(handle)


def _set_up(scene: Scene) -> Played:
    log = Log()
    stt = Ear(scene)
    tts = ScriptedTTS(
        sample_rate=VOICE_RATE,
        word_duration=scene.number("tts", "word", 0.3),
        part_duration=scene.number("tts", "part", 0.1),
        delay=scene.number("tts", "delay", 0.0),
        part_delay=scene.number("tts", "part delay", 0.0),
        word_timestamps=scene.setting("tts", "timestamps", "no") == "yes",
        fails_after=_whole(scene, "fails after"),
        hangs_after=_whole(scene, "hangs after"),
        mute=scene.setting("tts", "mute", "no") == "yes",
    )
    line = Line(log)
    agent = _agent(scene)
    llm = _model(scene) if scene.tools else None
    session = VoiceSession(
        stt=stt,
        tts=tts,
        vad=_vad(scene),
        agent=agent,
        llm=llm,
        turn_detector=_detector(scene),
        noise_suppressor=Canceller() if scene.setting("line", "cancels", "") == "echo" else None,
        transport=line,
        config=_config(scene),
        turns=TurnPolicy(**_policy(scene)),  # type: ignore[arg-type]
    )
    return Played(scene, log, session, agent, stt, tts, line, [])


def _whole(scene: Scene, key: str) -> int | None:
    value = scene.setting("tts", key, "")
    return int(value) if value else None


def _config(scene: Scene) -> SessionConfig:
    given = dict(scene.settings.get("session", {}))
    ahead = float(given.pop("ahead", "10"))
    return SessionConfig(playout_ahead=ahead, session_id="scene", **given)


def _policy(scene: Scene) -> dict[str, object]:
    """Settings of the policy, of the types of its fields."""
    kinds = {spec.name: {"float": float, "int": int}.get(str(spec.type), str) for spec in fields(TurnPolicy)}
    given = {key.replace(" ", "_"): value for key, value in scene.settings.get("turns", {}).items()}
    return {key: kinds[key](value) for key, value in given.items()}


def _vad(scene: Scene) -> ScriptedVAD | None:
    if scene.setting("vad", "there", "") == "no" or scene.setting("vad", "none", "no") == "yes":
        return None
    spans = [
        (act.at, act.end, 0.9)
        for act in scene.acts
        if act.kind in ("caller", "noise") and act.option("unseen") is None
    ]
    delay = scene.number("vad", "delay", 0.0)
    return ScriptedVAD(spans, window_samples=FRAME, delay=delay)


def _detector(scene: Scene) -> ScriptedTurnDetector | None:
    if "detector" not in scene.settings:
        return None
    known = dict(scene.settings["detector"])
    delay, fails = float(known.pop("delay", "0.05")), known.pop("fails", "no") == "yes"
    return ScriptedTurnDetector({k: float(v) for k, v in known.items()}, delay=delay, fails=fails)


def _agent(scene: Scene) -> AgentContract | None:
    if scene.agent == [["(none) "]] or scene.agent == [["(none)"]]:
        return None
    if not scene.tools:
        replies = [[_fault(step) for step in reply] for reply in scene.agent]
        return OneAtATime(replies)
    agent: Agent[None] = Agent("Answer.")
    for name, options in scene.tools.items():
        _add_tool(agent, name, options)
    return agent


def _fault(step: str | float) -> str | float | Exception:
    return ProviderError("the script says so") if step == "(error)" else step


def _add_tool(agent: Agent[None], name: str, options: dict[str, str]) -> None:
    lasts = float(options.get("lasts", "0"))
    fails = options.get("fails", "no") == "yes"

    async def work() -> str:
        await asyncio.sleep(lasts)
        if fails:
            raise ValueError("it cannot be done")
        return "done"

    agent.tool(
        name=_identifier(name),
        description="Works.",
        timeout=float(options.get("timeout", "30")),
        effects=options.get("effects", "yes") == "yes",
        filler=options.get("filler", "").replace("_", " "),
    )(work)


def _identifier(name: str) -> str:
    return re.sub(r"\W+", "_", name)


def _model(scene: Scene) -> ScriptedLLM:
    """A model that answers each caller's message by the script, step by step as its tools answer."""

    def answer(request: LLMRequest) -> list[object]:
        asked = [i for i, m in enumerate(request.messages) if isinstance(m, CallerMessage)]
        rest = request.messages[asked[-1] :] if asked else ()
        step = sum(isinstance(m, AssistantMessage) and bool(m.calls) for m in rest)
        replies = scene.agent
        reply = replies[min(len(asked), len(replies)) - 1] if replies else [request.caller]
        parts = _answers(reply)
        return parts[min(step, len(parts) - 1)]

    return ScriptedLLM(answer)  # type: ignore[arg-type]


def _answers(reply: list[str | float]) -> list[list[object]]:
    """A reply cut where it waits for tools."""
    answers: list[list[object]] = [[]]
    calling = False
    for step in reply:
        calls = isinstance(step, str) and step.startswith("(") and step != "(error)"
        if calling and not calls:
            answers.append([])
        calling = calls
        made: object = tool_call(_identifier(str(step)[1:-1])) if calls else _fault(step)
        answers[-1].append(made)
    if calling:
        answers.append([])
    return answers
