"""The calls of a server: each is a session that outlives its connections."""

from __future__ import annotations

import asyncio
import logging
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field

import beluga_voice.events as ev
from beluga_voice.audio import AudioFrame
from beluga_voice.contracts import Connection, SessionSnapshot
from beluga_voice.contracts.server import INPUT_SAMPLE_RATE
from beluga_voice.conversation import Message
from beluga_voice.session import VoiceSession
from beluga_voice_server.line import Line
from beluga_voice_server.messages import VERSION, Bye, Keys, Ping, Text, bad, history_of, message_of, read
from beluga_voice_server.settings import ServerSettings
from beluga_voice_server.tokens import Claims, Purpose, Tokens, today

logger = logging.getLogger(__name__)

LONGEST_FRAME = INPUT_SAMPLE_RATE
"""Samples that a connection may bring at once."""


Closer = Callable[[Connection, str, str], None]
"""Closes a connection in the background, with a code and a reason."""


@dataclass
class Call:
    """A session, and who is connected to it.

    Attributes:
        session: the session.
        line: its transport.
        client: whose it is, by address; empty for one that the host let in.
        profile: of the settings.
        number: of the newest resume token that the caller is known to have.
        issued: of the newest resume token there is.
        seat: the connection that is on the line; None while the caller is away.
        zero: when the session began, on the loop's clock.
        unsaved: something was said since the last snapshot.
        kept: its snapshot stays when it ends, for another process to go on.
    """

    session: VoiceSession
    line: Line
    client: str
    profile: str | None
    number: int = 0
    issued: int = 0
    seat: Seat | None = None
    zero: float = 0.0
    unsaved: asyncio.Event = field(default_factory=asyncio.Event)
    kept: bool = False
    _grace: asyncio.TimerHandle | None = None

    def accepts(self, number: int) -> bool:
        """Whether a resume token is the newest that the caller has, or the one after that."""
        return number in (self.number, self.number + 1) and 0 < number <= self.issued

    def snapshot(self) -> SessionSnapshot:
        """Return what is to survive."""
        data = {"number": str(self.number), "issued": str(self.issued), "client": self.client}
        return SessionSnapshot(self.session.session_id, today(), self.session.history, self.profile, data)

    def show(self, event: ev.Event) -> None:
        """Tell the caller what happened."""
        if isinstance(event, (ev.TurnClosed, ev.TurnCommitted, ev.UtteranceEnded)):
            self.unsaved.set()
        if self.seat is not None and (message := message_of(event, self.zero)) is not None:
            self.seat.connection.tell(message)

    def wait_for_caller(self, grace: float) -> None:
        """Hang up unless somebody is connected in `grace` seconds."""
        self.welcome_back()
        self._grace = asyncio.get_running_loop().call_later(grace, self.line.hang_up)

    def welcome_back(self) -> None:
        """Do not hang up."""
        if self._grace is not None:
            self._grace.cancel()
            self._grace = None


class Seat:
    """A call as one connection sees it: a `beluga_voice.contracts.Joined`.

    Args:
        call: the call.
        connection: who is there.
        tokens: sign the token that resumes it.
        settings: of the server.
        resumed: whether the session went on, rather than began.
        close: closes a connection in the background, telling it why.
    """

    def __init__(
        self,
        call: Call,
        connection: Connection,
        tokens: Tokens,
        settings: ServerSettings,
        *,
        resumed: bool,
        close: Closer,
    ) -> None:
        self.connection = connection
        self.resumed = resumed
        self.heard_at = asyncio.get_running_loop().time()
        self._call = call
        self._settings = settings
        self._close = close
        self._begun = self._gone = False
        self._confirmed = False
        call.issued = self._number = call.number + 1
        expires = today() + settings.resume_lifetime
        self.token = tokens.sign(
            Claims(Purpose.RESUME, call.session.session_id, expires, self._number, call.profile)
        )

    @property
    def session_id(self) -> str:
        """The session's name."""
        return self._call.session.session_id

    @property
    def history(self) -> Sequence[Message]:
        """What was said."""
        return self._call.session.history

    def welcome(self) -> Mapping[str, object]:
        """The first message to the caller."""
        return {
            "type": "welcome",
            "version": VERSION,
            "session_id": self.session_id,
            "resume": self.token,
            "resumed": self.resumed,
            "grace": self._settings.grace,
            "idle": self._settings.idle,
            "state": self._call.session.state,
            "history": history_of(self.history),
        }

    def begin(self) -> None:
        """Take the line: from now on the caller hears the agent, and is told what happens."""
        if self._gone or self._begun:
            return
        if self._call.session.state is ev.SessionState.ENDED:
            self.lose("ended", "the session has ended")
            return
        self._begun = True
        before, self._call.seat = self._call.seat, self
        if before is not None:
            before.lose("taken_over", "another connection has taken over this session")
        self._call.welcome_back()
        self._call.line.connect(self.connection)

    def lose(self, code: str, reason: str) -> None:
        """Lose the line to another connection, or to the session's end."""
        self._gone = True
        self._close(self.connection, code, reason)

    def hear(self, frame: AudioFrame) -> None:
        """Take the caller's audio."""
        if self._confirm():
            if len(frame.samples) > LONGEST_FRAME:
                raise bad(f"{frame.duration:.1f} s of audio at once; allowed is 1 s")
            if frame.sample_rate != INPUT_SAMPLE_RATE:
                raise bad(f"a frame at {frame.sample_rate} Hz; it must be at {INPUT_SAMPLE_RATE} Hz")
            self._call.line.hear(frame)

    def receive(self, message: object) -> None:
        """Take a message of the caller's."""
        asked = read(message)
        if not self._confirm():
            return
        match asked:
            case Text(text):
                self._call.session.send_text(text)
            case Keys(keys):
                self._call.line.press(keys)
            case Ping(identity):
                self.connection.tell({"type": "pong", "id": identity})
            case Bye():
                self._call.line.hang_up()

    def leave(self, error: Exception | None = None) -> None:
        """Let the call wait for another connection."""
        if self._gone:
            return
        self._gone = True
        if error is not None:
            logger.info("session %s: its caller is gone: %s", self.session_id, error)
        if self._begun and self._call.seat is self:
            self._call.seat = None
            self._call.line.connect(None)
            self._call.wait_for_caller(self._settings.grace)
        elif self._call.seat is None and not self.resumed:
            self._call.wait_for_caller(0)

    def _confirm(self) -> bool:
        """The caller is heard, so that they have this connection's token; returns whether they are on the line."""
        if not self._begun or self._gone:
            return False
        self.heard_at = asyncio.get_running_loop().time()
        if not self._confirmed:
            self._confirmed = True
            self._call.number = max(self._call.number, self._number)
            self._call.unsaved.set()
        return self._call.session.state is not ev.SessionState.ENDED
