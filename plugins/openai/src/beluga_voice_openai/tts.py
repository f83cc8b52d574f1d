"""The voice: speech of a text, streamed as it is made."""

from __future__ import annotations

import re
from collections.abc import AsyncGenerator, Iterator
from contextlib import AsyncExitStack, aclosing
from typing import ClassVar

from beluga_voice.audio import AudioFrame
from beluga_voice.connection import HttpClient, HttpResponse, Request
from beluga_voice.contracts import TTS, Speech, SpeechOptions, TTSStream
from beluga_voice.contracts.tts import PLAIN_SPEECH
from beluga_voice.errors import ClosedError, ConfigurationError, ProviderError
from beluga_voice_openai.account import OPENAI, Account, Vendor
from beluga_voice_openai.chat import clean
from beluga_voice_openai.door import Door
from beluga_voice_openai.pcm import PcmReader
from beluga_voice_openai.settings import OpenAITTSSettings

LONGEST = 4096
"""Characters that OpenAI speaks at a time; longer texts are spoken in several calls."""

SPEEDS = (0.25, 4.0)

_END = re.compile(r"[.!?…。！？]\s*")


class OpenAITTS(TTS):
    """A voice of OpenAI's, or of a server with the same interface."""

    interface: ClassVar[Vendor] = OPENAI
    honours = frozenset({"voice", "speed"})

    def __init__(self, settings: OpenAITTSSettings | None = None) -> None:
        self._settings = settings or OpenAITTSSettings()
        self._account = Account(self.interface, self._settings, self.kind)
        self._client = self._account.client()
        self._closed = False
        self.sample_rate = self._settings.sample_rate

    async def open(self) -> None:
        """Hold that there is a key; nothing is asked.

        Raises:
            ConfigurationError: there is none.
        """
        self._account.check_key()

    async def check_health(self) -> None:
        """See whether the vendor is there, takes the key, and has the model; costs nothing."""
        await self._account.check_model(self._client, self._settings.model)

    async def open_stream(self) -> OpenAITTSStream:
        """Open a stream for one session; connections are shared, and made when there is something to say."""
        if self._closed:
            raise ClosedError(f"this {type(self).__name__} was closed; make a new one")
        return OpenAITTSStream(self._account, self._client, self._settings)

    async def aclose(self) -> None:
        """Close all connections. Idempotent."""
        self._closed = True
        await self._client.aclose()


class OpenAITTSStream(TTSStream):
    """One session's voice."""

    def __init__(self, account: Account, client: HttpClient, settings: OpenAITTSSettings) -> None:
        self._account = account
        self._client = client
        self._settings = settings
        self._door = Door("voice")

    async def synthesize(
        self, text: str, options: SpeechOptions = PLAIN_SPEECH
    ) -> AsyncGenerator[Speech, None]:
        """Speak `text`; see `TTSStream.synthesize`."""
        position = 0
        self._door.check()
        for piece in _pieces(clean(text)):
            async with aclosing(self._speak(piece, options, position)) as speech:
                async for part in speech:
                    position += len(part.frame)
                    yield part

    async def aclose(self) -> None:
        """End the stream, and what it says. Idempotent."""
        self._door.close()

    async def _speak(self, text: str, options: SpeechOptions, position: int) -> AsyncGenerator[Speech, None]:
        reader = PcmReader(self._settings.sample_rate, has_header=self._settings.response_format == "wav")
        async with AsyncExitStack() as stack:
            response = await self._open(stack, self._request(text, options), options)
            chunks = await stack.enter_async_context(aclosing(response.chunks()))
            data = b" "
            while data:
                data = await self._door.wait(lambda: anext(chunks, b""))
                samples = reader.feed(data) if data else reader.flush()
                if len(samples):
                    yield Speech(AudioFrame(samples, self._settings.sample_rate, position))
                    position += len(samples)

    async def _open(self, stack: AsyncExitStack, request: Request, options: SpeechOptions) -> HttpResponse:
        try:
            return await self._door.wait(lambda: stack.enter_async_context(self._client.send(request)))
        except ProviderError as error:
            if options.voice is not None and error.code == "invalid_request" and options.voice in str(error):
                raise ConfigurationError(str(error)) from error
            raise

    def _request(self, text: str, options: SpeechOptions) -> Request:
        settings = self._settings
        low, high = SPEEDS
        body: dict[str, object] = {
            "model": settings.model,
            "input": text,
            "voice": options.voice or settings.voice,
            "response_format": settings.response_format,
        }
        if settings.instructions:
            body["instructions"] = settings.instructions
        speed = min(max(settings.speed * (options.speed or 1.0), low), high)
        if speed != 1.0:  # other servers, and some models, know no speed
            body["speed"] = round(speed, 3)
        return self._account.post("/audio/speech", body)


def _pieces(text: str) -> Iterator[str]:
    """Yield what is spoken in one call each: the whole text, or sentences or words of one that is too long."""
    while len(text) > LONGEST:
        ends = [match.end() for match in _END.finditer(text, LONGEST // 2, LONGEST)]
        cut = ends[-1] if ends else text.rfind(" ", 1, LONGEST) + 1 or LONGEST
        yield text[:cut]
        text = text[cut:]
    if text.strip():
        yield text
