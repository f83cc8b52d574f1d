"""The filters of a session, one after the other."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence

from beluga_voice.contracts import TextFilter
from beluga_voice.errors import ConfigurationError
from beluga_voice.speakable.links import LinkFilter
from beluga_voice.speakable.markup import MarkupFilter
from beluga_voice.speakable.numbers import NumberFilter
from beluga_voice.speakable.symbols import SymbolFilter

BUILT_IN: Mapping[str, Callable[..., TextFilter]] = {
    "markup": MarkupFilter,
    "links": LinkFilter,
    "symbols": SymbolFilter,
    "numbers": NumberFilter,
}
"""The filters that core has."""

DEFAULT = ("markup", "links", "symbols")
"""Those that a session has unless it is told otherwise, in their order."""


def built_in(name: str, choice: object = None) -> TextFilter:
    """Make a filter of core's own.

    Args:
        name: one of `BUILT_IN`.
        choice: what ``links`` says of an address; from how many digits on ``numbers`` are said one by one.

    Raises:
        ConfigurationError: it has no such choice.
    """
    if choice is None:
        return BUILT_IN[name]()
    if name == "numbers":
        return NumberFilter(_count(choice))
    if name != "links":
        raise ConfigurationError(f"the text filter {name!r} has nothing to choose; it is given {choice!r}")
    return LinkFilter(str(choice))  # type: ignore[arg-type] # it checks


def _count(choice: object) -> int:
    text = str(choice)
    if not (text.isascii() and text.isdigit()):
        raise ConfigurationError(
            f"the text filter 'numbers' is given {choice!r}; it must be from 2 to 20 digits"
        )
    return int(text)


class Filters:
    """How the pieces of one utterance are spoken.

    Args:
        filters: in their order.
        language: BCP 47 tag of the conversation.
        failed: told of a filter that raised; the piece goes on without it.
    """

    def __init__(
        self,
        filters: Sequence[TextFilter],
        language: str,
        failed: Callable[[TextFilter, Exception], None],
    ) -> None:
        self._streams = [(each, each.open_stream(language)) for each in filters]
        self._failed = failed

    def process(self, text: str) -> str:
        """Return how the next piece is spoken."""
        for each, stream in self._streams:
            try:
                text = stream.process(text)
            except Exception as error:  # noqa: BLE001 - the boundary to a plugin
                self._failed(each, error)
        return text
