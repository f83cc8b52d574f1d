"""Server-sent events, as the HTML standard reads them (section 9.2.6): bytes in, events out."""

from __future__ import annotations

import codecs
from collections.abc import Iterator
from dataclasses import dataclass

from beluga_voice.errors import ProviderError

LIMIT = 1 << 20
"""Characters of one event, above which a stream is no stream of events."""


@dataclass(frozen=True, slots=True)
class ServerEvent:
    """One event.

    Attributes:
        data: its lines, joined by newlines.
        name: its type; ``message`` if it has none.
    """

    data: str
    name: str = "message"


class EventParser:
    """Takes the bytes of a stream as they come, and gives its events."""

    def __init__(self) -> None:
        self._decoder = codecs.getincrementaldecoder("utf-8")("replace")
        self._rest = ""
        self._data: list[str] = []
        self._name = ""
        self._size = 0
        self._begun = False

    def feed(self, data: bytes) -> Iterator[ServerEvent]:
        """Yield the events that `data` completes.

        Raises:
            ProviderError: an event grows beyond the limit.
        """
        text = self._rest + self._decoder.decode(data)
        if not self._begun and text:
            text, self._begun = text.removeprefix("\ufeff"), True
        if text.endswith("\r"):  # perhaps half of a line's end
            text, held = text[:-1], "\r"
        else:
            held = ""
        lines = text.replace("\r\n", "\n").replace("\r", "\n").split("\n")
        self._rest = lines.pop() + held
        for line in lines:
            if (event := self._line(line)) is not None:
                yield event
        if self._size + len(self._rest) > LIMIT:
            raise ProviderError(f"an event of more than {LIMIT} characters came; it is given up")

    def _line(self, line: str) -> ServerEvent | None:
        if not line:
            event = ServerEvent("\n".join(self._data), self._name or "message") if self._data else None
            self._data, self._name, self._size = [], "", 0
            return event
        field, _, value = line.partition(":")
        value = value.removeprefix(" ")
        if field == "data":
            self._data.append(value)
            self._size += len(value)
        elif field == "event":
            self._name = value
        return None
