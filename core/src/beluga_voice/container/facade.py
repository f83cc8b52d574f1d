"""The container as its users see it: typed, and without dependency-injector's traps."""

from __future__ import annotations

import asyncio
import logging
from collections.abc import AsyncIterator, Mapping, Sequence
from contextlib import AsyncExitStack, asynccontextmanager
from typing import cast
from weakref import WeakSet

from dependency_injector.providers import BaseSingleton
from dependency_injector.providers import Provider as Injected

from beluga_voice.agents import AgentLike
from beluga_voice.container.agents import open_agent, open_voices, settings_for
from beluga_voice.container.graph import Graph, create, create_listed
from beluga_voice.container.opened import Opened
from beluga_voice.container.serving import Server, create_server
from beluga_voice.container.sessions import Lists, Parts, Sessions
from beluga_voice.contracts import (
    ASGI,
    LLM,
    S2S,
    STT,
    TTS,
    VAD,
    InterruptionClassifier,
    NoiseSuppressor,
    Provider,
    SessionStore,
    TextFilter,
    ToolSource,
    TurnDetector,
)
from beluga_voice.errors import ClosedError, ErrorCode, SessionError
from beluga_voice.events import SessionState
from beluga_voice.plugins import Plugins
from beluga_voice.session import VoiceSession
from beluga_voice.settings import SLOTS, Selection, Settings
from beluga_voice.settings.values import ALL_SLOTS
from beluga_voice.telemetry.logs import SessionLog
from beluga_voice.telemetry.opening import OpenTelemetry, open_telemetry

logger = logging.getLogger("beluga_voice")


class VoiceContainer:
    """Builds sessions from settings and plugins. Two containers share nothing.

    Each provider is made once, opened by `lifespan` and shared by all sessions. ``with
    voice.stt.override(FakeSTT()):`` puts another in its place, in all profiles, opened and closed like the one
    it stands for.

    Attributes:
        settings: what the container was built from.
        stt: the recognizer that the settings choose, as a dependency-injector provider; call it for the object,
            which is None if it is turned off. The other kinds likewise.
    """

    def __init__(
        self,
        settings: Settings | None = None,
        plugins: Plugins | None = None,
        agents: Sequence[AgentLike] = (),
    ) -> None:
        """Read the settings. Providers are not made yet.

        Args:
            settings: None to read environment, ``.env`` and ``beluga.toml``.
            plugins: None to discover what is installed, when first needed.
            agents: those that sessions are going to be opened for: `lifespan` then opens all that they need, so
                that what is missing is told at the start, and no first caller waits.

        Raises:
            ConfigurationError: the settings are wrong.
        """
        self.settings = Settings() if settings is None else settings
        self._agents = tuple(agents)
        self._graph = Graph(settings=self.settings)
        if plugins is not None:
            self._graph.plugins.override(plugins)
        self.stt: Injected[STT | None] = self._graph.stt
        self.tts: Injected[TTS | None] = self._graph.tts
        self.s2s: Injected[S2S | None] = self._graph.s2s
        self.vad: Injected[VAD | None] = self._graph.vad
        self.turn_detector: Injected[TurnDetector | None] = self._graph.turn_detector
        self.noise_suppressor: Injected[NoiseSuppressor | None] = self._graph.noise_suppressor
        self.interruption_classifier: Injected[InterruptionClassifier | None] = (
            self._graph.interruption_classifier
        )
        self.session_store: Injected[SessionStore | None] = self._graph.session_store
        self.llm: Injected[LLM | None] = self._graph.llm
        self._of_profiles: dict[Selection, Provider | None] = {}
        self._sessions = Sessions(self)
        self._live: WeakSet[VoiceSession] = WeakSet()
        self._opened: Opened | None = None
        self._server: Server | None = None
        self._serving: AsyncExitStack | None = None
        self._telemetry: OpenTelemetry | None = None

    @property
    def plugins(self) -> Plugins:
        """The plugins; discovered when first asked for."""
        return self._graph.plugins()

    def get_sessions(self) -> Sessions:
        """Return what opens sessions; a plain method, so that FastAPI's ``Depends`` takes it."""
        return self._sessions

    def asgi(self, agent: AgentLike) -> ASGI:
        """Return the server as an ASGI application: signalling, WebSocket, page; `agent` answers its callers.

        Mount it into an application whose lifespan is this container's, or run it alone: it then opens `lifespan`
        itself.

        Raises:
            PluginError: beluga-voice-server is not installed; the text tells the command.
            ConfigurationError: the settings ``[server]`` are wrong.
        """
        self._agents = (*self._agents, agent)
        return self._get_server().app(agent)

    async def open_server(self) -> Server:
        """Return the server, running; within `lifespan`.

        Raises:
            ClosedError: outside of `lifespan`.
            PluginError, ConfigurationError: as `asgi`.
            ProviderError: the session store cannot be opened.
        """
        server = self._get_server()
        if self._serving is None:
            raise ClosedError("this container is not open. Try: async with voice.lifespan()")
        if not server.running:
            await self._serving.enter_async_context(server.run())
        return server

    async def open_store(self) -> SessionStore | None:
        """Return the session store that the settings choose, open; None if it is turned off.

        Raises:
            ClosedError: outside of `lifespan`.
            ConfigurationError, PluginError, ProviderError: it cannot be made or opened.
        """
        opened, store = self._open, self.session_store()
        if store is not None:
            await opened.ensure(store)
        return store

    def _get_server(self) -> Server:
        if self._server is None:
            self._server = create_server(self)
        return self._server

    def exposition(self) -> tuple[bytes, str]:
        """Return all metrics as Prometheus reads them, and the content type of that.

        Raises:
            ClosedError: outside of `lifespan`, or the setting `telemetry.exporter` is not ``prometheus``.
        """
        providers = None if self._telemetry is None else self._telemetry.providers
        if providers is None:
            raise ClosedError('no metrics are kept here. Try: telemetry.exporter = "prometheus"')
        return providers.exposition()

    @asynccontextmanager
    async def lifespan(self, app: object = None) -> AsyncIterator[None]:  # noqa: ARG002 - FastAPI passes itself
        """Open the providers that settings, profiles and `agents` choose; stop sessions and close all at the end.

        What is not chosen anywhere stands by default, and is opened with the first session that needs it: an agent
        may choose otherwise. May be entered again after its end: providers are then made anew.

        Args:
            app: not used; it is there so that ``FastAPI(lifespan=voice.lifespan)`` works.

        Raises:
            ClosedError: it is entered while it is open.
            ConfigurationError, PluginError, ProviderError: a provider cannot be made or opened; those that were
                opened before it are closed.
        """
        if self._opened is not None:
            raise ClosedError(
                "this container's lifespan is open already; enter it once, and share the container"
            )
        async with AsyncExitStack() as stack:
            stack.callback(self._forget)
            self._telemetry = open_telemetry(self.settings.telemetry)
            if self._telemetry is not None:
                stack.push_async_callback(self._telemetry.aclose)
            self._opened = Opened(stack)
            for settings in (self.settings, *self.settings.sessions.values()):
                await self._open_chosen(settings)
                await self.open_lists(settings)
            for agent in self._agents:
                own = settings_for(agent, self.settings)
                await self.open_agent(agent, own)
                await self.open_voices(agent, own)
                await self.open_parts(own)
            # Sessions first: the stack unwinds from its end, below everything a session opens later.
            async with AsyncExitStack() as sessions:
                sessions.push_async_callback(self._stop_sessions)
                self._serving = sessions
                if self._server is not None:
                    await self.open_server()
                yield

    async def open_parts(self, settings: Settings) -> Parts:
        """Return the shared providers that `settings`, the container's or a profile's, choose, open.

        Raises:
            ClosedError: outside of `lifespan`.
            ConfigurationError, PluginError, ProviderError: one cannot be made or opened.
        """
        opened = self._open
        model = self._choose(settings.s2s)
        replaced = ("stt", "tts") if model is not None else ()
        others = {
            kind: self._choose(getattr(settings, kind)) for kind in SLOTS if kind not in ("s2s", *replaced)
        }
        parts = {**dict.fromkeys(SLOTS), **others, "s2s": model}
        for part in parts.values():
            if part is not None:
                await opened.ensure(part)
        return Parts(**cast("dict[str, STT]", parts))  # type: ignore[arg-type]

    async def _open_chosen(self, settings: Settings) -> None:
        """Open what `settings` choose in so many words, or a test put in; not what stands by default."""
        for part in [
            self._choose(selection)
            for selection in settings.selections()
            if selection.kind in SLOTS and self._named(selection)
        ]:
            if part is not None:
                await self._open.ensure(part)

    def _named(self, selection: Selection) -> bool:
        shared: Injected[Provider | None] = getattr(self._graph, selection.kind)
        return selection.chosen_by is not None or shared.last_overriding is not None

    async def open_agent(self, agent: AgentLike, settings: Settings) -> Mapping[str, LLM]:
        """Open what the agents of a call bring; return their language models by what they call them.

        Raises:
            ClosedError: outside of `lifespan`.
            ConfigurationError, PluginError, ProviderError: one cannot be made or opened.
        """
        return await open_agent(agent, settings, self._open, self._choose)

    async def open_voices(self, agent: AgentLike, settings: Settings) -> Mapping[str, TTS]:
        """Open the synthesisers that agents of a call name; return them by these names.

        Raises:
            ClosedError: outside of `lifespan`.
            ConfigurationError, PluginError, ProviderError: one cannot be made or opened.
        """
        return await open_voices(agent, settings, self._open, self._choose)

    @property
    def _open(self) -> Opened:
        if self._opened is None:
            raise ClosedError("this container is not open. Try: async with voice.lifespan()")
        return self._opened

    async def open_lists(self, settings: Settings) -> Lists:
        """Open what `settings` choose several of.

        Raises:
            ClosedError: outside of `lifespan`.
            ConfigurationError, PluginError, ProviderError: one cannot be made or opened.
        """
        filters = settings.text_filters
        lists = Lists(
            tuple(cast("ToolSource", self._listed(each)) for each in settings.tools),
            None if filters is None else tuple(cast("TextFilter", self._listed(each)) for each in filters),
        )
        for part in (*lists.tools, *(lists.text_filters or ())):
            await self._open.ensure(part)
        return lists

    def _listed(self, selection: Selection) -> Provider:
        if selection not in self._of_profiles:
            self._of_profiles[selection] = create_listed(selection, self.plugins)
        return cast("Provider", self._of_profiles[selection])

    def track(self, session: VoiceSession) -> None:
        """Observe `session`; stop it, if it is still going on, before the providers close."""
        self._live.add(session)
        if session.config.enable_structured_logging and logger.isEnabledFor(logging.INFO):
            SessionLog(session, content=self.settings.telemetry.content)
        if self._telemetry is not None:
            self._telemetry.observe(session)

    def find(self, session_id: str) -> VoiceSession | None:
        """Return the session of that name that is tracked, and has not ended; None if there is none."""
        live = (each for each in self._live if each.session_id == session_id)
        return next((each for each in live if each.state is not SessionState.ENDED), None)

    def _choose(self, selection: Selection) -> Provider | None:
        """Return the container's own provider, or another one where a profile or an agent chooses otherwise."""
        shared = cast("Injected[Provider | None]", getattr(self._graph, selection.kind))
        if shared.last_overriding is not None or selection == getattr(self.settings, selection.kind):
            return shared()
        if selection not in self._of_profiles:
            self._of_profiles[selection] = create(selection, self.plugins)
        return self._of_profiles[selection]

    async def _stop_sessions(self) -> None:
        """Stop all sessions at once; what went wrong in some is raised when all have ended."""
        results = await asyncio.gather(*map(_stop, list(self._live)), return_exceptions=True)
        errors = [each for each in results if isinstance(each, Exception)]
        if errors:
            raise ExceptionGroup("sessions failed while they were stopped", errors)

    def _forget(self) -> None:
        """Let go of providers that are closed: a lifespan entered again makes new ones."""
        self._opened = self._serving = self._telemetry = None
        self._of_profiles.clear()
        for kind in ALL_SLOTS:
            cast("BaseSingleton[Provider | None]", getattr(self._graph, kind)).reset()


async def _stop(session: VoiceSession) -> None:
    try:
        await session.stop()
    except SessionError as error:
        if error.code not in (ErrorCode.SESSION_NOT_ACTIVE, ErrorCode.SESSION_EXPIRED):  # it does not run
            raise
