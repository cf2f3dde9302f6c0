"""Opens connections that begin a request and never complete it."""

import select
import socket
import time

CONNECTIONS = 50
DROPPED_WITHIN_SECONDS = 30
# Another client may wait this long for an answer meanwhile.
SERVED_WITHIN_SECONDS = 2


class HalfOpen:
    """Fifty connections that stop before the request, within the headers, or within the body."""

    def __init__(self, client):
        head = f"POST {client.prefix}/Users HTTP/1.1\r\nHost: {client.host}\r\n"
        body = (
            f"Authorization: Bearer {client.token}\r\nContent-Type: application/json\r\nContent-Length: 500\r\n\r\n{{"
        )
        openings = (b"", head.encode(), (head + body).encode())
        self.started = time.monotonic()
        self.sockets = []
        for number in range(CONNECTIONS):
            connection = socket.create_connection(client.socket_address(), timeout=5)
            connection.sendall(openings[number % len(openings)])
            connection.setblocking(False)
            self.sockets.append(connection)

    def still_open(self):
        """Waits for the server to close them; returns how many are open at the end of the time."""
        waiting = list(self.sockets)
        while waiting and time.monotonic() - self.started < DROPPED_WITHIN_SECONDS:
            ready, _, _ = select.select(waiting, [], [], 1)
            waiting = [connection for connection in waiting if connection not in ready or not is_closed(connection)]
        for connection in self.sockets:
            connection.close()
        return len(waiting)


def is_closed(connection):
    """Returns whether the server has closed a connection, after an answer such as 408 or without one."""
    try:
        while connection.recv(4096):
            pass
        return True
    except BlockingIOError:
        return False
    except OSError:
        return True
