"""The speaking side of a session: what is to be said, made, played, cut, and written down as heard."""

from __future__ import annotations

import asyncio
from functools import partial

from beluga_voice import commands as do
from beluga_voice import events as ev
from beluga_voice.contracts import SpeechOptions, Turn
from beluga_voice.contracts.agent import Texts as TextsOf
from beluga_voice.contracts.tts import PLAIN_SPEECH
from beluga_voice.conversation import Conversation
from beluga_voice.events import Source, WhileCallerSpeaks
from beluga_voice.session.deciding import Deciding
from beluga_voice.session.handle import SayHandle
from beluga_voice.session.line import Line
from beluga_voice.session.parts import Parts
from beluga_voice.session.playout import Playout, Track
from beluga_voice.session.speech import Texts, saying
from beluga_voice.session.tasks import Tasks, Work
from beluga_voice.session.voice import Voice


class Speaking:
    """Carries out what the engine says of speaking, over whatever makes the audio.

    Args:
        parts: of the session.
        session_id: its name.
        deciding: takes what was asked, made and heard.
        tasks: run what waits.
        conversation: takes the turns, and what was heard of each utterance.
        line: takes the frames.
        playout: hands them out in time.
        voice: makes the audio.
    """

    def __init__(
        self,
        parts: Parts,
        session_id: str,
        deciding: Deciding,
        tasks: Tasks,
        conversation: Conversation,
        line: Line,
        playout: Playout,
        voice: Voice,
    ) -> None:
        self._parts = parts
        self._session_id = session_id
        self._deciding = deciding
        self._tasks = tasks
        self._conversation = conversation
        self._line = line
        self._playout = playout
        self._voice = voice
        self._says = 0
        self._handles: dict[int, SayHandle] = {}
        self._texts: dict[int, tuple[Texts, SpeechOptions]] = {}
        self._endings: dict[int, asyncio.Future[ev.UtteranceEnded]] = {}
        self._making: dict[int, asyncio.Task[None]] = {}
        self._leaving: set[asyncio.Task[None]] = set()
        deciding.carries(do.CommitTurn, self._commit_turn)
        deciding.carries(do.StartReply, self._start_reply)
        deciding.carries(do.PrepareSay, self._prepare_say)
        deciding.carries(do.Play, lambda command: playout.play(command.utterance))
        deciding.carries(do.Pause, lambda _: playout.pause())
        deciding.carries(do.Duck, lambda _: playout.duck())
        deciding.carries(do.Resume, lambda _: playout.resume())
        deciding.carries(do.EndUtterance, self._end_utterance)

    # -- what is asked for --

    def say(
        self,
        text: str | TextsOf,
        interruptible: bool,
        priority: int,
        while_caller_speaks: WhileCallerSpeaks,
        inside: int = 0,
        options: SpeechOptions = PLAIN_SPEECH,
    ) -> SayHandle:
        """Queue something to be said; within the tool of the reply `inside`, if that is not 0.

        Raises:
            ConfigurationError: it cannot be spoken as `options` say.
        """
        if options != PLAIN_SPEECH:
            self._parts.voice_of(self._parts.agent)[0].check_options(options)
        self._says -= 1
        utterance = self._says
        ended: asyncio.Future[ev.UtteranceEnded] = asyncio.get_running_loop().create_future()
        handle = SayHandle(utterance, text if isinstance(text, str) else "", ended, self._cut)
        self._handles[utterance], self._endings[utterance] = handle, ended
        texts = saying(text) if isinstance(text, str) else partial(text, utterance)
        self._texts[utterance] = texts, options
        now = self._deciding.now()
        self._deciding.feed(
            ev.SayRequested(now, utterance, interruptible, priority, while_caller_speaks, inside)
        )
        return handle

    def interrupt(self) -> None:
        """Cut the live reply, and each `say` that may be cut."""
        for utterance in self._deciding.state.utterances:
            if utterance.interruptible:
                self._cut(utterance.number)

    def _cut(self, utterance: int) -> None:
        if self._deciding.active:
            self._deciding.feed(ev.CutRequested(self._deciding.now(), utterance))

    # -- making --

    def _commit_turn(self, command: do.CommitTurn) -> None:
        self._conversation.commit_turn(command.turn, command.text, late=command.late)

    def _prepare_say(self, command: do.PrepareSay) -> None:
        texts, options = self._texts[command.utterance]
        track = self._open(command.utterance)
        self._make(command.utterance, lambda: self._voice.speak(command.utterance, track, texts, options))

    def _start_reply(self, command: do.StartReply) -> None:
        history = self._conversation.messages
        if command.preemptive:
            history = self._conversation.supposing(command.turn, command.text)
        turn = Turn(
            command.text,
            command.turn,
            history,
            self._session_id,
            command.utterance,
            self._parts.control,
            command.preemptive,
        )
        track = self._open(command.utterance)
        self._make(command.utterance, lambda: self._voice.reply(command.utterance, track, turn))

    def _open(self, utterance: int) -> Track:
        return self._playout.open(utterance, self._voice.sample_rate, self._parts.config.playout_ahead)

    def _make(self, utterance: int, work: Work) -> None:
        async def make() -> None:
            await self._wait_for_leaving()
            await work()

        task = self._tasks.spawn(make, f"utterance {utterance}")
        self._making[utterance] = task
        task.add_done_callback(lambda _: self._making.pop(utterance, None))

    async def _wait_for_leaving(self) -> None:
        """At most one reply lives: what was cut has to be gone first; what takes no notice is cut again."""
        if self._leaving:
            _, here = await asyncio.wait(tuple(self._leaving), timeout=self._parts.config.close_deadline)
            for task in here:
                task.cancel()

    # -- the end of an utterance --

    def _end_utterance(self, command: do.EndUtterance) -> None:
        task = self._making.get(command.utterance)
        if task is not None and command.outcome is not ev.Outcome.PLAYED:
            task.cancel()
            self._leaving.add(task)
            task.add_done_callback(self._leaving.discard)
        ledger = self._playout.close(command.utterance)
        cut = ledger is not None and ledger.heard_samples > 0 and command.outcome is not ev.Outcome.PLAYED
        if ledger is not None and cut:
            unplayed = round(self._line.unplayed * self._playout.sample_rate)
            ledger.hear(-min(unplayed, ledger.heard_samples))
        heard, unheard = "", ""
        if ledger is not None and ledger.heard_samples and command.outcome is ev.Outcome.PLAYED:
            heard = ledger.text  # with what is not spoken, as a last emoji
        elif ledger is not None:
            heard, unheard = ledger.heard(), ledger.unheard()
        seconds = 0.0 if ledger is None else ledger.heard_samples / self._playout.sample_rate
        played = command.outcome is ev.Outcome.PLAYED
        self._voice.ended(command.utterance, heard, seconds, played=played)
        if cut:
            self._line.flush()
        if command.commit:
            interrupted = command.outcome is not ev.Outcome.PLAYED
            self._conversation.commit_utterance(command.turn, heard, interrupted=interrupted)
        source = Source.SAY if command.utterance in self._handles else Source.REPLY
        now = self._deciding.now()
        self._settle(
            ev.UtteranceEnded(now, command.utterance, source, command.outcome, heard, unheard, command.reason)
        )

    def settle_all(self) -> None:
        """End every handle, where the engine has not."""
        for utterance in list(self._endings):
            now = self._deciding.now()
            self._settle(ev.UtteranceEnded(now, utterance, Source.SAY, ev.Outcome.CUT, reason="ended"))

    def _settle(self, ended: ev.UtteranceEnded) -> None:
        error = self._deciding.blame.of_utterance(ended)
        handle = self._handles.pop(ended.utterance, None)
        if handle is not None:
            handle.error = error
        self._texts.pop(ended.utterance, None)
        future = self._endings.pop(ended.utterance, None)
        if future is not None and not future.done():
            future.set_result(ended)
        self._deciding.records.told(ended)
        self._deciding.tell(ended)
        apology = self._parts.config.apology
        failed = ended.outcome is ev.Outcome.FAILED and ended.source is Source.REPLY and not ended.heard
        if failed and apology and self._deciding.active:
            self.say(apology, True, 0, WhileCallerSpeaks.WAIT)
