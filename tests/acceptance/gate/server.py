"""Starts the server `local` on a free port with an empty store, and creates tenants in it."""

import json
import os
import select
import subprocess
import time
import urllib.request

from gate import tools
from gate.name_server import NameServer

START_SECONDS = 30


class Target:
    """A tenant to test: the SCIM base URL, a token of the tenant, and its server unless it is a remote one."""

    def __init__(self, base_url, token, local=None, tenant=None):
        self.base_url, self.token, self.local, self.tenant = base_url.rstrip("/"), token, local, tenant


class Local:
    """The server `local` with its data in memory, stopped at the end of the `with` block."""

    def __init__(self, binary, folder):
        self.binary, self.folder = binary, folder

    def arguments(self):
        """Returns the place of the data, and the port."""
        return ["--ephemeral", "--port", "0"]

    def __enter__(self):
        self.folder.mkdir(parents=True, exist_ok=True)
        self.log = self.folder / "server.log"
        with open(self.log, "wb") as err:
            self.process = subprocess.Popen(
                [self.binary, *self.arguments(), "--json", "--dns", NameServer().address],
                stdin=subprocess.DEVNULL,
                stdout=subprocess.PIPE,
                stderr=err,
                cwd=self.folder,
            )
        try:
            self.ready = json.loads(self._first_line())
        except Exception:
            self.__exit__()
            raise
        return self

    def __exit__(self, *_):
        self.process.terminate()
        try:
            self.process.wait(10)
        except subprocess.TimeoutExpired:
            self.process.kill()
            self.process.wait()
        self.process.stdout.close()

    def died(self):
        """Returns why the server is no longer running, or None if it is running."""
        code = self.process.poll()
        return None if code is None else f"the server ended with code {code}:\n{tools.tail(self.log, 10)}"

    def panics(self):
        """Returns the lines of the server's log that report a panic."""
        lines = self.log.read_text("utf-8", "replace").split("\n")
        return [line for line in lines if "panicked at" in line]

    def create_tenant(self, name):
        """Creates an empty tenant through the operator API."""
        tenant = self.call_operator_api("POST", "/v1/tenants", {"name": name})
        token = self.call_operator_api("POST", f"/v1/tenants/{tenant['id']}/scim-tokens", {})
        return Target(self.ready["scim"]["base_url"], token["token"], self, tenant["id"])

    def call_operator_api(self, method, path, body=None):
        """Sends one request to the operator API; returns its JSON."""
        request = urllib.request.Request(
            self.ready["base_url"] + path,
            method=method,
            data=None if body is None else json.dumps(body).encode(),
            headers={
                "Authorization": "Bearer " + self.ready["operator_key"],
                "Content-Type": "application/json",
            },
        )
        with urllib.request.urlopen(request, timeout=10) as answer:
            return json.loads(answer.read() or b"null")

    def _first_line(self):
        line, stdout = b"", self.process.stdout.fileno()
        end = time.monotonic() + START_SECONDS
        while not line.endswith(b"\n"):
            readable, _, _ = select.select([stdout], [], [], max(0, end - time.monotonic()))
            piece = os.read(stdout, 65536) if readable else b""
            if not piece:
                raise tools.SetupError(f"the server did not start:\n{tools.tail(self.log, 10)}")
            line += piece
        return line
