"""The page to talk to the agent, and what it is told of the server: `/`, its files, `/page.json`, `/calls/...`."""

from __future__ import annotations

import hashlib
from collections.abc import Mapping
from dataclasses import dataclass
from functools import cache, cached_property
from importlib.metadata import version
from importlib.resources import files
from pathlib import Path
from typing import TYPE_CHECKING

from starlette.requests import Request
from starlette.responses import FileResponse, JSONResponse, Response

from beluga_voice.errors import BelugaVoiceError, RefusedError
from beluga_voice.journal import explain
from beluga_voice_server.callers import headers_of
from beluga_voice_server.grammar import examples
from beluga_voice_server.kept import FILES

if TYPE_CHECKING:
    from beluga_voice_server.server import Server

TYPES = {
    ".css": "text/css; charset=utf-8",
    ".html": "text/html; charset=utf-8",
    ".js": "text/javascript; charset=utf-8",
    ".jsonl": "application/jsonl",
    ".svg": "image/svg+xml",
    ".wav": "audio/wav",
}

SECURITY = {
    "Content-Security-Policy": (
        "default-src 'none'; script-src 'self'; style-src 'self'; connect-src 'self'; img-src 'self'; "
        "media-src 'self' blob:; base-uri 'none'; form-action 'none'; frame-ancestors 'self'"
    ),
    "Permissions-Policy": "microphone=(self), camera=(), geolocation=()",
    "Referrer-Policy": "no-referrer",
    "X-Content-Type-Options": "nosniff",
}
"""Headers of each file: nothing is loaded from elsewhere, and nothing that stands in the page itself is run."""

LONGEST_GRAMMAR = 1 << 16
"""Bytes of a grammar that are read for examples."""

EXAMPLES = 8


@dataclass(frozen=True, slots=True)
class _File:
    """A file of the page, as it is served."""

    content: bytes
    kind: str
    tag: str


@cache
def _static() -> Mapping[str, _File]:
    """Read the files of the page, once, by the paths at which they are served."""
    found = {}
    for each in (files(__package__) / "static").iterdir():
        kind = TYPES.get(Path(each.name).suffix)
        if kind is not None:
            content = each.read_bytes()
            tag = f'"{hashlib.sha256(content).hexdigest()[:20]}"'
            found["/" if each.name == "index.html" else f"/{each.name}"] = _File(content, kind, tag)
    return found


class Page:
    """Serves the page."""

    def __init__(self, server: Server) -> None:
        self._server = server

    def answer(self, request: Request, path: str, *, trusted: bool) -> Response | None:
        """Answer a GET; None if `path` is none of the page's.

        Args:
            request: as it came.
            path: within the server.
            trusted: whether it comes from this machine.

        Raises:
            RefusedError: a call is not kept, or not for whom asks.
        """
        if (file := _static().get(path)) is not None:
            headers = {**SECURITY, "ETag": file.tag, "Cache-Control": "no-cache"}
            if file.tag in headers_of(request.scope).get("if-none-match", ""):
                return Response(status_code=304, headers=headers)
            return Response(file.content, media_type=file.kind, headers=headers)
        if path == "/page.json":
            return JSONResponse(self._about(trusted=trusted), headers={"Cache-Control": "no-store"})
        match path.split("/"):
            case ["", "calls", session_id, name] if name in FILES:
                return self._kept(session_id, name, trusted=trusted)
        return None

    def _kept(self, session_id: str, name: str, *, trusted: bool) -> Response:
        file = self._server.kept.find(session_id, name) if trusted else None
        if file is None:
            raise RefusedError(
                404, "not_kept", "the call is not kept, or not any more; server.keep says how many"
            )
        headers = {"Cache-Control": "no-store", "X-Content-Type-Options": "nosniff"}
        return FileResponse(
            file, media_type=TYPES[file.suffix], filename=f"{session_id}.{name}", headers=headers
        )

    def _about(self, *, trusted: bool) -> dict[str, object]:
        server = self._server
        settings = server.voice.settings
        return {
            "version": version("beluga-voice-server"),
            "transports": list(server.routes),
            "open": trusted or (server.settings.key is None and server.settings.public),
            "key": server.settings.key is not None,
            "keeps": trusted and server.settings.keep > 0,
            "profiles": sorted(settings.sessions) if trusted else [],
            "hearing": self._hearing,
            "explain": {
                "rules": explain.RULES,
                "commands": {kind.__name__: text for kind, text in explain.COMMANDS.items()},
                "announcements": {kind.__name__: text for kind, text in explain.ANNOUNCEMENTS.items()},
                "details": sorted(kind.__name__ for kind in explain.DETAILS),
                "seen": explain.SEEN,
            },
        }

    @cached_property
    def _hearing(self) -> dict[str, object]:
        """Tell who recognises, and what can be said if a grammar bounds it."""
        voice = self._server.voice
        chosen = voice.settings.stt
        if voice.settings.s2s.provider is not None or chosen.provider is None:
            return {"provider": voice.settings.s2s.provider, "others": [], "sentences": []}
        others = [name for name in voice.plugins.stt.names() if name != chosen.provider]
        told = {"provider": chosen.provider, "others": others}
        try:
            grammar = getattr(chosen.settings(voice.plugins), "grammar", None)
            text = "" if grammar is None else Path(grammar).read_bytes()[:LONGEST_GRAMMAR].decode()
        except (BelugaVoiceError, OSError, UnicodeDecodeError, TypeError):  # whoever opens it will tell
            text = ""
        return {**told, "grammar": bool(text), "sentences": examples(text, EXAMPLES)}
