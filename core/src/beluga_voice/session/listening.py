"""The hearing side of a session: the caller's audio becomes events of speech, words and turns."""

from __future__ import annotations

import asyncio
import math

from beluga_voice import commands as do
from beluga_voice import events as ev
from beluga_voice.audio import AudioFrame
from beluga_voice.contracts import Transcript, TurnContext
from beluga_voice.errors import AudioError, ProviderError
from beluga_voice.events import EndReason
from beluga_voice.session.deciding import Deciding, only
from beluga_voice.session.hearing import SAMPLE_RATE, Hearing
from beluga_voice.session.parts import Parts
from beluga_voice.session.played import Played
from beluga_voice.session.playout import Playout
from beluga_voice.session.retries import Retries
from beluga_voice.session.tasks import Tasks
from beluga_voice.session.transcription import Transcription


class Listening:
    """Hears the caller by VAD, STT and turn detector, and carries out what the engine says of hearing.

    Args:
        parts: of the session.
        deciding: takes what was heard.
        tasks: run what waits.
        playout: knows what the caller has just been told.
        played: keeps what was played, for a noise suppressor that cancels echoes.

    Attributes:
        hearing: finds speech in the caller's frames, and keeps them.
    """

    def __init__(
        self, parts: Parts, deciding: Deciding, tasks: Tasks, playout: Playout, played: Played | None = None
    ) -> None:
        self._parts = parts
        self._deciding = deciding
        self._tasks = tasks
        self._playout = playout
        self._records = deciding.records
        self._transcripts = 0
        self._prediction: asyncio.Task[None] | None = None
        self._turn_began: int | None = None
        self._audio_seconds = 0 if parts.turn_detector is None else parts.turn_detector.audio_seconds
        self.hearing = Hearing(
            vad=parts.vad,
            noise_suppressor=parts.noise_suppressor,
            policy=parts.policy,
            clock=deciding.now,
            feed=deciding.feed,
            asks=playout.asks,
            scored=self._records.scored if self._records.wants_scores else None,
            passed=self._passed,
            failed=deciding.failed,
            deaf=self._deaf,
            audio_kept=self._audio_seconds,
            played=None if played is None else played.read,
        )
        self._transcription = self._new_transcription()
        deciding.measures.counts_audio(lambda: self._transcription.seconds)
        deciding.carries(do.StartHearing, self._start_hearing)
        deciding.carries(do.StopHearing, self._stop_hearing)
        deciding.carries(do.Finalize, lambda command: self._transcription.finalize(command.request))
        deciding.carries(do.PredictTurn, self._predict_turn)

    def _new_transcription(self) -> Transcription:
        transcription = Transcription(
            self._parts.stt,
            self.hearing.ring,
            sample_rate=SAMPLE_RATE,
            pre_roll=round(self._parts.policy.pre_roll * SAMPLE_RATE),
            config=self._parts.config,
            heard=self._heard,
        )
        if self._parts.vad is None:
            transcription.always()
        return transcription

    # -- life --

    async def open(self) -> None:
        """Open the recognizer's stream.

        Raises:
            ProviderError: none can be had.
        """
        await self._transcription.open()

    async def run(self) -> None:
        """Keep a stream of the STT open; a failed one is replaced while there is hope."""
        retries = Retries(self._parts.config, self._deciding.session_id)
        while True:
            heard = self._transcripts
            error = await self._transcribe_once()
            if self._deciding.ended.done():
                return  # cancelled in the instant of the failure, which hides that
            if self._transcripts > heard:
                retries.succeed()
            pause = retries.next_pause() if error.retryable else None
            self._deciding.failed("stt" if self._parts.model is None else "s2s", error, fatal=pause is None)
            if pause is None:
                self._deciding.stop(drain=True, reason=EndReason.ERROR)
                return
            await asyncio.sleep(pause)

    async def _transcribe_once(self) -> ProviderError:
        """Run one stream until it fails."""
        failures: list[Exception] = []
        try:
            await self._transcription.run()
        except* ProviderError as group:
            failures.append(only(group))
        assert failures, "a recognizer's stream runs until it fails"
        assert isinstance(failures[0], ProviderError)
        return failures[0]

    async def hold_open(self) -> None:
        """Keep the recognizer's stream open though it is idle."""
        await self._transcription.hold_open()

    async def aclose(self) -> bool:
        """Close the recognizer's stream; returns whether all so far could be closed."""
        return await self._transcription.aclose()

    async def close_hearing(self) -> None:
        """Release the streams of VAD and noise suppressor."""
        self.hearing.close()

    # -- the caller's audio --

    def hear(self, frame: AudioFrame) -> None:
        """Take a frame of the caller's audio.

        Raises:
            AudioError: it is no such frame.
        """
        try:
            self.hearing.process(frame)
            self._records.heard(frame, self._deciding.now())
        except AudioError:
            raise
        except Exception as bug:  # noqa: BLE001 - told to whoever stops the session
            self._deciding.crash(bug)

    def speech_started(self, start: float | None) -> None:
        """What recognises the caller found speech, at `start` seconds of the audio sent to it."""
        now, at = self._deciding.now(), self._time(start)
        at = now if at is None else at
        position = max(0, self.hearing.ring.end - round((now - at) * SAMPLE_RATE))
        self._deciding.feed(ev.SpeechStarted(now, at, position, self._playout.asks(now - at)))

    def speech_stopped(self, end: float | None) -> None:
        """It found the end of speech."""
        now, at = self._deciding.now(), self._time(end, end=True)
        self._deciding.feed(ev.SpeechStopped(now, now if at is None else at))

    def _passed(self, frame: AudioFrame) -> None:
        self._transcription.hear(frame)

    def _deaf(self) -> None:
        self._transcription.always()

    def _start_hearing(self, command: do.StartHearing) -> None:
        if self._turn_began is None:
            self._turn_began = command.position
        self._transcription.start(command.position)

    def _stop_hearing(self, _: do.StopHearing) -> None:
        self._turn_began = None
        self._transcription.stop()

    # -- words --

    def _heard(self, transcript: Transcript, answers: int | None) -> None:
        start, end = self._time(transcript.start), self._time(transcript.end, end=True)
        now = self._deciding.now()
        began = now if start is None else start
        self._transcripts += 1
        self._deciding.feed(
            ev.TranscriptReceived(
                now,
                self._transcripts,
                transcript.text,
                transcript.final,
                self._parts.classifier.classify(transcript.text, self._parts.config.language),
                start,
                end,
                answers,
                self._playout.asks(now - began),
                transcript.end_of_turn,
                self._playout.echoes(transcript.text, began),
            )
        )

    def _time(self, seconds: float | None, *, end: bool = False) -> float | None:
        if seconds is None or not math.isfinite(seconds):
            return None
        position = self._transcription.sent.position(seconds, end=end)
        return min(self._deciding.now(), self.hearing.timeline.at(position))

    # -- turns --

    def _predict_turn(self, command: do.PredictTurn) -> None:
        if self._prediction is not None:
            self._prediction.cancel()
        self._prediction = self._tasks.spawn(lambda: self._predict(command), "turn detector")

    def _turn_audio(self) -> AudioFrame | None:
        """What a detector that judges by sound wants of the open turn, from its pre-roll on."""
        ring = self.hearing.ring
        if not self._audio_seconds or not ring.end:
            return None
        start = ring.end - round(self._audio_seconds * SAMPLE_RATE)
        if self._turn_began is not None:
            start = max(start, self._turn_began - round(self._parts.policy.pre_roll * SAMPLE_RATE))
        start = max(start, ring.start)
        return AudioFrame(ring.read(start, ring.end), SAMPLE_RATE, start)

    async def _predict(self, command: do.PredictTurn) -> None:
        detector = self._parts.turn_detector
        assert detector is not None
        context = TurnContext(command.text, command.final, self._parts.config.language, self._turn_audio())
        try:
            async with asyncio.timeout(self._parts.policy.endpoint_max):
                probability: float | None = await detector.predict(context)
        except (ProviderError, TimeoutError) as error:
            failure = ProviderError(str(error) or "no answer in time", retryable=True)
            self._deciding.failed("turn_detector", failure)
            probability = None
        self._deciding.feed(ev.TurnPredicted(self._deciding.now(), command.request, probability))
