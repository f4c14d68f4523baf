"""Standard input and output on one side, a TCP connection on the other: ssh's ProxyCommand into the range."""

import os
import selectors
import socket

CHUNK = 65536
LONGEST_CONNECT = 15  # seconds


def relay(host, port):
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
