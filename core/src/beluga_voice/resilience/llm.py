"""Several language models as one: the next is asked while nothing of an answer has come."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncGenerator, Sequence
from contextlib import aclosing
from typing import ClassVar

from beluga_voice.contracts import LLM, ToolChoice, ToolSpec
from beluga_voice.contracts.llm import LLMChunk, LLMMessage
from beluga_voice.errors import ProviderError, ProviderTimeoutError
from beluga_voice.resilience.fallback import Fallback


class FallbackLLM(Fallback[LLM], LLM):
    """Asks the first model that is well; the next, when it fails or gives nothing in time.

    An answer that has begun is not begun again by another model: its words may have been heard. Models have no
    cheap sign of health: one that failed is asked again once its cooldown is over.
    """

    kind: ClassVar[str] = "llm"
    probes: ClassVar[bool] = False

    async def stream(
        self,
        messages: Sequence[LLMMessage],
        tools: Sequence[ToolSpec] = (),
        *,
        tool_choice: ToolChoice = ToolChoice.AUTO,
    ) -> AsyncGenerator[LLMChunk, None]:
        """Answer with the first model that does; see `LLM.stream`."""
        first: ProviderError | None = None
        for index in self.candidates():
            answer = self.providers[index].stream(messages, tools, tool_choice=tool_choice)
            begun = False
            try:
                async with aclosing(answer):
                    chunk = await self._first(answer, index, held=self.has_other(index))
                    while chunk is not None:
                        if not begun and index != 0:
                            self.switched(0, index, "" if first is None else str(first))
                        begun = True
                        yield chunk
                        chunk = await anext(answer, None)
            except ProviderError as error:
                self.failed(index, error)
                if begun:
                    raise
                first = first or error
            else:
                self.succeeded(index)
                return
        assert first is not None
        raise first

    async def _first(
        self, answer: AsyncGenerator[LLMChunk, None], index: int, *, held: bool
    ) -> LLMChunk | None:
        """Wait for the first chunk, within the deadline if another model is well."""
        deadline = self.policy.first_chunk_deadline
        try:
            async with asyncio.timeout(deadline if held else None) as limit:
                return await anext(answer, None)
        except TimeoutError:
            if not limit.expired():
                raise
            raise ProviderTimeoutError(
                f"{self.names[index]} gave nothing of its answer within {deadline:g} s"
            ) from None
