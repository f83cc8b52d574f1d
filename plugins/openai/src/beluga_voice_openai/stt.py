"""The recognizer over HTTP: each speech is sent when it is over, and its words are streamed back."""

from __future__ import annotations

import asyncio
import json
import secrets
from collections import deque
from collections.abc import AsyncGenerator, Iterable
from contextlib import aclosing, suppress
from dataclasses import dataclass
from typing import ClassVar

import numpy as np
from numpy.typing import NDArray

from beluga_voice.audio import AudioFrame
from beluga_voice.connection import HttpClient, HttpResponse, Request
from beluga_voice.contracts import STT, STTStream, Transcript
from beluga_voice.errors import ClosedError, ProviderError
from beluga_voice_openai.account import OPENAI, Account, Vendor, error_in_stream
from beluga_voice_openai.llm import malformed
from beluga_voice_openai.pcm import wav
from beluga_voice_openai.settings import OpenAISTTSettings

SHORTEST = 0.15
"""Seconds of a file that the vendor surely takes: it refuses less than 0.1. Silence follows what is shorter."""

MOST_PARTS = 8
"""Parts that may wait to be transcribed, before `send` waits."""


class OpenAISTT(STT):
    """A recognizer of OpenAI's, or of a server with the same interface."""

    interface: ClassVar[Vendor] = OPENAI
    finalizes = True
    p99_delay = 1.15  # log-normal through the measured median of 0.637 s and 95th percentile of 0.965 s

    def __init__(self, settings: OpenAISTTSettings | None = None) -> None:
        self._settings = settings or OpenAISTTSettings()
        self._account = Account(self.interface, self._settings, self.kind)
        self._client = self._account.client()
        self._closed = False
        self.interim_results = self._settings.stream

    async def open(self) -> None:
        """Hold that there is a key; nothing is asked.

        Raises:
            ConfigurationError: there is none.
        """
        self._account.check_key()

    async def check_health(self) -> None:
        """See whether the vendor is there, takes the key, and has the model; costs nothing."""
        await self._account.check_model(self._client, self._settings.model)

    async def open_stream(self) -> OpenAISTTStream:
        """Open a stream for one session; connections are shared, and made when there is something to transcribe."""
        if self._closed:
            raise ClosedError(f"this {type(self).__name__} was closed; make a new one")
        return OpenAISTTStream(self._account, self._client, self._settings, self.sample_rate)

    async def aclose(self) -> None:
        """Close all connections. Idempotent."""
        self._closed = True
        await self._client.aclose()


@dataclass(frozen=True, slots=True)
class _Part:
    """Speech to be transcribed, from `start` seconds of the audio sent; perhaps none."""

    samples: NDArray[np.int16]
    start: float
    answers: bool


class OpenAISTTStream(STTStream):
    """One caller's speech; its parts are transcribed one after the other."""

    def __init__(
        self, account: Account, client: HttpClient, settings: OpenAISTTSettings, sample_rate: int
    ) -> None:
        self._account = account
        self._client = client
        self._settings = settings
        self._rate = sample_rate
        self._speech: list[NDArray[np.int16]] = []
        self._held = 0
        self._sent = 0
        self._parts: deque[_Part] = deque()
        self._transcripts: deque[Transcript] = deque()
        self._changed = asyncio.Event()
        self._task: asyncio.Task[None] | None = None
        self._error: Exception | None = None
        self._closed = False

    async def send(self, frame: AudioFrame) -> None:
        """Keep a frame; waits only while too much speech waits to be transcribed."""
        self._check()
        while len(self._parts) >= MOST_PARTS:
            await self._wait()
        self._speech.append(frame.samples.copy())
        self._held += len(frame)
        self._sent += len(frame)
        if self._held >= self._settings.longest * self._rate:
            self._ask(answers=False)

    def send_nowait(self, frame: AudioFrame) -> bool:
        """Keep a frame, unless too much waits."""
        self._check()
        if len(self._parts) >= MOST_PARTS or self._held + len(frame) >= self._settings.longest * self._rate:
            return False
        self._speech.append(frame.samples.copy())
        self._held += len(frame)
        self._sent += len(frame)
        return True

    async def finalize(self) -> None:
        """Have what was sent transcribed."""
        self._check()
        self._ask(answers=True)

    async def receive(self) -> Transcript:
        """Wait for the next transcript; interims come as the vendor streams the words of a part."""
        while not self._transcripts:
            self._check()
            await self._wait()
        self._check_open()
        return self._transcripts.popleft()

    async def aclose(self) -> None:
        """End the stream, and the call that goes on. Idempotent."""
        self._closed = True
        self._parts.clear()
        self._changed.set()
        task, self._task = self._task, None
        if task is not None:
            task.cancel()
            with suppress(asyncio.CancelledError):
                await asyncio.wait([task])

    def _ask(self, *, answers: bool) -> None:
        samples = np.concatenate((np.zeros(0, np.int16), *self._speech))
        self._speech, self._held = [], 0
        self._parts.append(_Part(samples, (self._sent - len(samples)) / self._rate, answers))
        if self._task is None or self._task.done():
            self._task = asyncio.create_task(self._work(), name=f"{self._account.service.name} transcribes")

    async def _work(self) -> None:
        try:
            while self._parts:
                async with aclosing(self._transcribe(self._parts[0])) as transcripts:
                    async for transcript in transcripts:
                        self._transcripts.append(transcript)
                        self._tell()
                self._parts.popleft()
                self._tell()
        except Exception as error:  # noqa: BLE001 - whoever receives is told
            self._error = error
            self._tell()

    async def _transcribe(self, part: _Part) -> AsyncGenerator[Transcript, None]:
        end = part.start + len(part.samples) / self._rate
        if not len(part.samples):
            yield Transcript("", True, answers_finalize=part.answers)
            return
        text = ""
        async with self._client.send(self._request(part.samples)) as response:
            if response.headers.get("Content-Type", "").startswith("text/event-stream"):
                async with aclosing(self._words(response)) as texts:
                    async for text, complete in texts:
                        if not complete and text.strip():
                            yield self._transcript(text.strip(), part.start, end)
            else:
                text = self._text(await response.read())
        yield self._transcript(text.strip(), part.start, end, final=True, answers=part.answers)

    def _transcript(
        self, text: str, start: float, end: float, *, final: bool = False, answers: bool = False
    ) -> Transcript:
        return Transcript(text, final, start, end, answers_finalize=answers, language=self._settings.language)

    async def _words(self, response: HttpResponse) -> AsyncGenerator[tuple[str, bool], None]:
        """Yield the words so far, and whether they are all; those that follow the last are passed over."""
        text = ""
        async with aclosing(response.events()) as events:
            async for event in events:
                if event.data == "[DONE]":
                    break
                told = self._object(event.data)
                if told.get("error"):
                    raise error_in_stream(self._account.service, told["error"])
                if told.get("type") == "transcript.text.delta":
                    text += str(told.get("delta") or "")
                    yield text, False
                elif told.get("type") == "transcript.text.done":
                    yield str(told.get("text") or ""), True
                    return
        service = self._account.service
        raise ProviderError(
            f"{service.name} ended its transcript before it was complete",
            kind=service.kind,
            code="stream_error",
        )

    def _text(self, body: bytes) -> str:
        return str(self._object(body.decode("utf-8", "replace")).get("text") or "")

    def _object(self, data: str) -> dict[str, object]:
        try:
            told = json.loads(data)
        except ValueError as error:
            raise malformed(self._account.service, error) from error
        return told if isinstance(told, dict) else {}

    def _request(self, samples: NDArray[np.int16]) -> Request:
        missing = max(0, round(SHORTEST * self._rate) - len(samples))
        file = wav(np.concatenate((samples, np.zeros(missing, np.int16))), self._rate)
        settings = self._settings
        fields = {
            "model": settings.model,
            "response_format": "json",
            "language": settings.language,
            "prompt": settings.prompt,
            "stream": "true" if settings.stream else None,
        }
        boundary = secrets.token_hex(16)
        given = ((name, value) for name, value in fields.items() if value is not None)
        return self._account.send(
            "/audio/transcriptions",
            form(given, file, boundary),
            f"multipart/form-data; boundary={boundary}",
        )

    def _tell(self) -> None:
        self._changed.set()
        self._changed = asyncio.Event()

    async def _wait(self) -> None:
        await self._changed.wait()

    def _check_open(self) -> None:
        if self._closed:
            raise ClosedError("this stream was closed; open a new one")

    def _check(self) -> None:
        self._check_open()
        if self._error is not None:
            raise self._error


def form(fields: Iterable[tuple[str, str]], file: bytes, boundary: str) -> bytes:
    """Return a form with fields and a WAV file, as RFC 7578 has it."""
    parts = [
        f'--{boundary}\r\nContent-Disposition: form-data; name="{name}"\r\n\r\n{value}\r\n'.encode()
        for name, value in fields
    ]
    head = (
        f'--{boundary}\r\nContent-Disposition: form-data; name="file"; filename="speech.wav"\r\n'
        "Content-Type: audio/wav\r\n\r\n"
    )
    return b"".join((*parts, head.encode(), file, f"\r\n--{boundary}--\r\n".encode()))
