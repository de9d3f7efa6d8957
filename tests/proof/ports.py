"""Ports of loopback for servers that tests start."""
import os
import random
import socket
from contextlib import ExitStack

_LOWEST, _HIGHEST = 10_240, 22_000
"""Below where systems take the ports of outgoing connections from (32,768 on Linux, 49,152 elsewhere): no client, of
ours or of others, has one of these when a server gets to listen."""
_CHOOSE = random.Random(os.getpid())                              # processes that ask side by side ask for others
_given: set[int] = set()


def free_port(*also: int) -> int:
    """A port that nobody has and that was not given to this process before, nor were those so much higher."""
    while True:
        wanted = {(port := _CHOOSE.randrange(_LOWEST, _HIGHEST)) + more for more in (0, *also)}
        if wanted.isdisjoint(_given) and _can_listen(wanted):
            _given.update(wanted)
            return port


def _can_listen(ports: set[int]) -> bool:
    with ExitStack() as ends:
        for port in ports:
            try:
                ends.enter_context(socket.socket()).bind(("127.0.0.1", port))
            except OSError:
                return False
    return True
