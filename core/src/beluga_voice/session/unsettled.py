"""The open turn's audio of which no final has come yet: what the next stream hears if this one fails. Pure."""

from __future__ import annotations

from collections import deque

from beluga_voice.audio import AudioFrame


class Unsettled:
    """Audio and requests for final words that were sent, in their order, until a final settles them.

    Args:
        most: samples that are kept; the oldest are dropped beyond.

    Attributes:
        open: whether a turn is open: else nothing is kept.
    """

    def __init__(self, most: int) -> None:
        self.open = False
        self._most = most
        self._items: deque[AudioFrame | int] = deque()
        self._samples = 0

    def add(self, frame: AudioFrame) -> None:
        """Keep a frame that was sent; its samples are not to be changed any more."""
        if not self.open:
            return
        self._items.append(frame)
        self._samples += len(frame)
        while self._samples > self._most and isinstance(self._items[0], AudioFrame):
            self._samples -= len(self._items[0])
            self._items.popleft()

    def ask(self, request: int) -> None:
        """Keep a request that was sent."""
        self._items.append(request)

    def settle(self, position: int | None, request: int | None) -> None:
        """Let go of what a final is made of.

        Args:
            position: of the caller's audio, where its words end; None if that is not known: then all that was sent.
            request: that it answers, with all that was sent before; None if none.
        """
        if request is not None and request in self._items:
            while (item := self._items.popleft()) != request:
                self._forget(item)
            return
        kept: deque[AudioFrame | int] = deque()
        for item in self._items:
            if isinstance(item, AudioFrame) and (position is None or item.position < position):
                self._forget(item)
                rest = None if position is None else _from(item, position)
                if rest is None:
                    continue
                item = rest
                self._samples += len(rest)
            kept.append(item)
        self._items = kept

    def take(self) -> list[AudioFrame | int]:
        """Return all that is to be sent again, and forget it here."""
        items = list(self._items)
        self.clear()
        return items

    def clear(self) -> None:
        """Forget all: the turn is over."""
        self._items.clear()
        self._samples = 0

    def _forget(self, item: AudioFrame | int) -> None:
        if isinstance(item, AudioFrame):
            self._samples -= len(item)


def _from(frame: AudioFrame, position: int) -> AudioFrame | None:
    """The frame's samples from `position` on; None if there are none."""
    left = frame.samples[position - frame.position :]
    return AudioFrame(left, frame.sample_rate, position) if len(left) else None
