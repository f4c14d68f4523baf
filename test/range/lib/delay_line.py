"""Latency and loss. Many kernels lack sch_netem, so frames cross a queue in user space, between two taps per host."""

import fcntl
import heapq
import json
import os
import random
import selectors
import socket
import struct
import time

TUNSETIFF = 0x400454CA
IFF_TAP, IFF_NO_PI = 0x0002, 0x1000
FRAME = 65536
BURST = 64          # frames of one tap before the others have their turn
SLACK = .0002       # seconds: below this a wait costs more than it gains


class DelayLine:
    """Owns the child process that carries the frames; `set` changes what it does."""

    def __init__(self, hosts, milliseconds):
        taps = {host.name: (_tap(host.name), _tap("e" + host.name)) for host in hosts}
        self._orders, theirs = socket.socketpair(socket.AF_UNIX, socket.SOCK_DGRAM)
        if os.fork() == 0:
            self._orders.close()
            try:
                _carry(taps, theirs, milliseconds)
            finally:
                os._exit(0)
        theirs.close()
        for pair in taps.values():
            for tap in pair:
                os.close(tap)

    def set(self, host, milliseconds, loss_percent):
        self._orders.send(json.dumps([host, milliseconds, loss_percent]).encode())


def _tap(name):
    tap = os.open("/dev/net/tun", os.O_RDWR | os.O_NONBLOCK)
    fcntl.ioctl(tap, TUNSETIFF, struct.pack("16sH22x", name.encode(), IFF_TAP | IFF_NO_PI))
    return tap


def _carry(taps, orders, milliseconds):
    """Ends when the daemon does. Half the delay on the way to the host, half on the way back."""
    delay = {name: milliseconds / 2000 for name in taps}
    loss = {name: 0.0 for name in taps}
    other_end, owner = {}, {}
    for name, (bridge_end, host_end) in taps.items():
        other_end[bridge_end], other_end[host_end] = host_end, bridge_end
        owner[bridge_end] = owner[host_end] = name
    waiting = selectors.DefaultSelector()
    for tap in other_end:
        waiting.register(tap, selectors.EVENT_READ)
    waiting.register(orders, selectors.EVENT_READ)
    queue, sequence = [], 0
    while True:
        for key, _ in waiting.select(max(0, queue[0][0] - time.monotonic()) if queue else None):
            if key.fd == orders.fileno():
                message = orders.recv(4096)
                if not message:
                    return
                host, new_delay, new_loss = json.loads(message)
                for name in taps:
                    if host in ("all", name):
                        delay[name], loss[name] = new_delay / 2000, new_loss / 100
                continue
            name = owner[key.fd]
            for _ in range(BURST):
                try:
                    frame = os.read(key.fd, FRAME)
                except OSError:
                    break
                if loss[name] and random.random() < loss[name]:
                    continue
                sequence += 1
                heapq.heappush(queue, (time.monotonic() + delay[name], sequence, other_end[key.fd], frame))
        now = time.monotonic() + SLACK
        while queue and queue[0][0] <= now:
            _, _, tap, frame = heapq.heappop(queue)
            try:
                os.write(tap, frame)
            except OSError:
                pass  # the link is down: the frame is lost, as on a cable
