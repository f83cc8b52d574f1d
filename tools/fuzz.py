"""Feeds what comes from outside with damaged input, for as long as one likes.

    uv run python tools/fuzz.py wav --seconds 600

Whatever it is fed, a reader must give an answer that an independent look confirms, or raise its documented error;
it must not crash, hang, or silently give something else. What breaks that is written to a file, and told with the
command that tries it again.
"""

from __future__ import annotations

import argparse
import random
import signal
import sys
import tempfile
import time
import traceback
import warnings
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from pathlib import Path
from types import FrameType

sys.path.insert(0, str(Path(__file__).parent))

from fuzzing import frames, journal, settings, wav

LONGEST = 5
"""Seconds that one input may take."""

LARGEST = 1 << 16
"""Bytes of one input."""

NUMBERS = (0, 1, 2, 7, 8, 127, 128, 255, 256, 32767, 32768, 65535, 0x7FFFFFFF, 0x80000000, 0xFFFFFFFF)

DIGITS = (b"0", b"9", b"-1", b"1e9", b"1e999", b"0.5", b"99999999999999999999", b"null", b'"')


class HangError(BaseException):
    """One input took longer than `LONGEST`; no reader's own `except` is to catch it."""


@dataclass(frozen=True)
class Target:
    """Something that reads what comes from outside.

    Attributes:
        corpus: inputs to begin with, most of them right.
        check: reads one, and may write into the folder; raises whatever is not a documented refusal.
        tokens: pieces that mean something in such inputs.
    """

    corpus: Callable[[], Sequence[bytes]]
    check: Callable[[bytes, Path], None]
    tokens: Sequence[bytes] = ()


TARGETS = {
    "wav": Target(wav.corpus, wav.check, wav.TOKENS),
    "settings": Target(settings.corpus, settings.check, settings.TOKENS),
    "journal": Target(journal.corpus, journal.check, journal.TOKENS),
    "frames": Target(frames.corpus, frames.check),
}


@dataclass(frozen=True)
class Finding:
    """An input that broke a target."""

    data: bytes
    error: BaseException


def fuzz(target: Target, *, seconds: float, seed: int) -> tuple[int, Finding | None]:
    """Try damaged inputs until the time is over or one breaks the target.

    Returns:
        How many were tried, and the one that broke it.
    """
    draw = random.Random(seed)
    corpus = list(target.corpus())
    until, tried = time.monotonic() + seconds, 0
    while time.monotonic() < until:
        data = corpus[tried] if tried < len(corpus) else mutated(draw, corpus, target.tokens)
        tried += 1
        error = broken_by(target, data)
        if error is not None:
            return tried, Finding(data, error)
    return tried, None


def broken_by(target: Target, data: bytes) -> BaseException | None:
    """Try one input; returns what it broke with. A warning is an error."""
    signal.signal(signal.SIGALRM, _hangs)
    signal.setitimer(signal.ITIMER_REAL, LONGEST)
    try:
        with tempfile.TemporaryDirectory() as folder, warnings.catch_warnings():
            warnings.simplefilter("error")
            target.check(data, Path(folder))
    except KeyboardInterrupt:
        raise
    except BaseException as error:  # noqa: BLE001 - this is what is looked for
        return error
    finally:
        signal.setitimer(signal.ITIMER_REAL, 0)
    return None


def _hangs(number: int, frame: FrameType | None) -> None:  # noqa: ARG001 - a signal handler's
    raise HangError(f"it takes longer than {LONGEST} s")


def mutated(draw: random.Random, corpus: Sequence[bytes], tokens: Sequence[bytes]) -> bytes:
    """Damage one of the corpus, in one place or a few."""
    data = bytearray(draw.choice(corpus))
    for _ in range(draw.choice((1, 1, 1, 2, 3, 8))):
        draw.choice(_MUTATIONS)(draw, data, corpus, tokens)
    return bytes(data[:LARGEST])


def _place(draw: random.Random, data: bytearray) -> int:
    return draw.randrange(len(data) + 1)


def _flip(draw: random.Random, data: bytearray, *_: Sequence[bytes]) -> None:
    if data:
        data[draw.randrange(len(data))] ^= 1 << draw.randrange(8)


def _delete(draw: random.Random, data: bytearray, *_: Sequence[bytes]) -> None:
    start = _place(draw, data)
    del data[start : start + draw.choice((1, 2, 4, 30, 1000))]


def _cut(draw: random.Random, data: bytearray, *_: Sequence[bytes]) -> None:
    del data[_place(draw, data) :]


def _repeat(draw: random.Random, data: bytearray, *_: Sequence[bytes]) -> None:
    start = _place(draw, data)
    piece = data[start : start + draw.choice((1, 4, 40, 400))]
    data[start:start] = piece * draw.choice((1, 2, 20))


def _number(draw: random.Random, data: bytearray, *_: Sequence[bytes]) -> None:
    start, size = _place(draw, data), draw.choice((1, 2, 4))
    number = draw.choice(NUMBERS) & ((1 << 8 * size) - 1)
    data[start : start + size] = number.to_bytes(size, draw.choice(("little", "big")))


def _noise(draw: random.Random, data: bytearray, *_: Sequence[bytes]) -> None:
    start = _place(draw, data)
    data[start:start] = draw.randbytes(draw.choice((1, 3, 20)))


def _token(draw: random.Random, data: bytearray, corpus: Sequence[bytes], tokens: Sequence[bytes]) -> None:
    if tokens:
        start = _place(draw, data)
        data[start : start + draw.choice((0, 0, 1, 4))] = draw.choice(tokens)
    else:
        _noise(draw, data, corpus, tokens)


def _digit(draw: random.Random, data: bytearray, *_: Sequence[bytes]) -> None:
    """Change a number that is written in digits."""
    places = [at for at, byte in enumerate(data) if 48 <= byte <= 57]
    if places:
        at = draw.choice(places)
        data[at : at + 1] = draw.choice(DIGITS)


def _splice(draw: random.Random, data: bytearray, corpus: Sequence[bytes], _: Sequence[bytes]) -> None:
    other = draw.choice(corpus)
    start = draw.randrange(len(other) + 1)
    data[_place(draw, data) :] = other[start:]


def _move_line(draw: random.Random, data: bytearray, *_: Sequence[bytes]) -> None:
    lines = bytes(data).split(b"\n")
    line = lines.pop(draw.randrange(len(lines)))
    if draw.random() < 0.7:
        lines.insert(draw.randrange(len(lines) + 1), line)
    data[:] = b"\n".join(lines)


_MUTATIONS = (_flip, _delete, _cut, _repeat, _number, _noise, _token, _token, _digit, _splice, _move_line)


def main() -> None:
    """Run the command."""
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("target", choices=[*TARGETS, "all"])
    parser.add_argument("--seconds", type=float, default=60, help="for each target")
    parser.add_argument("--seed", type=int, default=0, help="draws the damage; 0 draws a seed too")
    parser.add_argument("--input", type=Path, help="try this file alone")
    arguments = parser.parse_args()
    names = list(TARGETS) if arguments.target == "all" else [arguments.target]
    if arguments.input is not None:
        raise SystemExit(any(_try_again(name, arguments.input) for name in names))
    seed = arguments.seed or random.SystemRandom().randrange(1, 1 << 31)
    broken = [name for name in names if _fuzz(name, arguments.seconds, seed)]
    raise SystemExit(bool(broken))


def _fuzz(name: str, seconds: float, seed: int) -> bool:
    """Fuzz one target and tell; returns whether it broke."""
    tried, finding = fuzz(TARGETS[name], seconds=seconds, seed=seed)
    print(f"{name}: {tried} inputs, seed {seed}: {'BROKEN' if finding else 'all right'}", flush=True)
    if finding is None:
        return False
    path = Path(f"fuzz-{name}-{seed}.bin")
    path.write_bytes(finding.data)
    traceback.print_exception(finding.error)
    print(f"{len(finding.data)} bytes in {path}; again: python tools/fuzz.py {name} --input {path}")
    return True


def _try_again(name: str, path: Path) -> bool:
    error = broken_by(TARGETS[name], path.read_bytes())
    if error is None:
        print(f"{name}: {path} is all right")
    else:
        traceback.print_exception(error)
    return error is not None


if __name__ == "__main__":
    main()
