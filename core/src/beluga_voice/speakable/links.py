"""Addresses of the web: nobody wants to hear one spelled."""

from __future__ import annotations

import re
from collections.abc import Callable
from typing import Literal, TypeAlias, get_args

from beluga_voice.contracts import TextFilter, TextFilterStream
from beluga_voice.errors import ConfigurationError

Says: TypeAlias = Literal["host", "word", "nothing", "all"]
"""What is said of an address."""

WORDS = {"en": "link", "de": "Link", "fr": "lien", "es": "enlace", "it": "link", "pt": "link", "nl": "link"}
"""What an address is called, by language."""

_URL = re.compile(
    r"(?:(?<![\w.])(?:https?|ftp)://|(?<![\w.@/])www\.)"
    r"[^\s<>\"'`\[\]{}|\\^\uff09\u3002\uff0c]+",
    re.IGNORECASE,
)
_MAILTO = re.compile(r"\bmailto:", re.IGNORECASE)
_TAIL = ".,;:!?)*_~"


class LinkFilter(TextFilter):
    """Says of ``https://www.acme.com/a/b?c=1`` only ``acme.com``, or the word for a link.

    Args:
        says: the ``host``, the ``word`` for a link in the conversation's language, ``nothing``, or ``all`` of it.

    Raises:
        ConfigurationError: `says` is none of these.
    """

    def __init__(self, says: Says = "host") -> None:
        if says not in get_args(Says):
            raise ConfigurationError(
                f"a link filter says {says!r}; it must be one of {', '.join(get_args(Says))}"
            )
        self._says = says

    def open_stream(self, language: str) -> TextFilterStream:
        """Open a stream."""
        word = WORDS.get(language.partition("-")[0].lower(), "link")
        ways: dict[str, Callable[[str], str]] = {
            "host": _host,
            "word": lambda _: word,
            "nothing": lambda _: "",
            "all": str,
        }
        return _LinkStream(ways[self._says])


class _LinkStream(TextFilterStream):
    def __init__(self, say: Callable[[str], str]) -> None:
        self._say = say

    def process(self, text: str) -> str:
        if ":" not in text and "." not in text:
            return text
        return _URL.sub(self._spoken, _MAILTO.sub("", text))

    def _spoken(self, found: re.Match[str]) -> str:
        url = found[0].rstrip(_TAIL)
        if "(" in url and found[0][len(url) :].startswith(")"):
            url += ")"
        return self._say(url) + found[0][len(url) :]


def _host(url: str) -> str:
    """The name of the machine, without ``www.``, user and port."""
    rest = url.partition("://")[2] or url
    host = re.split(r"[/?#]", rest, maxsplit=1)[0].rpartition("@")[2]
    return host.partition(":")[0].removeprefix("www.")
