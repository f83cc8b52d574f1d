"""A model's voice in a session, and what it does unasked."""

from __future__ import annotations

from collections.abc import AsyncGenerator
from contextlib import aclosing

from beluga_voice.contracts import AssistantMessage, SpeechOptions, Turn
from beluga_voice.contracts.tts import PLAIN_SPEECH
from beluga_voice.errors import ContractError, ProviderError
from beluga_voice.events import WhileCallerSpeaks
from beluga_voice.session.deciding import Deciding
from beluga_voice.session.listening import Listening
from beluga_voice.session.parts import Parts
from beluga_voice.session.playout import Track
from beluga_voice.session.s2s.model import Model, texts_of
from beluga_voice.session.s2s.responses import Response
from beluga_voice.session.s2s.sinks import SPEAKING, TrackSink, Voiced
from beluga_voice.session.speaking import Speaking
from beluga_voice.session.speech import Speech, Texts
from beluga_voice.session.voice import AgentVoice


class ModelVoice(AgentVoice):
    """Speaks what the model answers, as it answers, and texts that it is given.

    Args:
        parts: of the session, whose model answers.
        deciding: takes what was made.
    """

    def __init__(self, parts: Parts, deciding: Deciding) -> None:
        super().__init__(parts, deciding)
        assert parts.model is not None, "a session over a model has one"
        self._model = parts.model
        self._agent = parts.agent
        self._deciding = deciding
        self._sinks: dict[int, TrackSink] = {}
        self._speech = Speech(self, deciding.now, deciding.feed, deciding.report, self._fail)

    def _fail(self, utterance: int, kind: str, error: BaseException) -> None:
        model = isinstance(error, (ProviderError, ContractError))
        self._deciding.blame.fail(utterance, "s2s" if model else kind, error)

    async def speak(self, utterance: int, track: Track, texts: Texts, options: SpeechOptions) -> None:
        """Make the audio of a text; what the model said itself has its audio already."""
        sink = self._sinks[utterance] = TrackSink(utterance, track, self.sample_rate, self._deciding)
        SPEAKING.set(sink)  # for this task, which makes this utterance and nothing else
        await super().speak(utterance, track, lambda: _unvoiced(texts()), options)

    async def reply(self, utterance: int, track: Track, turn: Turn) -> None:
        """Have the model answer, with the agent's tools."""
        agent = self._agent
        assert agent is not None, "the engine asks no reply of a session without an agent"
        await self.speak(utterance, track, lambda: agent.reply(turn), PLAIN_SPEECH)

    def ended(self, utterance: int, heard: str, seconds: float, *, played: bool) -> None:
        """Let the model remember what was heard, and no more."""
        sink = self._sinks.pop(utterance, None)
        link = self._model.link
        parts = [] if sink is None else sink.parts
        if not parts and utterance < 0 and heard:
            link.add(AssistantMessage(heard))
        for response, start, length in () if played else parts:
            samples = min(max(0, round(seconds * self.sample_rate) - start), length)
            whole = response.over and samples == length
            link.abandon(response)
            if not whole:
                link.truncate(response, samples)


async def _unvoiced(texts: AsyncGenerator[str, None]) -> AsyncGenerator[str, None]:
    """Pass on what is still to be spoken."""
    async with aclosing(texts):
        async for text in texts:
            if not isinstance(text, Voiced) and text.strip():
                yield text


class Unasked:
    """What a model hears, and what it says though nobody asked, told to the session.

    Args:
        model: tells it.
        listening: takes its speech events, if `finds_speech`.
        speaking: takes what it says.
        finds_speech: there is no VAD, which would be faster.
    """

    def __init__(self, model: Model, listening: Listening, speaking: Speaking, *, finds_speech: bool) -> None:
        self._model = model
        self._listening = listening
        self._speaking = speaking
        self._finds_speech = finds_speech

    def speech_started(self, start: float | None) -> None:
        """The model found speech."""
        if self._finds_speech:
            self._listening.speech_started(start)

    def speech_stopped(self, end: float | None) -> None:
        """The model found its end."""
        if self._finds_speech:
            self._listening.speech_stopped(end)

    def speak_up(self, response: Response) -> None:
        """Say it in its turn; the caller may cut it."""

        def texts(_: int) -> AsyncGenerator[str, None]:
            return texts_of(self._model, response)

        self._speaking.say(texts, True, 0, WhileCallerSpeaks.WAIT)
