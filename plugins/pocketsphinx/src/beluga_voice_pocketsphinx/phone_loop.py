"""A way out for speech outside a grammar: a loop over all phones beside it.

A grammar alone forces whatever it hears onto its sentences, and the engine's probability of the result tells
nothing. Here a second path leads from the grammar's start to its end: any sequence of phones. What is said is
heard as phones if that is likelier than each sentence of the grammar, in spite of the loop's small weight.
"""

from __future__ import annotations

import tempfile
from pathlib import Path

from pocketsphinx import Decoder  # type: ignore[import-untyped]

_PREFIX = "__phone_"
_SEARCH = "grammar-and-phones"
_SILENCE = "SIL"

Transition = tuple[int, int, float] | tuple[int, int, float, str]


def is_phone_of_loop(word: str) -> bool:
    """Whether a word of a result is a phone of the loop, so that the speech was outside the grammar."""
    return word.startswith(_PREFIX)


def add_phone_loop(decoder: Decoder, weight: float) -> None:
    """Let a loop over all phones compete with the decoder's grammar.

    Args:
        decoder: has a grammar as its current search; has another one afterwards.
        weight: probability of going from one phone of the loop to the next, shared by all phones. As all
            probabilities of a grammar the engine raises it to the language weight (6.5).
    """
    phones = _phones(Path(decoder.config["dict"]))
    for phone in phones:
        decoder.add_word(_PREFIX + phone, phone, False)
    states, start, final, transitions = _read_grammar(decoder)
    loop = states
    for phone in phones:
        step = (weight / len(phones), _PREFIX + phone)
        transitions += [(start, loop, *step), (loop, loop, *step)]
    transitions.append((loop, final, 1.0))
    decoder.add_fsg(_SEARCH, decoder.create_fsg(_SEARCH, start, final, transitions))
    decoder.activate_search(_SEARCH)


def _phones(dictionary: Path) -> list[str]:
    """Return the phones that the words of a dictionary are made of."""
    found: set[str] = set()
    with dictionary.open(encoding="utf-8", errors="replace") as lines:
        for line in lines:
            if not line.startswith(("##", ";;")):
                found.update(line.split()[1:])
    return sorted(found - {_SILENCE})


def _read_grammar(decoder: Decoder) -> tuple[int, int, int, list[Transition]]:
    """Return the number of states, the first, the last, and the transitions of the decoder's grammar."""
    with tempfile.TemporaryDirectory(prefix="beluga-voice-") as folder:
        path = Path(folder) / "grammar.fsg"
        decoder.get_fsg(decoder.current_search()).writefile(str(path))
        lines = [line.split() for line in path.read_text(encoding="utf-8").splitlines()]
    numbers = {line[0]: int(line[1]) for line in lines if len(line) == 2 and line[1].isdigit()}
    arcs = [_transition(line) for line in lines if line and line[0] == "TRANSITION" and not _is_added(line)]
    return numbers["NUM_STATES"], numbers["START_STATE"], numbers["FINAL_STATE"], arcs


def _is_added(line: list[str]) -> bool:
    """Whether the engine added it, as it will again: fillers and other pronunciations."""
    word = line[4] if len(line) > 4 else ""
    return word.startswith(("<", "[", "++")) or "(" in word


def _transition(line: list[str]) -> Transition:
    source, target, probability = int(line[1]), int(line[2]), max(float(line[3]), 1e-6)
    return (source, target, probability, line[4]) if len(line) > 4 else (source, target, probability)
