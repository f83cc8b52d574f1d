"""What was made of a realtime response, item by item, and where each is to be cut if it was not all heard. Pure."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, field

KEPT = 16
"""Responses that are remembered after their end: only the latest is ever cut."""


@dataclass(slots=True)
class _Response:
    live: bool = True
    parts: dict[tuple[str, int], int] = field(default_factory=dict)

    @property
    def samples(self) -> int:
        return sum(self.parts.values())


class SpokenResponses:
    """The responses of one connection.

    Args:
        sample_rate: Hz of their audio.
    """

    def __init__(self, sample_rate: int) -> None:
        self._sample_rate = sample_rate
        self._responses: dict[str, _Response] = {}

    def begin(self, response: str) -> None:
        """A response begins."""
        self._responses[response] = _Response()
        over = [name for name, each in self._responses.items() if not each.live]
        for name in over[: max(0, len(self._responses) - KEPT)]:
            del self._responses[name]

    def is_live(self, response: str) -> bool:
        """Whether a response has begun and is not over."""
        return response in self._responses and self._responses[response].live

    def add(self, response: str, item: str, content_index: int, samples: int) -> int:
        """Count audio of an item's part; return how many samples of the response came before it."""
        made = self._responses[response]
        before, part = made.samples, (item, content_index)
        made.parts[part] = made.parts.get(part, 0) + samples
        return before

    def end(self, response: str) -> None:
        """A response is over."""
        self._responses[response].live = False

    def cuts(self, response: str, samples: int) -> Iterator[tuple[str, int, int]]:
        """Yield item, part and the milliseconds that were heard of each part not heard to its end.

        Args:
            response: one that is over, or was cancelled; nothing is yielded for another.
            samples: that were heard of all of it.
        """
        made = self._responses.get(response)
        for (item, content_index), length in () if made is None else made.parts.items():
            heard = min(max(samples, 0), length)
            samples -= length
            if heard < length:
                yield item, content_index, heard * 1000 // self._sample_rate
