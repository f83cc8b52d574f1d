"""From the VAD's scores to speech that starts and stops: hysteresis and minimum durations. Pure."""

from __future__ import annotations

from beluga_voice.turns.policy import TurnPolicy


class SpeechDetector:
    """Finds where speech starts and stops in a stream of scored windows.

    Speech starts once windows at `TurnPolicy.vad_on` or above, with none below `vad_off` and less than
    `speech_stops_after` between them, last for `speech_starts_after`; it stops once none has been at `vad_on` or
    above for `speech_stops_after` since the first window below `vad_off`. What is reported is where the sound
    began and ended, not where that was found.

    Args:
        policy: the thresholds and durations.
        sample_rate: of the positions, in Hz.
    """

    __slots__ = (
        "_candidate",
        "_last",
        "_off",
        "_on",
        "_quiet",
        "_start_samples",
        "_stop_samples",
        "speaking",
    )

    def __init__(self, policy: TurnPolicy, sample_rate: int) -> None:
        self._on, self._off = policy.vad_on, policy.vad_off
        self._start_samples = round(policy.speech_starts_after * sample_rate)
        self._stop_samples = round(policy.speech_stops_after * sample_rate)
        self._candidate = -1
        self._last = 0
        self._quiet = -1
        self.speaking = False

    def score(self, start: int, end: int, probability: float) -> int | None:
        """Take the score of the window from sample `start` to `end`.

        Returns:
            None, or the position at which speech started (`speaking` is then true) or stopped (then false).
        """
        if self.speaking:
            return self._look_for_stop(start, end, probability)
        if probability >= self._on:
            if self._candidate < 0 or start - self._last >= self._stop_samples:
                self._candidate = start
            self._last = end
            if end - self._candidate >= self._start_samples:
                self.speaking, self._quiet = True, -1
                return self._candidate
        elif probability < self._off:
            self._candidate = -1
        return None

    def _look_for_stop(self, start: int, end: int, probability: float) -> int | None:
        if probability >= self._on:
            self._quiet = -1
        elif probability < self._off and self._quiet < 0:
            self._quiet = start
        if 0 <= self._quiet <= end - self._stop_samples:
            self.speaking, self._candidate = False, -1
            return self._quiet
        return None
