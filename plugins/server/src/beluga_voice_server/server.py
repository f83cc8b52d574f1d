"""The server of one container: who comes in, and the calls that go on."""

from __future__ import annotations

import asyncio
import logging
import secrets
from collections.abc import AsyncIterator, Mapping
from contextlib import asynccontextmanager

import beluga_voice.events as ev
from beluga_voice.agents import AgentLike
from beluga_voice.container import VoiceContainer
from beluga_voice.container.agents import settings_for
from beluga_voice.contracts import ASGI, Answer, Connection, Offer, Routes, SessionSnapshot, SessionStore
from beluga_voice.errors import BelugaVoiceError, PluginError, RefusedError
from beluga_voice.session import SessionConfig
from beluga_voice.settings import read_table
from beluga_voice_server.admission import Admission, LoopLag
from beluga_voice_server.app import App
from beluga_voice_server.background import Background
from beluga_voice_server.callers import Caller
from beluga_voice_server.calls import Call, Seat
from beluga_voice_server.kept import KeptCalls
from beluga_voice_server.line import Line
from beluga_voice_server.settings import ServerSettings
from beluga_voice_server.tokens import Claims, Purpose, Tokens, today

logger = logging.getLogger(__name__)


def create(voice: VoiceContainer) -> Server:
    """Make the server of a container.

    Raises:
        ConfigurationError: the settings ``[server]`` are wrong.
    """
    return Server(voice)


class Server:
    """Takes calls for one container, by whatever transports are installed.

    Attributes:
        settings: of the server.
        admission: who is in.
        lag: of the event loop.
        routes: what the transports add, by their names.
        kept: files of the page's calls.
        started: how many sessions were begun.
        resumed: how many connections came back to one.
    """

    def __init__(self, voice: VoiceContainer) -> None:
        self.voice = voice
        names = voice.plugins.routes.names()
        values = voice.settings.values
        self.settings = read_table(values, ("server",), ServerSettings, without=names)
        self.routes = {name: _routes(voice, name) for name in names}
        self.lag = LoopLag(self._sweep)
        self.admission = Admission(self.settings, self.lag)
        self.kept = KeptCalls(self.settings.keep)
        self.started = self.resumed = 0
        secret = self.settings.secret
        self._tokens = Tokens(None if secret is None else secret.get_secret_value())
        self._empty = asyncio.Event()
        self._used: dict[str, float] = {}
        self._restoring: set[str] = set()
        self._calls: dict[str, Call] = {}
        self._store: SessionStore | None = None
        self._background: Background | None = None

    # -- life --

    @property
    def running(self) -> bool:
        """Whether it takes calls."""
        return self._background is not None

    @asynccontextmanager
    async def run(self) -> AsyncIterator[None]:
        """Take calls within the context; at its end, hand over those that still go on."""
        self._store = await self.voice.open_store()
        self._background = Background()
        await self._background.start()
        self.admission.draining = False
        self.lag.start()
        if self._store is not None and self.settings.secret is None:
            logger.warning(
                "tokens are signed by a secret that ends with this process, and so does what they resume; set "
                "BELUGA_VOICE_SERVER__SECRET to resume sessions after a restart"
            )
        try:
            yield
        finally:
            await self._end()

    async def drain(self) -> None:
        """Let nobody in any more, and wait until the calls have ended, `ServerSettings.drain` seconds at most."""
        self.admission.draining = True
        if self._calls:
            self._empty.clear()
            try:
                async with asyncio.timeout(self.settings.drain):
                    await self._empty.wait()
            except TimeoutError:
                logger.info("%d call(s) still go on after %g s", len(self._calls), self.settings.drain)
                await self._hand_over()

    async def _hand_over(self) -> None:
        """End all calls, so that another server may go on with them; wait until they have ended."""
        for call in list(self._calls.values()):
            call.kept = self._store is not None
            self._spawn_stop(call)
        if self._calls:
            self._empty.clear()
            await self._empty.wait()

    async def _end(self) -> None:
        self.admission.draining = True
        self.lag.stop()
        await self._hand_over()
        for routes in self.routes.values():
            await routes.aclose()
        if self._background is not None:
            await self._background.stop()
            self._background = None
        self.kept.close()

    def _spawn_stop(self, call: Call) -> None:
        assert self._background is not None
        self._background.spawn(_stop(call), f"end of {call.session.session_id}")

    # -- who comes in --

    def app(self, agent: AgentLike) -> ASGI:
        """Return an application whose callers `agent` answers."""
        return App(self, agent)

    async def answer(
        self, offer: Offer, agent: AgentLike, *, profile: str | None = None, deps: object = None
    ) -> Answer:
        """Answer a WebRTC offer of a caller whom the host has let in."""
        caller = Caller(self, agent, client="", trusted=True, profile=profile, deps=deps)
        for routes in self.routes.values():
            try:
                return await routes.answer(offer, caller)
            except NotImplementedError:
                continue
        raise PluginError('no transport answers offers. Try: pip install "beluga-voice[webrtc]"')

    def issue(self, profile: str | None) -> tuple[str, str]:
        """Return a new session's name, and the token that starts it.

        Raises:
            ConfigurationError: no such profile.
        """
        self.voice.settings.profile(profile)
        session_id = _new_name()
        expires = today() + self.settings.token_lifetime
        return session_id, self._tokens.sign(Claims(Purpose.START, session_id, expires, profile=profile))

    async def join(self, caller: Caller, connection: Connection, token: str, profile: str | None) -> Seat:
        """Put a connection onto a call.

        Raises:
            RefusedError: the token is wrong, expired or used, or there is no room.
        """
        try:
            if token:
                claims = self._tokens.read(token, today())
                if claims.purpose is Purpose.RESUME:
                    return await self._resume(claims, caller, connection)
                return await self._start(self._use(claims), claims.profile, caller, connection)
            if not caller.trusted:
                raise RefusedError(401, "token_missing", "a token is needed; ask for one at /start")
            return await self._start(_new_name(), caller.profile or profile, caller, connection)
        except RefusedError as error:
            raise self.admission.refuse(error) from None
        except BelugaVoiceError as error:  # of a provider, or of a profile that is not there
            logger.warning("a session could not begin: %s", error)
            raise self.admission.refuse(
                RefusedError(503, "unavailable", "the session cannot begin; the server's log says why")
            ) from error

    def _use(self, claims: Claims) -> str:
        """Use up a token that starts a session."""
        now = today()
        self._used = {name: expires for name, expires in self._used.items() if expires > now}
        if claims.session_id in self._used:
            raise RefusedError(
                401, "token_used", "the token has started its session already; ask for another"
            )
        if (problem := self.admission.problem()) is None:  # else it may be tried again
            self._used[claims.session_id] = claims.expires
            return claims.session_id
        raise problem

    async def _start(self, name: str, profile: str | None, caller: Caller, connection: Connection) -> Seat:
        call = await self._open(name, profile, caller)
        self.started += 1
        return self._seat(call, connection, resumed=False)

    async def _resume(self, claims: Claims, caller: Caller, connection: Connection) -> Seat:
        name = claims.session_id
        call = self._calls.get(name)
        if call is None:
            call = await self._restore(claims, caller)
        if not call.accepts(claims.number):
            raise RefusedError(401, "token_used", "the token has been replaced by a newer one")
        call.number = max(call.number, claims.number)
        self.resumed += 1
        return self._seat(call, connection, resumed=True)

    async def _restore(self, claims: Claims, caller: Caller) -> Call:
        """Begin a session again that another process has begun."""
        name = claims.session_id
        if name in self._restoring:
            raise RefusedError(
                409, "busy", "the session is being resumed by another connection", retry_after=1
            )
        self._restoring.add(name)
        try:
            found = None if self._store is None else await self._store.load(name)
            if found is None:
                raise RefusedError(410, "session_ended", "the session has ended; start another")
            number, issued = (int(found.data.get(key, "0")) for key in ("number", "issued"))
            # What was issued last may not have been saved before the process ended.
            if claims.number not in (number, number + 1):
                raise RefusedError(401, "token_used", "the token has been replaced by a newer one")
            call = await self._open(name, found.profile, caller, found)
            call.number, call.issued = number, max(issued, claims.number)
            return call
        finally:
            self._restoring.discard(name)

    async def _open(
        self, name: str, profile: str | None, caller: Caller, before: SessionSnapshot | None = None
    ) -> Call:
        """Begin a session; nobody is connected yet, and the agent waits."""
        assert self._background is not None
        with self.admission.entering(caller.client):
            line = Line()
            session = await self.voice.get_sessions().open(
                caller.agent,
                profile=profile,
                transport=line,
                session_id=name,
                config=self._config(name, profile, caller),
                deps=caller.deps,
                history=() if before is None else before.history,
            )
            call = Call(session, line, caller.client, profile)
            call.zero = asyncio.get_running_loop().time()
            session.on_event(call.show)
            await session.start()
        self._calls[name] = call
        call.wait_for_caller(self.settings.setup + self.settings.grace)
        self._background.spawn(self._watch(call), f"watch of {name}")
        return call

    def _config(self, name: str, profile: str | None, caller: Caller) -> SessionConfig | None:
        """Return what a new session is told, with the files that are kept of it; None for the settings alone."""
        if not caller.kept:
            return None
        return self.kept.config(
            name, settings_for(caller.agent, self.voice.settings.profile(profile)).session
        )

    def _seat(self, call: Call, connection: Connection, *, resumed: bool) -> Seat:
        return Seat(call, connection, self._tokens, self.settings, resumed=resumed, close=self._close)

    # -- calls that go on --

    def _close(self, connection: Connection, code: str, reason: str) -> None:
        if self._background is not None:
            self._background.spawn(connection.aclose(code, reason), "close of a connection")

    async def _watch(self, call: Call) -> None:
        """Follow a call to its end."""
        saver = None
        if self._store is not None and self._background is not None:
            saver = self._background.spawn(
                self._save(call, self._store), f"store of {call.session.session_id}"
            )
        try:
            reason = str(await call.session.wait_ended())
        except Exception:  # noqa: BLE001 - a bug inside, which the session has logged
            reason = str(ev.EndReason.ERROR)
        finally:
            call.welcome_back()
            del self._calls[call.session.session_id]
            self.admission.leave(call.client)
        if saver is not None:
            saver.cancel()
            await asyncio.wait([saver])
            await self._keep_or_forget(call)
        if call.seat is not None:
            seat, call.seat = call.seat, None
            seat.lose("handed_over" if call.kept else "ended", reason)
        if not self._calls:
            self._empty.set()

    async def _save(self, call: Call, store: SessionStore) -> None:
        """Write a snapshot whenever something was said."""
        while True:
            await call.unsaved.wait()
            call.unsaved.clear()
            try:
                await store.save(call.snapshot())
            except BelugaVoiceError as error:
                logger.warning("session %s could not be saved: %s", call.session.session_id, error)

    async def _keep_or_forget(self, call: Call) -> None:
        assert self._store is not None
        try:
            if call.kept:
                await self._store.save(call.snapshot())
            else:
                await self._store.delete(call.session.session_id)
        except BelugaVoiceError as error:
            logger.warning("session %s could not be stored: %s", call.session.session_id, error)

    def _sweep(self) -> None:
        """Cut those from whom nothing has come for too long."""
        now = asyncio.get_running_loop().time()
        for call in self._calls.values():
            seat = call.seat
            if seat is not None and now - seat.heard_at > self.settings.idle:
                text = f"nothing came for {self.settings.idle:g} s"
                seat.leave(TimeoutError(text))
                self._close(seat.connection, "idle", text)


def _routes(voice: VoiceContainer, name: str) -> Routes:
    """Make what a transport adds, from its table of the settings."""
    model = voice.plugins.routes.settings_model(name)
    settings = None if model is None else read_table(voice.settings.values, ("server", name), model)
    return voice.plugins.routes.create(name, settings)


async def _stop(call: Call) -> None:
    try:
        await call.session.stop()
    except BelugaVoiceError as error:
        logger.debug("session %s: %s", call.session.session_id, error)


def _new_name() -> str:
    return f"call-{secrets.token_urlsafe(12)}"


def describe(server: Server) -> Mapping[str, object]:
    """Return what a probe is told."""
    return {"sessions": server.admission.sessions, "lag": round(server.lag.seconds, 4)}
