"""A session that does nothing but keep its contract, for tests of what uses sessions."""

from __future__ import annotations

import asyncio

from beluga_voice.audio import AudioFrame
from beluga_voice.errors import ErrorCode, SessionError
from beluga_voice.events import Outcome, SessionState, Source, UtteranceEnded
from beluga_voice.session.handle import SayHandle
from beluga_voice.session.observers import StateCallback


class FakeSession:
    """Starts, stops and tells its state as a `VoiceSession` does, without providers: what is said is heard at once.

    Args:
        session_id: its name.
        active: whether it runs from the beginning.
        stopped: whether it has run and ended.
        error: raised by `start` and `stop`; None for none.
        fails: whether `start` and `stop` fail even without `error`: by `internal_error`.
        processing_delay: seconds that `start` and `stop` take.
        network_delay: seconds that they take before that.

    Attributes:
        calls: how often `start` and `stop` were called.
        said: all texts that were said, in order.
        heard: all audio that was processed, in order.
        written: all texts that were sent as turns of the caller's, in order.
    """

    def __init__(
        self,
        session_id: str = "fake-session",
        *,
        active: bool = False,
        stopped: bool = False,
        error: Exception | None = None,
        fails: bool = False,
        processing_delay: float = 0.01,
        network_delay: float = 0.0,
    ) -> None:
        self.session_id = session_id
        self.error = error
        self.fails = fails
        self.processing_delay = processing_delay
        self.network_delay = network_delay
        self.calls = 0
        self.said: list[str] = []
        self.heard: list[AudioFrame | bytes] = []
        self.written: list[str] = []
        self._active = active
        self._stopped = stopped
        self._callback: StateCallback | None = None

    @property
    def active(self) -> bool:
        """Whether it runs."""
        return self._active

    @property
    def state(self) -> SessionState:
        """`ended` once it was stopped, `listening` while it runs, else `initial`."""
        if self._active:
            return SessionState.LISTENING
        return SessionState.ENDED if self._stopped else SessionState.INITIAL

    def on_state_changed(self, callback: StateCallback | None) -> None:
        """Call `callback` with each new state; replaces the one registered before, None removes it."""
        self._callback = callback

    async def start(self) -> None:
        """Begin to run.

        Raises:
            SessionError: `session_already_active`; `internal_error` if it is to fail.
            Exception: `error`, if there is one.
        """
        self.calls += 1
        if self._active:
            raise SessionError("start", ErrorCode.SESSION_ALREADY_ACTIVE, "the session is running")
        await self._work("start")
        self._change(active=True)

    async def stop(self, *, drain: bool = False) -> None:  # noqa: ARG002 - as `VoiceSession.stop`
        """End.

        Raises:
            SessionError: `session_not_active`; `internal_error` if it is to fail.
            Exception: `error`, if there is one.
        """
        self.calls += 1
        self._check("stop")
        await self._work("stop")
        self._change(active=False)

    def say(self, text: str, *, allow_interruptions: bool = True) -> SayHandle:  # noqa: ARG002
        """Note `text`, and return a handle that has ended: it was played.

        Raises:
            SessionError: `session_not_active`.
        """
        self._check("say")
        self.said.append(text)
        number, loop = -len(self.said), asyncio.get_running_loop()
        ended: asyncio.Future[UtteranceEnded] = loop.create_future()
        ended.set_result(UtteranceEnded(loop.time(), number, Source.SAY, Outcome.PLAYED, text, ""))
        return SayHandle(number, text, ended, lambda _: None)

    def send_text(self, text: str) -> None:
        """Note `text`.

        Raises:
            SessionError: `session_not_active`.
        """
        self._check("send_text")
        self.written.append(text)

    def process_audio(self, audio: AudioFrame | bytes, sample_rate: int = 16000) -> None:  # noqa: ARG002
        """Note `audio`.

        Raises:
            SessionError: `session_not_active`.
        """
        self._check("process_audio")
        self.heard.append(audio)

    def _check(self, op: str) -> None:
        if not self._active:
            raise SessionError(op, ErrorCode.SESSION_NOT_ACTIVE, "the session does not run; start it first")

    async def _work(self, op: str) -> None:
        await asyncio.sleep(self.network_delay)
        await asyncio.sleep(self.processing_delay)
        if self.error is not None:
            raise self.error
        if self.fails:
            raise SessionError(op, ErrorCode.INTERNAL_ERROR, "the test says that it fails")

    def _change(self, *, active: bool) -> None:
        self._active, self._stopped = active, not active
        if self._callback is not None:
            self._callback(self.state)
