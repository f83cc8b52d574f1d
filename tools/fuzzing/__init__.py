"""What is fuzzed: where its inputs begin, and how an answer is looked at independently."""

from __future__ import annotations


class WrongError(Exception):
    """An answer that an independent look does not confirm."""


def hold(right: bool, otherwise: str) -> None:
    """Raise `WrongError` unless it is right."""
    if not right:
        raise WrongError(otherwise)
