"""A stand-in for API Gateway in front of the operator API: it checks AWS Signature Version 4, by code of its own.

It refuses a request without the expected signature, and forwards any other with the operator key of `local`.
"""

import hashlib
import hmac
import re
import threading
import urllib.error
import urllib.parse
import urllib.request
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer

REGION = "eu-central-1"
SIGNED = ("host", "x-amz-date", "x-amz-security-token")


class SignedApi:
    """Serves the operator API of `local` to callers with these credentials, until the end of the `with` block."""

    def __init__(self, local, credentials):
        self.local, self.credentials = local, credentials

    def __enter__(self):
        handler = type("Handler", (Gateway,), {"local": self.local, "credentials": self.credentials})
        self.server = ThreadingHTTPServer(("127.0.0.1", 0), handler)
        self.server.daemon_threads = True
        threading.Thread(target=self.server.serve_forever, daemon=True).start()
        self.url = f"http://127.0.0.1:{self.server.server_port}"
        return self

    def __exit__(self, *_):
        self.server.shutdown()
        self.server.server_close()

    def environment(self, **more):
        """Returns the variables by which the AWS SDK finds the credentials and the Region."""
        names = ("AWS_ACCESS_KEY_ID", "AWS_SECRET_ACCESS_KEY", "AWS_SESSION_TOKEN")
        return {"BASE": self.url, "AWS_REGION": REGION, **dict(zip(names, self.credentials, strict=True)), **more}


class Gateway(BaseHTTPRequestHandler):
    """Answers one request."""

    protocol_version = "HTTP/1.1"
    # Send header and body in one segment.
    wbufsize = -1

    def do_GET(self):
        """Checks the signature of a request and forwards it."""
        body = self.rfile.read(int(self.headers.get("content-length", 0)))
        if self.headers.get("authorization") == self._expected(body):
            self._reply(*self._forward(body))
        else:
            self._reply(403, b'{"message":"Forbidden"}')

    do_POST = do_GET

    def _expected(self, body):
        """Returns the header that a signature of these credentials has; None if a header is missing."""
        key_id, secret, session_token = self.credentials
        names = re.search("SignedHeaders=([^,]*)", self.headers.get("authorization", ""))
        names = names[1].split(";") if names else []
        if not set(SIGNED) <= set(names) or self.headers["x-amz-security-token"] != session_token:
            return None
        headers = "".join(f"{name}:{self.headers[name].strip()}\n" for name in names)
        path, _, query = self.path.partition("?")
        pairs = sorted((encode(name), encode(value)) for name, value in urllib.parse.parse_qsl(query, True))
        query = "&".join(f"{name}={value}" for name, value in pairs)
        request = [self.command, urllib.parse.quote(path), query, headers, ";".join(names), digest(body)]
        date = self.headers["x-amz-date"]
        scope = f"{date[:8]}/{REGION}/execute-api/aws4_request"
        text = f"AWS4-HMAC-SHA256\n{date}\n{scope}\n" + digest("\n".join(request).encode())
        key = f"AWS4{secret}".encode()
        for part in (*scope.split("/"), text):
            key = hmac.digest(key, part.encode(), "sha256")
        credential = f"Credential={key_id}/{scope}, SignedHeaders={';'.join(names)}"
        return f"AWS4-HMAC-SHA256 {credential}, Signature={key.hex()}"

    def _forward(self, body):
        ready = self.local.ready
        headers = {"Authorization": "Bearer " + ready["operator_key"], "Content-Type": "application/json"}
        request = urllib.request.Request(
            ready["base_url"] + self.path, method=self.command, data=body or None, headers=headers
        )
        try:
            with urllib.request.urlopen(request, timeout=10) as answer:
                return answer.status, answer.read()
        except urllib.error.HTTPError as error:
            return error.code, error.read()

    def _reply(self, status, body):
        self.send_response(status)
        self.send_header("content-type", "application/json")
        self.send_header("content-length", str(len(body)))
        self.end_headers()
        self.wfile.write(body)

    def log_message(self, *_):
        """Logs nothing."""


def encode(text):
    """Encodes a text as the canonical query has it."""
    return urllib.parse.quote(text, safe="-_.~")


def digest(content):
    """Returns the SHA-256 in hexadecimal."""
    return hashlib.sha256(content).hexdigest()
