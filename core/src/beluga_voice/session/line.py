"""The line to the caller: frames out, and what ends it; keys of the telephone."""

from __future__ import annotations

from collections.abc import Callable
from typing import Protocol

from beluga_voice import events as ev
from beluga_voice.audio import AudioFrame
from beluga_voice.contracts import Transport
from beluga_voice.errors import AudioError, BelugaVoiceError, ProviderError
from beluga_voice.events import EndReason
from beluga_voice.session.deciding import Deciding

KEYS = "0123456789*#ABCD"
"""The keys of a telephone (ITU-T Q.23)."""

MOST_KEYS = 128
"""Keys that are gathered at most before they count as complete."""


class Line:
    """A session's transport, if it has one, as the session uses it.

    Args:
        transport: what carries frames; None if nobody does.
        deciding: takes what happens on the line.
    """

    def __init__(self, transport: Transport | None, deciding: Deciding) -> None:
        self._transport = transport
        self._deciding = deciding
        self._keys = ""
        self._hung_up: ev.StopRequested | None = None

    def send(self, frame: AudioFrame) -> None:
        """Put a frame on the wire."""
        transport = self._transport
        self._deciding.records.sent(frame, self._deciding.now())
        if transport is not None:
            self._use(lambda: transport.send_nowait(frame))

    def flush(self) -> None:
        """Have the far end drop what it has not played."""
        if self._transport is not None:
            self._use(self._transport.flush)

    @property
    def unplayed(self) -> float:
        """Seconds of what was sent that the caller is known not to have heard yet."""
        return 0.0 if self._transport is None else self._transport.unplayed

    def _use(self, use: Callable[[], None]) -> None:
        """Use the line; where it fails, the session ends."""
        try:
            use()
        except BelugaVoiceError as error:
            self.hang_up(error)
        except Exception as bug:  # noqa: BLE001 - told to whoever stops the session
            self._deciding.crash(bug)

    def hang_up(self, error: Exception | None) -> None:
        """End the session, as the line has ended or failed; while it starts, as soon as it has started."""
        if self._deciding.ended.done() or self._deciding.over:
            return
        reason = EndReason.END_OF_INPUT
        if error is not None:
            reason = EndReason.ERROR
            self._deciding.failed("transport", ProviderError(str(error)), fatal=True)
        self._hung_up = ev.StopRequested(self._deciding.now(), reason=reason)
        if self._deciding.started.done():
            self.begin()

    def begin(self) -> None:
        """The session has started: end it, if the line has ended meanwhile."""
        if self._hung_up is not None:
            self._deciding.feed(self._hung_up)

    def press(self, keys: str) -> None:
        """Take keys of the telephone.

        Raises:
            ValueError: there is no such key.
        """
        for key in keys:
            if key not in KEYS:
                raise ValueError(f"no key {key!r}; the keys are {KEYS}")
        for key in keys:
            ends = key == "#" or len(self._keys) + 1 >= MOST_KEYS
            self._keys = self._keys or key if key == "#" else self._keys + key
            pressed = self._keys
            if ends:
                self._keys = ""
            self._deciding.feed(ev.DtmfReceived(self._deciding.now(), pressed, ends))

    def entered(self, keys: str) -> None:
        """The keys gathered so far were told as complete."""
        if keys == self._keys:
            self._keys = ""


class Ear(Protocol):
    """What takes the caller's frames."""

    def hear(self, frame: AudioFrame) -> None:
        """Take a frame; raises `AudioError` if it is none."""


class Mouth(Protocol):
    """What hands out the agent's frames."""

    def hold(self, held: bool) -> None:
        """Hand out nothing, or go on."""


class FarEnd:
    """The session as its transport sees it: after the end it takes nothing, and says nothing.

    Args:
        line: the session's side of it.
        deciding: knows whether the session runs.
        ear: takes the frames.
        mouth: hands out the agent's.
    """

    def __init__(self, line: Line, deciding: Deciding, ear: Ear, mouth: Mouth) -> None:
        self._line = line
        self._deciding = deciding
        self._ear = ear
        self._mouth = mouth
        self._told = False

    def process_audio(self, frame: AudioFrame) -> None:
        """Take a frame; audio that is none is told to the observers, once until there is audio again."""
        if self._deciding.active:
            try:
                self._ear.hear(frame)
                self._told = False
            except AudioError as error:
                if not self._told:
                    self._told = True
                    self._deciding.failed("transport", error)

    def process_dtmf(self, keys: str) -> None:
        """Take keys; one that there is not is told to the observers, and nothing of it is taken."""
        if self._deciding.active:
            try:
                self._line.press(keys)
            except ValueError as error:
                self._deciding.failed("transport", ProviderError(str(error)))

    def hold(self, held: bool) -> None:
        """Let the agent wait, or go on where it stopped."""
        self._mouth.hold(held)
        self._deciding.hold(held)

    def end_of_input(self, error: Exception | None = None) -> None:
        """End the session."""
        self._line.hang_up(error)
