"""The server, which is a plugin of its own: what the container asks of it, and how it is had."""

from __future__ import annotations

from contextlib import AbstractAsyncContextManager
from importlib import import_module
from typing import TYPE_CHECKING, Protocol, cast

from beluga_voice.agents import AgentLike
from beluga_voice.contracts import ASGI, Answer, Offer
from beluga_voice.errors import PluginError

if TYPE_CHECKING:
    from beluga_voice.container.facade import VoiceContainer

MODULE = "beluga_voice_server.server"


class Server(Protocol):
    """Serves the callers of one container."""

    @property
    def running(self) -> bool:
        """Whether it takes calls."""

    def run(self) -> AbstractAsyncContextManager[None]:
        """Take calls within the context; at its end, drain."""

    def app(self, agent: AgentLike) -> ASGI:
        """Return an application whose callers `agent` answers."""

    async def answer(
        self, offer: Offer, agent: AgentLike, *, profile: str | None = None, deps: object = None
    ) -> Answer:
        """Answer a WebRTC offer of a caller whom the host has let in."""


def create_server(voice: VoiceContainer) -> Server:
    """Make the server of a container.

    Raises:
        PluginError: beluga-voice-server is not installed.
        ConfigurationError: the settings ``[server]`` are wrong.
    """
    try:
        module = import_module(MODULE)
    except ModuleNotFoundError as error:
        if error.name not in (MODULE, MODULE.partition(".")[0]):
            raise PluginError(f"the server cannot be imported: {error}") from error
        raise PluginError(
            'the server is not installed. Try: pip install "beluga-voice[webrtc]", or beluga-voice[server] without '
            "WebRTC"
        ) from error
    return cast("Server", module.create(voice))
