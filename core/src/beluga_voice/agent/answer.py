"""What is told of each answer of a language model: when it was asked, when it spoke, and what it took."""

from __future__ import annotations

import asyncio
from types import TracebackType
from typing import Self

from beluga_voice import events as ev
from beluga_voice.contracts import LLM, CallControl, Finished, TextDelta, Usage
from beluga_voice.contracts.llm import LLMChunk

CUT = "cut"
FAILED = "error"


class AnswerNote:
    """Follows one answer, chunk by chunk, and tells the session of it when the context ends.

    Args:
        control: the session.
        utterance: the reply that it is for.
        agent: who asks.
        model: who is asked.
    """

    def __init__(self, control: CallControl, utterance: int, agent: str, model: LLM) -> None:
        self._control = control
        self._utterance = utterance
        self._agent = agent
        self._provider = model.provider_name or type(model).__name__
        self._model = model.model_name
        self._started = control.now()
        self._first: float | None = None
        self._chunks = 0
        self._usage = Usage(0, 0)
        self._finish = ""

    def see(self, chunk: LLMChunk) -> None:
        """Take a chunk."""
        if isinstance(chunk, Usage):
            had = self._usage
            self._usage = Usage(
                had.input_tokens + chunk.input_tokens,
                had.output_tokens + chunk.output_tokens,
                had.cached_tokens + chunk.cached_tokens,
            )
        elif isinstance(chunk, Finished):
            self._finish = str(chunk.reason)
        elif self._first is None:
            self._first = self._control.now()
        if isinstance(chunk, TextDelta):
            self._chunks += 1

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        failed = ""
        if kind is not None and not self._finish:
            cut = issubclass(kind, (GeneratorExit, asyncio.CancelledError))
            self._finish = CUT if cut else FAILED
            failed = "" if cut else kind.__name__
        self._control.report(
            ev.ModelAnswered(
                self._control.now(),
                self._utterance,
                self._agent,
                self._provider,
                self._model,
                self._started,
                self._first,
                self._chunks,
                self._usage.input_tokens,
                self._usage.output_tokens,
                self._usage.cached_tokens,
                finish=self._finish,
                error=failed,
            )
        )
