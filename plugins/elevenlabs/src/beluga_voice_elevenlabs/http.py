"""Texts as speech over HTTP, one call each: ``stream``."""

from __future__ import annotations

import json
from collections.abc import AsyncGenerator
from contextlib import aclosing

from beluga_voice.audio import AudioFrame
from beluga_voice.connection import HttpClient, Request, Service
from beluga_voice.contracts import TTS, Speech, SpeechOptions, TTSStream
from beluga_voice.contracts.tts import PLAIN_SPEECH
from beluga_voice.errors import ClosedError, ConfigurationError, ProviderError
from beluga_voice_elevenlabs.account import VENDOR, check_account, key_header, need_key
from beluga_voice_elevenlabs.settings import KEY, ElevenLabsTTSSettings


class ElevenLabsHttpTTS(TTS):
    """ElevenLabs' voices over HTTP: a little slower to begin, with a choice of voice for each text.

    Args:
        settings: None for the defaults.
    """

    honours = frozenset({"voice"})

    def __init__(self, settings: ElevenLabsTTSSettings | None = None) -> None:
        self.settings = ElevenLabsTTSSettings() if settings is None else settings
        self.sample_rate = self.settings.sample_rate
        self._client: HttpClient | None = None

    async def open(self) -> None:
        """See that there is a key.

        Raises:
            ConfigurationError: there is none.
        """
        need_key(self.settings)
        self._client = HttpClient(Service(VENDOR, KEY, self.kind))

    async def check_health(self) -> None:
        """Ask whether the vendor takes the key and knows model and voice."""
        await check_account(self.settings, self.settings.model, self.settings.voice, self.kind)

    async def aclose(self) -> None:
        """Close the connections. Idempotent."""
        client, self._client = self._client, None
        if client is not None:
            await client.aclose()

    async def open_stream(self) -> TTSStream:
        """Open a stream; nothing is asked of the vendor before the first text."""
        if self._client is None:
            raise ClosedError("this ElevenLabsHttpTTS is not open; make a new one")
        return _Stream(self._client, self.settings)


class _Stream(TTSStream):
    def __init__(self, client: HttpClient, settings: ElevenLabsTTSSettings) -> None:
        self._client = client
        self._settings = settings
        self._closed = False

    async def synthesize(
        self, text: str, options: SpeechOptions = PLAIN_SPEECH
    ) -> AsyncGenerator[Speech, None]:
        self._check()
        if not text.strip():
            return
        rate, position, rest = self._settings.sample_rate, 0, b""
        try:
            async with (
                self._client.send(self._request(text, options)) as response,
                aclosing(response.chunks()) as chunks,
            ):
                async for chunk in chunks:
                    self._check()
                    data = rest + chunk
                    even = len(data) & ~1
                    rest = data[even:]
                    if even:
                        frame = AudioFrame.from_bytes(data[:even], rate, position)
                        position += len(frame)
                        yield Speech(frame)
        except ProviderError as error:
            if error.code == "not_found" and options.voice is not None:
                raise ConfigurationError(f"ElevenLabs knows no voice {options.voice!r}") from error
            raise

    async def aclose(self) -> None:
        self._closed = True

    def _check(self) -> None:
        if self._closed:
            raise ClosedError("this stream was closed; open a new one")

    def _request(self, text: str, options: SpeechOptions) -> Request:
        settings = self._settings
        body: dict[str, object] = {"text": text, "model_id": settings.model}
        if settings.language is not None:
            body["language_code"] = settings.language
        if settings.text_normalization is not None:
            body["apply_text_normalization"] = settings.text_normalization
        if settings.voice_settings:
            body["voice_settings"] = settings.voice_settings
        params = {
            "output_format": f"pcm_{settings.sample_rate}",
            "enable_logging": None if settings.enable_logging else False,
        }
        return Request(
            f"{settings.address}/v1/text-to-speech/{options.voice or settings.voice}/stream",
            params,
            key_header(settings),
            method="POST",
            body=json.dumps(body).encode(),
            content_type="application/json",
        )
