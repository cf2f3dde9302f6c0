"""An HTTP client for the suites. It sends no header that a check did not ask for."""

import http.client
import json
import urllib.parse
from dataclasses import dataclass

SCIM = "application/scim+json"
ERROR = "urn:ietf:params:scim:api:messages:2.0:Error"


@dataclass
class Answer:
    """An HTTP answer. Header names are in lower case."""

    status: int
    headers: dict
    body: bytes

    def json(self):
        """Returns the body as JSON, or None if it is not JSON."""
        try:
            return json.loads(self.body)
        except ValueError:
            return None

    def check_scim_error(self, status, scim_type=None):
        """Returns why this is not a SCIM error (RFC 7644 §3.12) with this status and scimType, or None if it is."""
        body = self.json()
        if self.status != status:
            return f"want {status}, got {self.brief()}"
        if self.headers.get("content-type") != SCIM:
            return f"content type {self.headers.get('content-type')!r}"
        if not isinstance(body, dict) or ERROR not in body.get("schemas", []):
            return f"not a SCIM error: {self.brief()}"
        if body.get("status") != str(status):
            return f"status member {body.get('status')!r}"
        if scim_type and body.get("scimType") != scim_type:
            return f"want scimType {scim_type}, got {self.brief()}"
        return None

    def brief(self):
        """Returns the answer as one line."""
        return f"{self.status} {self.body[:300].decode('utf-8', 'replace')}"


class Client:
    """Sends requests below one base URL, each on a connection of its own."""

    def __init__(self, target, timeout=15):
        url = urllib.parse.urlsplit(target.base_url)
        self.secure, self.host, self.port, self.prefix = url.scheme == "https", url.hostname, url.port, url.path
        self.token, self.timeout = target.token, timeout

    def call(self, method, path, body=None, headers=None, token=None):
        """Sends one request. `body` is sent as JSON unless it is bytes; a header of None is left out."""
        sent = {"Authorization": f"Bearer {token or self.token}", "Accept": SCIM}
        data = body if body is None or isinstance(body, bytes) else json.dumps(body).encode()
        if data is not None:
            sent["Content-Type"] = SCIM
            sent["Content-Length"] = str(len(data))
        sent.update(headers or {})
        kind = http.client.HTTPSConnection if self.secure else http.client.HTTPConnection
        connection = kind(self.host, self.port, timeout=self.timeout)
        try:
            connection.putrequest(method, self.prefix + path, skip_accept_encoding=True)
            for name, value in sent.items():
                if value is not None:
                    connection.putheader(name, value)
            connection.endheaders()
            self._send(connection, data)
            answer = connection.getresponse()
            return Answer(answer.status, {k.lower(): v for k, v in answer.getheaders()}, answer.read())
        finally:
            connection.close()

    @staticmethod
    def _send(connection, data):
        """Sends a body. A server may answer and close before it has read everything; this is not an error."""
        try:
            for start in range(0, len(data or b""), 65536):
                connection.send(data[start : start + 65536])
        except (BrokenPipeError, ConnectionResetError):
            pass

    def socket_address(self):
        """Returns the host and the port of the server."""
        return self.host, self.port or (443 if self.secure else 80)
