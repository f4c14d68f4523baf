"""What runs on the controller: ssh's ProxyCommand into the range, and knocking at the hosts' doors."""

import os
import selectors
import socket
import time

CHUNK = 65536
LONGEST_CONNECT = 15  # seconds


def relay(host, port):
    """Standard input and output on one side, a TCP connection on the other, until the other end closes."""
    connection = socket.create_connection((host, int(port)), LONGEST_CONNECT)
    connection.settimeout(None)
    sources = selectors.DefaultSelector()
    sources.register(0, selectors.EVENT_READ)
    sources.register(connection, selectors.EVENT_READ)
    while True:
        for key, _ in sources.select():
            if key.fileobj == 0:
                data = os.read(0, CHUNK)
                if data:
                    connection.sendall(data)
                else:
                    sources.unregister(0)
                    connection.shutdown(socket.SHUT_WR)
            else:
                data = connection.recv(CHUNK)
                if not data:
                    return
                while data:
                    data = data[os.write(1, data):]


def knock(seconds, *addresses):
    """Prints each address as soon as something listens on its port 22; ends when all do or the time is over."""
    end = time.monotonic() + float(seconds)
    waiting = list(addresses)
    while waiting and time.monotonic() < end:
        for address in list(waiting):
            try:
                socket.create_connection((address, 22), 1).close()
            except OSError:
                continue
            waiting.remove(address)
            print(address, flush=True)
        time.sleep(.02)
