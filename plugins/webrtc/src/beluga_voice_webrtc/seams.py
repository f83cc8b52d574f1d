"""What is reached of aiortc and aioice beyond their public API: all of it here, for the versions that are pinned.

* The receiver's jitter buffer holds four packets, 80 ms, before it gives the first; after a loss it waits until it
  is full, and is 300 ms late from then on. `Reordering` takes its place.
* The gatherer binds any port of any address; `gather_on` binds those of the settings.
* How many packets have come is counted by the DTLS transport.
* A peer connection connects in tasks that it does not keep; and one whose offer was half taken fails to close, with
  its sockets open. `Closing` ends both.

A test fails where a version lacks one of these.
"""

from __future__ import annotations

import asyncio
import logging
import random
from collections.abc import Callable, Sequence
from typing import Any, cast

from aioice import Candidate, Connection
from aioice.candidate import candidate_foundation, candidate_priority
from aioice.ice import StunProtocol, get_host_addresses, server_reflexive_candidate
from aiortc import RTCDtlsTransport, RTCPeerConnection, RTCRtpReceiver
from aiortc.jitterbuffer import JitterFrame
from aiortc.rtp import RtpPacket

logger = logging.getLogger(__name__)

SEQUENCE = 1 << 16
JUMP = 100
"""Packets by which a stream may be out of order; beyond, it began anew."""


class Reordering:
    """Puts packets in order: one that is expected goes on at once, others wait for a missing one.

    Args:
        waiting: packets that may wait; then what is missing is given up.
        deliver: takes a packet when several go on at once; the last is returned by `add`.
    """

    def __init__(self, waiting: int, deliver: Callable[[RtpPacket], None]) -> None:
        self._most = waiting
        self._deliver = deliver
        self._expected: int | None = None
        self._kept: dict[int, RtpPacket] = {}

    def add(self, packet: RtpPacket) -> tuple[bool, JitterFrame | None]:
        """Take a packet; return what goes on, as aiortc's own jitter buffer does."""
        ready = self.put(packet)
        for each in ready[:-1]:
            self._deliver(each)
        return False, (frame_of(ready[-1]) if ready else None)

    def put(self, packet: RtpPacket) -> list[RtpPacket]:
        """Take a packet; return those that go on, in order."""
        if self._expected is None:
            self._expected = packet.sequence_number
        ahead = (packet.sequence_number - self._expected) % SEQUENCE
        if ahead >= SEQUENCE - JUMP:
            return []  # late, or twice
        if ahead > JUMP:
            self._expected, ahead = packet.sequence_number, 0
            self._kept.clear()
        self._kept[packet.sequence_number] = packet
        if ahead and len(self._kept) > self._most:
            self._expected = self._first()
        return self._take()

    def _first(self) -> int:
        """The first of those that wait."""
        assert self._expected is not None
        start = (self._expected - JUMP) % SEQUENCE
        return min(self._kept, key=lambda number: (number - start) % SEQUENCE)

    def _take(self) -> list[RtpPacket]:
        ready = []
        while (found := self._kept.pop(cast("int", self._expected), None)) is not None:
            if found.payload:  # else padding, or a probe of the network; a decoder would take it for the end
                ready.append(found)
            self._expected = (found.sequence_number + 1) % SEQUENCE
        return ready


def frame_of(packet: RtpPacket) -> JitterFrame:
    """Return what aiortc hands to its decoder: an audio packet is a frame."""
    return JitterFrame(data=cast("Any", packet)._data, timestamp=packet.timestamp)


def reorder(receiver: RTCRtpReceiver, waiting: int) -> Reordering:
    """Put a `Reordering` in the place of the jitter buffer of a receiver of audio."""
    private = vars(receiver)
    codecs, decoder = private["_RTCRtpReceiver__codecs"], private["_RTCRtpReceiver__decoder_queue"]
    mapper = private["_RTCRtpReceiver__timestamp_mapper"]
    assert "_RTCRtpReceiver__jitter_buffer" in private

    def deliver(packet: RtpPacket) -> None:
        frame = frame_of(packet)
        frame.timestamp = mapper.map(frame.timestamp)
        decoder.put((codecs[packet.payload_type], frame))

    buffer = Reordering(waiting, deliver)
    private["_RTCRtpReceiver__jitter_buffer"] = buffer
    return buffer


class Closing:
    """Closes a peer connection wholly. Made before the connection is used."""

    def __init__(self, peer: RTCPeerConnection) -> None:
        self._peer = peer
        self._tasks: set[asyncio.Task[object]] = set()
        connect = cast("Any", peer)._RTCPeerConnection__connect

        async def connect_kept() -> None:
            task = asyncio.current_task()
            assert task is not None
            self._tasks.add(task)
            task.add_done_callback(self._tasks.discard)
            await connect()

        vars(peer)["_RTCPeerConnection__connect"] = connect_kept

    async def close(self, deadline: float) -> None:
        """Close it, in `deadline` seconds at most; whatever it raises, no socket and no task is left."""
        transports = transports_of(self._peer)
        try:
            async with asyncio.timeout(deadline):
                await self._peer.close()
        except Exception as error:  # noqa: BLE001 - the boundary to aiortc
            logger.info("a peer connection did not close by itself: %r", error)
            for transport in transports:
                await _close_sockets(transport)
        for task in tuple(self._tasks):
            task.cancel()
        if self._tasks:
            await asyncio.wait(tuple(self._tasks), timeout=deadline)


def transports_of(peer: RTCPeerConnection) -> list[RTCDtlsTransport]:
    """Return the transports of a peer connection: one, if media and data are bundled."""
    found = [each.receiver.transport for each in peer.getTransceivers()]
    if peer.sctp is not None and peer.sctp.transport is not None:
        found.append(peer.sctp.transport)
    return list(dict.fromkeys(found))


async def _close_sockets(transport: RTCDtlsTransport) -> None:
    try:
        async with asyncio.timeout(1):
            await transport.stop()
            await transport.transport.stop()
    except Exception as error:  # noqa: BLE001 - the boundary to aiortc
        logger.warning("a transport of a peer connection did not close: %r", error)


def packets_received(transport: RTCDtlsTransport) -> int:
    """Return how many packets of media and data have come."""
    return cast("int", vars(transport)["_RTCDtlsTransport__rx_packets"])


def gather_on(transport: RTCDtlsTransport, addresses: Sequence[str], ports: range) -> None:
    """Have the gatherer of a transport, before it gathers, bind `addresses` and `ports`; all and any if empty."""
    connection: Connection = transport.transport.iceGatherer._connection
    original = connection.get_component_candidates

    async def gather(component: int, addresses: Sequence[str], timeout: int = 5) -> list[Candidate]:
        protocols = [await _bind(connection, address, ports) for address in chosen or addresses]
        candidates = []
        for protocol in protocols:
            host, port = protocol.transport.get_extra_info("sockname")[:2]
            candidate = Candidate(
                foundation=candidate_foundation("host", "udp", host),
                component=component,
                transport="udp",
                priority=candidate_priority(component, "host"),
                host=host,
                port=port,
                type="host",
            )
            protocol.local_candidate = candidate
            candidates.append(candidate)
            connection._protocols.append(protocol)
            if connection.stun_server and ":" not in host:
                found = await _reflexive(protocol, connection.stun_server)
                candidates += [found] if found is not None else []
        return candidates + await original(component=component, addresses=[], timeout=timeout)  # of TURN

    chosen = tuple(addresses)
    cast("Any", connection).get_component_candidates = gather


async def _bind(connection: Connection, address: str, ports: range) -> StunProtocol:
    """Bind a socket to one of `ports`, in an order that is drawn.

    Raises:
        OSError: none is free.
    """
    loop = asyncio.get_running_loop()
    drawn: Sequence[int] = random.sample(ports, len(ports)) if ports else (0,)
    for number, port in enumerate(drawn, 1):
        try:
            _, protocol = await loop.create_datagram_endpoint(
                lambda: StunProtocol(connection), local_addr=(address, port)
            )
        except OSError:
            if number == len(drawn):
                raise
        else:
            return protocol
    raise AssertionError("there is a port at least")


async def _reflexive(protocol: StunProtocol, server: tuple[str, int]) -> Candidate | None:
    try:
        async with asyncio.timeout(5):
            candidate, _ = await server_reflexive_candidate(protocol, server)
            return candidate
    except (OSError, TimeoutError):
        return None


def host_addresses() -> list[str]:
    """Return the machine's addresses, without loopback."""
    return get_host_addresses(use_ipv4=True, use_ipv6=True)
