"""A name server that knows no name, so that a check of a domain gets an answer on every machine."""

import socketserver
import threading


class NameServer:
    """Answers every question by UDP with NXDOMAIN until the process ends."""

    def __init__(self):
        self.server = socketserver.UDPServer(("127.0.0.1", 0), Answer)
        host, port = self.server.server_address
        self.address = f"{host}:{port}"
        threading.Thread(target=self.server.serve_forever, daemon=True).start()


class Answer(socketserver.BaseRequestHandler):
    """The answer to one message (RFC 1035 §4.1)."""

    def handle(self):
        """Repeats the question with the code NXDOMAIN and no records."""
        message, connection = self.request
        end = 12
        while message[end]:
            end += message[end] + 1
        # The name ends with a length of zero; the type and the class follow.
        question = message[12 : end + 5]
        flags = bytes([0x80 | (message[2] & 0x79), 0x83])
        connection.sendto(message[:2] + flags + b"\x00\x01" + bytes(6) + question, self.client_address)
