"""HTTP calls against a real server on this machine."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import asynccontextmanager

import pytest
from aiohttp import web

from beluga_voice.connection import HttpClient, HttpPolicy, Request, Service
from beluga_voice.errors import ClosedError, ProviderError, ProviderTimeoutError

pytestmark = pytest.mark.real_time

Handler = Callable[[web.Request], Awaitable[web.StreamResponse]]


@asynccontextmanager
async def server(handler: Handler) -> AsyncIterator[str]:
    """Serve all paths by `handler`; yields the address."""
    app = web.Application()
    app.router.add_route("*", "/{path:.*}", handler)
    runner = web.AppRunner(app, shutdown_timeout=0.1, handler_cancellation=True)
    await runner.setup()
    site = web.TCPSite(runner, "127.0.0.1", 0)
    await site.start()
    try:
        host, port = runner.addresses[0][:2]
        yield f"http://{host}:{port}"
    finally:
        await runner.cleanup()


def client(**numbers: float) -> HttpClient:
    policy = HttpPolicy(
        **{"first_byte_deadline": 0.3, "idle_deadline": 0.3, "delay": 0.01, "jitter": 0.0, **numbers}
    )  # type: ignore[arg-type]
    return HttpClient(Service("Acme", "ACME_API_KEY"), policy)


async def test_a_call_that_fails_is_made_again_with_its_whole_body() -> None:
    bodies: list[bytes] = []

    async def answer(request: web.Request) -> web.Response:
        bodies.append(await request.read())
        if len(bodies) < 3:
            return web.json_response({"error": {"message": "busy"}}, status=503)
        return web.Response(body=b"well")

    async with server(answer) as url, client() as http:
        body = await http.read(Request(f"{url}/v1", method="POST", body=b"hello", content_type="text/plain"))
    assert body == b"well"
    assert bodies == [b"hello"] * 3


async def test_the_last_refusal_is_told_with_the_vendor_s_words() -> None:
    async def answer(request: web.Request) -> web.Response:
        return web.json_response({"error": {"message": "the model 'x' is unknown"}}, status=404)

    async with server(answer) as url, client() as http:
        with pytest.raises(ProviderError, match=r"HTTP 404\): the model 'x' is unknown") as raised:
            await http.read(Request(f"{url}/v1"))
        assert not raised.value.retryable


async def test_retry_after_is_waited_for() -> None:
    times: list[float] = []
    loop = asyncio.get_running_loop()

    async def answer(request: web.Request) -> web.Response:
        times.append(loop.time())
        if len(times) == 1:
            return web.Response(status=429, headers={"Retry-After": "0.2"})
        return web.Response(body=b"well")

    async with server(answer) as url, client() as http:
        assert await http.read(Request(url)) == b"well"
    assert times[1] - times[0] >= 0.2


async def test_a_vendor_that_asks_for_too_much_patience_is_given_up() -> None:
    calls: list[str] = []

    async def answer(request: web.Request) -> web.Response:
        calls.append(request.path)
        return web.Response(status=429, headers={"Retry-After": "60"})

    async with server(answer) as url, client() as http:
        with pytest.raises(ProviderError, match="asked too often") as raised:
            await http.read(Request(url))
    assert raised.value.retry_after == 60
    assert len(calls) == 1


async def test_a_slow_first_byte_is_bounded_also_after_the_headers() -> None:
    async def answer(request: web.Request) -> web.StreamResponse:
        response = web.StreamResponse()
        await response.prepare(request)
        await asyncio.sleep(5)
        return response

    async with server(answer) as url, client(tries=1) as http:
        with pytest.raises(ProviderTimeoutError, match="Acme"):
            await http.read(Request(url))


async def test_half_an_answer_is_an_error_and_not_an_end() -> None:
    async def answer(request: web.Request) -> web.StreamResponse:
        response = web.StreamResponse()
        await response.prepare(request)
        await response.write(b"half")
        assert request.transport is not None
        request.transport.abort()
        return response

    async with server(answer) as url, client() as http, http.send(Request(url)) as response:
        chunks = response.chunks()
        assert await anext(chunks) == b"half"
        with pytest.raises(ProviderError, match="broke off") as raised:
            await anext(chunks)
    assert raised.value.retryable


async def test_a_stream_that_stands_still_is_cut() -> None:
    async def answer(request: web.Request) -> web.StreamResponse:
        response = web.StreamResponse()
        await response.prepare(request)
        await response.write(b"one")
        await asyncio.sleep(5)
        return response

    async with server(answer) as url, client() as http:
        with pytest.raises(ProviderTimeoutError, match=r"sent nothing for 0\.3 s"):
            await http.read(Request(url))


async def test_server_sent_events_are_read_as_they_come() -> None:
    async def answer(request: web.Request) -> web.StreamResponse:
        response = web.StreamResponse(headers={"Content-Type": "text/event-stream"})
        await response.prepare(request)
        for piece in ("event: delta\nda", 'ta: {"a": 1}\n', "\ndata: [DONE]\n\n"):
            await response.write(piece.encode())
            await asyncio.sleep(0.01)
        return response

    async with server(answer) as url, client() as http, http.send(Request(url)) as response:
        events = [(event.name, event.data) async for event in response.events()]
    assert events == [("delta", '{"a": 1}'), ("message", "[DONE]")]


async def test_leaving_an_answer_half_read_lets_go_of_its_connection() -> None:
    gone = asyncio.Event()

    async def answer(request: web.Request) -> web.StreamResponse:
        response = web.StreamResponse()
        await response.prepare(request)
        try:
            while True:
                await response.write(b"more" * 1000)
                await asyncio.sleep(0.001)
        finally:
            gone.set()

    async with server(answer) as url, client() as http:
        async with http.send(Request(url)) as response:
            await anext(response.chunks())
        async with asyncio.timeout(2):
            await gone.wait()


async def test_nobody_at_the_address_is_retryable_and_names_the_address_without_its_query() -> None:
    async with client(tries=1) as http:
        with pytest.raises(
            ProviderError, match=r"Acme cannot be reached at http://127\.0\.0\.1:9/v1"
        ) as raised:
            await http.read(Request("http://127.0.0.1:9/v1?key=s3cret"))
    assert raised.value.retryable
    assert "s3cret" not in str(raised.value)


async def test_an_address_that_is_none_is_not_tried_again() -> None:
    async with client() as http:
        with pytest.raises(ProviderError, match="no address") as raised:
            await http.read(Request("nowhere"))
    assert not raised.value.retryable


async def test_an_answer_beyond_the_limit_is_given_up() -> None:
    async def answer(request: web.Request) -> web.Response:
        return web.Response(body=b"x" * 1000)

    async with server(answer) as url, client() as http:
        with pytest.raises(ProviderError, match="more than 100 bytes"):
            await http.read(Request(url), limit=100)


async def test_a_closed_client_makes_no_call() -> None:
    http = client()
    await http.aclose()
    with pytest.raises(ClosedError):
        await http.read(Request("http://127.0.0.1:9"))
