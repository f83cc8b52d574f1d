"""Sessions for a host application: configured, with open providers."""

from __future__ import annotations

from collections.abc import Callable, Generator, Mapping, Sequence
from dataclasses import dataclass, fields, replace
from types import MappingProxyType, TracebackType
from typing import Protocol

from beluga_voice.agents import AgentLike
from beluga_voice.container.agents import settings_for
from beluga_voice.container.observing import observe
from beluga_voice.container.serving import Server
from beluga_voice.contracts import (
    LLM,
    S2S,
    STT,
    TTS,
    VAD,
    Answer,
    InterruptionClassifier,
    NoiseSuppressor,
    Offer,
    TextFilter,
    ToolSource,
    Transport,
    TurnDetector,
)
from beluga_voice.conversation import Message
from beluga_voice.errors import ConfigurationError, ErrorCode, SessionError
from beluga_voice.facts import SessionFacts
from beluga_voice.plugins import Plugins
from beluga_voice.session import SessionConfig, VoiceSession
from beluga_voice.settings import Settings
from beluga_voice.turns.policy import TurnPolicy


@dataclass(frozen=True, slots=True)
class Parts:
    """The providers of one session; None for what is turned off."""

    stt: STT | None
    tts: TTS | None
    s2s: S2S | None
    vad: VAD | None
    turn_detector: TurnDetector | None
    noise_suppressor: NoiseSuppressor | None
    interruption_classifier: InterruptionClassifier | None
    llm: LLM | None


@dataclass(frozen=True, slots=True)
class Lists:
    """What a session has several of; None for filters where the settings say nothing."""

    tools: tuple[ToolSource, ...]
    text_filters: tuple[TextFilter, ...] | None


class Source(Protocol):
    """What `Sessions` needs of its container."""

    @property
    def settings(self) -> Settings:
        """The settings that profiles are looked up in."""

    @property
    def plugins(self) -> Plugins:
        """The plugins, some of which may watch sessions."""

    async def open_parts(self, settings: Settings) -> Parts:
        """Return the shared providers that `settings` choose, open."""

    async def open_agent(self, agent: AgentLike, settings: Settings) -> Mapping[str, LLM]:
        """Open what the agents of a call bring; return their language models by what they call them."""

    async def open_voices(self, agent: AgentLike, settings: Settings) -> Mapping[str, TTS]:
        """Open the synthesisers that agents of a call name; return them by these names."""

    async def open_server(self) -> Server:
        """Return the server, running."""

    async def open_lists(self, settings: Settings) -> Lists:
        """Return the shared providers that `settings` choose several of, open."""

    def track(self, session: VoiceSession) -> None:
        """Observe `session`; stop it, if it is still going on, before the providers close."""

    def find(self, session_id: str) -> VoiceSession | None:
        """Return the session of that name that is tracked, and has not ended; None if there is none."""


class Opening:
    """A session that is about to be made: await it for the session, or enter it to start and stop it too."""

    def __init__(self, make: Callable[[], Generator[object, None, VoiceSession]]) -> None:
        self._make = make
        self._session: VoiceSession | None = None

    def __await__(self) -> Generator[object, None, VoiceSession]:
        return self._make()

    async def __aenter__(self) -> VoiceSession:
        self._session = await self
        return await self._session.__aenter__()

    async def __aexit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        assert self._session is not None
        await self._session.__aexit__(kind, error, trace)


class Sessions:
    """Makes sessions from settings. Had from `VoiceContainer.get_sessions`."""

    def __init__(self, source: Source) -> None:
        self._source = source

    def open(
        self,
        agent: AgentLike,
        *,
        profile: str | None = None,
        transport: Transport | None = None,
        session_id: str | None = None,
        config: SessionConfig | None = None,
        turns: TurnPolicy | None = None,
        deps: object = None,
        history: Sequence[Message] = (),
    ) -> Opening:
        """Make a session whose providers are open; they are shared with all other sessions.

        ``async with sessions.open(agent) as session`` starts it, and stops it at the end; ``await
        sessions.open(agent)`` returns it not yet started. What is still going on when the container's
        lifespan ends is stopped then.

        Args:
            agent: answers the caller.
            profile: settings ``[sessions.<profile>]`` instead of those at the top.
            transport: the call's line; without one, feed the session by `process_audio`.
            session_id: the session's name, in place of the settings'.
            config: in place of what the settings say.
            turns: in place of what the settings say.
            deps: what the agent's tools get as `Call.deps`, in place of what its own factory makes.
            history: what was said before, in a session that this one continues.

        Raises:
            ClosedError: outside of `VoiceContainer.lifespan`.
            ConfigurationError: no such profile, STT or TTS is turned off, or a provider's settings are wrong.
            PluginError: a provider that is chosen is not installed, or broken.
            ProviderError: a provider that only this profile uses could not be opened.
        """

        async def make() -> VoiceSession:
            settings = settings_for(agent, self._source.settings.profile(profile))
            llms = await self._source.open_agent(agent, settings)
            voices = await self._source.open_voices(agent, settings)
            lists = await self._source.open_lists(settings)
            parts = await self._source.open_parts(settings)
            chosen = config or settings.session
            session_config = chosen if session_id is None else replace(chosen, session_id=session_id)
            stt, tts = _needed(parts)
            session = VoiceSession(
                agent=agent,
                llm=llms,
                deps=deps,
                tools=lists.tools,
                text_filters=lists.text_filters,
                transport=transport,
                config=session_config,
                turns=turns or settings.turns,
                history=history,
                prices=settings.prices,
                stt=stt,
                tts={**voices, "": tts} if voices and tts is not None else tts,
                s2s=parts.s2s,
                vad=parts.vad,
                turn_detector=parts.turn_detector,
                noise_suppressor=parts.noise_suppressor,
                interruption_classifier=parts.interruption_classifier,
            )
            self._source.track(session)
            observe(session, self._source.plugins, _facts(parts, session_config))
            return session

        return Opening(lambda: make().__await__())

    def find(self, session_id: str) -> VoiceSession:
        """Return the session of that name, of those that were made here and have not ended.

        Raises:
            SessionError: `session_not_found`.
        """
        session = self._source.find(session_id)
        if session is None:
            raise SessionError(
                "find", ErrorCode.SESSION_NOT_FOUND, f"no session named {session_id!r} is going on here"
            )
        return session

    async def answer(
        self,
        offer: Offer,
        agent: AgentLike,
        *,
        profile: str | None = None,
        deps: object = None,
    ) -> Answer:
        """Answer a WebRTC offer: the caller who made it talks with `agent`, or goes on with the offer's session.

        Who may call is the host's to decide before: a new session needs no token here. Limits hold as in
        `VoiceContainer.asgi`, whose application also takes the candidates that follow.

        Args:
            offer: as the browser posted it; its token, if it has one, resumes a session.
            agent: answers the caller.
            profile: as in `open`, in place of the offer's.
            deps: as in `open`.

        Raises:
            PluginError: beluga-voice-server or beluga-voice-webrtc is not installed; the text tells the command.
            RefusedError: the offer or its token is wrong, or there is no room.
            ClosedError: outside of `VoiceContainer.lifespan`.
        """
        server = await self._source.open_server()
        return await server.answer(offer, agent, profile=profile, deps=deps)


def _needed(parts: Parts) -> tuple[STT | None, TTS | None]:
    """Return what no session can do without, unless a model hears and speaks."""
    if parts.s2s is not None:
        return None, None
    if parts.stt is None or parts.tts is None:
        kind = "stt" if parts.stt is None else "tts"
        raise ConfigurationError(
            f"{kind} is turned off, and a session needs one. Try: setting BELUGA_VOICE_{kind.upper()}"
        )
    return parts.stt, parts.tts


def _facts(parts: Parts, config: SessionConfig) -> SessionFacts:
    """Return what plugins that watch are told of a session before its first run."""
    kinds = {each.name: getattr(parts, each.name) for each in fields(parts)}
    providers = {kind: type(part).__name__ if part is not None else "" for kind, part in kinds.items()}
    return SessionFacts(config.session_id or "", 0, config.language, MappingProxyType(providers))
