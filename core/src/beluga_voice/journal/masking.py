"""Words made unreadable, so that a journal without content still replays."""

from __future__ import annotations

import re
import secrets
from collections import deque
from collections.abc import Mapping
from hashlib import blake2b

from beluga_voice.turns.preempt import MARKS

CONTENT = frozenset({"text", "before", "heard", "unheard", "error"})
"""Fields, and names of what was seen, that hold what was said, or what a failure may tell of it."""

NO_CONTENT = frozenset(
    {"kind", "rule", "name", "agent", "provider", "model", "finish", "currency", "old", "new"}
)
"""Texts that come from a fixed list, or from the settings."""

REASON = "reason"
"""Comes from the engine's fixed list, or is the error with which an utterance failed."""

_WORD = re.compile(r"\S+")
_ERRORS = 16
_VARIANTS = ".,;:!?"


class Mask:
    """Puts a token in the place of each word: equal for equal words of one journal, and for nothing else.

    Tokens are a keyed hash; the key is drawn at random and is forgotten with this object, so that nobody can look
    for a word in the journal. White space stays, so that words can still be counted and texts still be joined and
    stripped.
    """

    def __init__(self) -> None:
        self._key = secrets.token_bytes(16)
        self._errors: deque[str] = deque(maxlen=_ERRORS)

    def text(self, text: str) -> str:
        """Mask a text."""
        return _WORD.sub(self._token, text)

    def _token(self, word: re.Match[str]) -> str:
        """Mask a word; words that differ in case and marks alone differ in marks alone, as decisions want it."""
        plain = word.group().casefold().strip(MARKS)
        token = "w" + self._hash(plain, 6).hex() if plain else ""
        if plain == word.group():
            return token
        return token + "".join(_VARIANTS[byte % len(_VARIANTS)] for byte in self._hash(word.group(), 16))

    def _hash(self, text: str, size: int) -> bytes:
        return blake2b(text.encode("utf-8", "surrogatepass"), key=self._key, digest_size=size).digest()

    def encoded(self, table: Mapping[str, object]) -> dict[str, object]:
        """Mask what `encode_event` or `encode_command` gave."""
        masked = dict(table)
        for name, value in table.items():
            if isinstance(value, str):
                masked[name] = self._field(name, value)
            elif isinstance(value, dict):
                masked[name] = self.encoded(value)
        return masked

    def _field(self, name: str, value: str) -> str:
        if name == "error":
            self._errors.append(value)
        if name in CONTENT or (name == REASON and value in self._errors):
            return self.text(value)
        return value
