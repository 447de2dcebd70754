"""Calls over HTTP by many clients at once, from one thread: the clients take as little of the machine as can be."""

import selectors
import socket
import time
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field

READ_BYTES, WITHIN = 65536, 60.0
END_OF_HEAD = b"\r\n\r\n"


@dataclass(frozen=True)
class Call:
    method: str
    path: str
    headers: dict[str, str] = field(default_factory=dict)
    body: bytes = b""

    def wire(self) -> bytes:
        headers = {"Host": "127.0.0.1", **self.headers, "Content-Length": str(len(self.body))}
        lines = [f"{self.method} {self.path} HTTP/1.1", *(f"{name}: {value}" for name, value in headers.items())]
        return "\r\n".join(lines).encode() + END_OF_HEAD + self.body


@dataclass(frozen=True)
class Answer:
    """`seconds` from the first byte sent to the last byte read."""

    status: int
    body: bytes
    seconds: float


class Client:
    """One customer's app: a connection that stays open, and opens anew where the server has closed it."""

    def __init__(self, port: int) -> None:
        self._port, self._read, self._sent_at = port, b"", 0.0
        self.socket = self._connected()

    def _connected(self) -> socket.socket:
        connected = socket.create_connection(("127.0.0.1", self._port), timeout=WITHIN)
        connected.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
        return connected

    def begin(self, wire: bytes) -> None:
        self._read, self._sent_at = b"", time.perf_counter()
        self.socket.sendall(wire)

    def receive(self) -> Answer | None:
        """Takes what has come; the answer once it is whole."""
        piece = self.socket.recv(READ_BYTES)
        if not piece:
            raise ConnectionError("the server closed a connection before it answered")
        self._read += piece
        head, end, body = self._read.partition(END_OF_HEAD)
        if not end or len(body) < (length := _content_length(head)):
            return None
        answer = Answer(int(head[9:12]), body[:length], time.perf_counter() - self._sent_at)
        if b"connection: close" in head.lower():
            self.socket.close()
            self.socket = self._connected()
        return answer

    def send(self, call: Call) -> Answer:
        self.begin(call.wire())
        while (answer := self.receive()) is None:
            pass
        return answer


def _content_length(head: bytes) -> int:
    for line in head.split(b"\r\n"):
        name, _, value = line.partition(b":")
        if name.lower() == b"content-length":
            return int(value)
    raise ValueError("an answer without a length")


def drive(port: int, calls: Sequence[Sequence[Call]]) -> tuple[list[list[Answer]], float]:
    """Each list of calls by a client of its own, all at once; the answers, and the seconds it took in all."""
    ready: list[Iterator[bytes]] = [iter([call.wire() for call in own]) for own in calls]
    clients = [Client(port) for _ in calls]
    answers: list[list[Answer]] = [[] for _ in calls]
    started = time.perf_counter()
    with selectors.DefaultSelector() as selector:
        for number, client in enumerate(clients):
            _next(selector, number, client, ready[number])
        while selector.get_map():
            for key, _ in selector.select(WITHIN) or _silent():
                number = key.data
                answer = clients[number].receive()
                if answer is not None:
                    answers[number].append(answer)
                    selector.unregister(key.fileobj)
                    _next(selector, number, clients[number], ready[number])
    seconds = time.perf_counter() - started
    for client in clients:
        client.socket.close()
    return answers, seconds


def _next(selector: selectors.BaseSelector, number: int, client: Client, ready: Iterator[bytes]) -> None:
    wire = next(ready, None)
    if wire is not None:
        client.begin(wire)
        selector.register(client.socket, selectors.EVENT_READ, number)


def _silent() -> list[tuple[selectors.SelectorKey, int]]:
    raise TimeoutError(f"no answer within {WITHIN} s")


def percentile(seconds: Sequence[float], share: float) -> float:
    """Milliseconds within which this share of the answers came."""
    ranked = sorted(seconds)
    return 1000 * ranked[min(len(ranked) - 1, int(share * len(ranked)))]
