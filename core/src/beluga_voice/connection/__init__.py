"""Connections to vendors that are looked after: WebSockets with deadlines, keep-alive, retries and replay; HTTP.

The decisions are pure (`Supervisor`, `status_error`, `EventParser`); aiohttp, core's extra ``net``, is loaded by
the first connection.
"""

from beluga_voice.connection.http import HttpClient, HttpPolicy, HttpResponse
from beluga_voice.connection.link import Driver, Link
from beluga_voice.connection.policy import ConnectionPolicy, Supervisor
from beluga_voice.connection.request import Message, Request, Service
from beluga_voice.connection.socket import Connector, Pool, Socket
from beluga_voice.connection.sse import EventParser, ServerEvent
from beluga_voice.connection.status import is_retryable, retry_after, status_error

__all__ = [
    "ConnectionPolicy",
    "Connector",
    "Driver",
    "EventParser",
    "HttpClient",
    "HttpPolicy",
    "HttpResponse",
    "Link",
    "Message",
    "Pool",
    "Request",
    "ServerEvent",
    "Service",
    "Socket",
    "Supervisor",
    "is_retryable",
    "retry_after",
    "status_error",
]
