"""Loopback ports: whether one is free, and which one a private server gets."""

import random
import socket
from pathlib import Path

# Below the kernel's range for outgoing connections (32768-60999 on Linux): no client's own port can sit on a kept one.
FIRST_PORT, LAST_PORT = 20_000, 32_000


def free(port: int, host: str = "127.0.0.1", kind: socket.SocketKind = socket.SOCK_STREAM) -> bool:
    """Whether a server could listen on host:port now (TCP, or UDP as `kind` says)."""
    family = socket.AF_INET6 if ":" in host else socket.AF_INET
    with socket.socket(family, kind) as probe:
        if kind == socket.SOCK_STREAM:  # on UDP it would let two servers share the port
            probe.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        try:
            probe.bind((host, port))
        except OSError:
            return False
    return True


def choose(kind: socket.SocketKind = socket.SOCK_STREAM) -> int:
    """A free loopback port, at random so that several homes on one machine rarely meet."""
    for _ in range(200):
        port = random.randint(FIRST_PORT, LAST_PORT)
        if free(port, kind=kind):
            return port
    raise OSError(f"no free loopback port between {FIRST_PORT} and {LAST_PORT}")


def kept(file: Path, kind: socket.SocketKind = socket.SOCK_STREAM) -> int:
    """The port written in `file` if it is still free, else a new one, which is written there."""
    try:
        port = int(file.read_text())
    except (OSError, ValueError):
        port = 0
    if not (0 < port < 65_536 and free(port, kind=kind)):
        port = choose(kind)
        file.write_text(f"{port}\n")
    return port
