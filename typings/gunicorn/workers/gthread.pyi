from socket import socket
from typing import Any

class ThreadWorker:
    age: int
    nr_conns: int
    cfg: Any
    def notify(self) -> None: ...
    def accept(self, listener: socket) -> None: ...
