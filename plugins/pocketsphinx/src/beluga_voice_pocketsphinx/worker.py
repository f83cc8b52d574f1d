"""The worker process: several streams, each with a decoder, over standard input and output.

Run as ``python -m beluga_voice_pocketsphinx.worker``. One message of one stream is done at a time, and the
streams take turns, so that the end of one stream's utterance does not wait for a backlog of another's audio.
"""

from __future__ import annotations

import os
import select
import signal
import sys
from collections import deque
from collections.abc import Callable
from typing import cast

from beluga_voice_pocketsphinx.messages import (
    SAMPLES,
    Failure,
    Kind,
    Message,
    Parser,
    Result,
    Setup,
    decode_json,
    encode,
    encode_json,
)
from beluga_voice_pocketsphinx.recognizer import BYTES_PER_SECOND, Recognizer

READ_SIZE = 1 << 16
ACKNOWLEDGE_SAMPLES = 1600
"""While more audio waits, progress is told only so often."""


class WorkerStream:
    """One stream: what waits to be done for it, and what it was last told."""

    def __init__(self, number: int, recognizer: Recognizer, interim_interval: float) -> None:
        self.number = number
        self.recognizer = recognizer
        self.waiting: deque[Message] = deque()
        self._interval = round(interim_interval * BYTES_PER_SECOND) // 2
        self._next_interim = self._interval
        self._told_text = ""
        self._told_samples = 0

    def step(self) -> bytes:
        """Do what waits longest, and return what to tell."""
        message = self.waiting.popleft()
        if message.kind is Kind.FINALIZE:
            return self._finalize()
        self.recognizer.feed(message.payload)
        return self._interim() + self._progress()

    def _finalize(self) -> bytes:
        result = self.recognizer.finalize()
        self._told_text = ""
        self._next_interim = self.recognizer.samples + self._interval
        return self._result(Kind.FINAL, result) + self._progress()

    def _interim(self) -> bytes:
        if self.recognizer.samples < self._next_interim:
            return b""
        self._next_interim = self.recognizer.samples + self._interval
        result = self.recognizer.interim()
        if result["text"] in ("", self._told_text):
            return b""
        self._told_text = result["text"]
        return self._result(Kind.INTERIM, result)

    def _progress(self) -> bytes:
        samples = self.recognizer.samples
        if samples == self._told_samples or (
            self.waiting and samples - self._told_samples < ACKNOWLEDGE_SAMPLES
        ):
            return b""
        self._told_samples = samples
        return encode(Kind.PROCESSED, self.number, SAMPLES.pack(samples))

    def _result(self, kind: Kind, result: Result) -> bytes:
        return encode_json(kind, self.number, cast("dict[str, object]", result))


class Worker:
    """All streams of this process.

    Args:
        setup: how decoders are made.
        write: takes encoded messages; may block.
    """

    def __init__(self, setup: Setup, write: Callable[[bytes], None]) -> None:
        self._setup = setup
        self._write = write
        self._streams: dict[int, WorkerStream] = {}
        self._turns: deque[WorkerStream] = deque()
        self._spare = [Recognizer(setup) for _ in range(setup["decoders"])]

    @property
    def busy(self) -> bool:
        """Whether something waits to be done."""
        return bool(self._turns)

    def accept(self, message: Message) -> None:
        """Take note of a message; audio and finalizes are done by `step`."""
        if message.kind is Kind.OPEN:
            self._guard(message.stream, self._open)
        elif message.kind is Kind.CLOSE:
            self._close(message.stream)
        elif (stream := self._streams.get(message.stream)) is not None:
            if not stream.waiting:
                self._turns.append(stream)
            stream.waiting.append(message)

    def step(self) -> None:
        """Do one thing for the stream whose turn it is."""
        stream = self._turns.popleft()
        if self._streams.get(stream.number) is not stream:
            return
        self._guard(stream.number, lambda _: self._write(stream.step()))
        if stream.waiting:
            self._turns.append(stream)

    def _open(self, number: int) -> None:
        recognizer = self._spare.pop() if self._spare else Recognizer(self._setup)
        self._streams[number] = WorkerStream(number, recognizer, self._setup["interim_interval"])
        self._write(encode(Kind.OPENED, number))

    def _close(self, number: int) -> None:
        stream = self._streams.pop(number, None)
        if stream is not None:
            stream.waiting.clear()
            stream.recognizer.reset()
            self._spare.append(stream.recognizer)

    def _guard(self, number: int, act: Callable[[int], None]) -> None:
        """Let the engine's refusal end one stream, not the process; its decoder is not used again."""
        try:
            act(number)
        except RuntimeError as error:
            self._streams.pop(number, None)
            self._write(_failed(number, f"the engine failed: {error}", configuration=False))


def _failed(number: int, error: str, *, configuration: bool) -> bytes:
    failure = Failure(error=error, configuration=configuration)
    return encode_json(Kind.FAILED, number, cast("dict[str, object]", failure))


def serve(source: int, write: Callable[[bytes], None]) -> int:
    """Serve streams until the file descriptor `source` ends; return the exit status."""
    parser = Parser()
    worker: Worker | None = None
    while True:
        idle = worker is None or not worker.busy
        if idle or select.select([source], [], [], 0)[0]:
            data = os.read(source, READ_SIZE)
            if not data:
                return 0
            for message in parser.feed(data):
                if worker is not None:
                    worker.accept(message)
                else:
                    worker = _set_up(message, write)
                    if worker is None:
                        return 1
        if worker is not None and worker.busy:
            worker.step()


def _set_up(message: Message, write: Callable[[bytes], None]) -> Worker | None:
    try:
        worker = Worker(cast("Setup", decode_json(message.payload)), write)
    except (RuntimeError, OSError) as error:
        write(_failed(0, str(error), configuration=True))
        return None
    write(encode(Kind.READY))
    return worker


def main() -> int:
    """Serve on standard input and output; what libraries print goes to standard error."""
    signal.signal(signal.SIGINT, signal.SIG_IGN)  # the parent decides, also when a terminal sends it to all
    private = os.dup(1)
    os.dup2(2, 1)

    def write(data: bytes) -> None:
        rest = memoryview(data)
        while rest:
            rest = rest[os.write(private, rest) :]

    try:
        return serve(0, write)
    except BrokenPipeError:
        return 0  # the parent is gone


if __name__ == "__main__":
    sys.exit(main())
