"""Runs the functions under `cargo lambda watch`, which emulates API Gateway (payload 2.0) and the Lambda runtime."""

import base64
import http.client
import json
import os
import signal
import subprocess
import sys
import time
import urllib.parse
import urllib.request
from dataclasses import dataclass

from gate import rust, tools
from gate.identity_providers import free_port
from gate.name_server import NameServer
from gate.server import Target

START_SECONDS = 120
# The caller of the operator API in an event of API Gateway, which has checked the signature.
OPERATOR = {
    "accessKey": "AKIAOPERATOR",
    "accountId": "123456789012",
    "callerId": "AIDAOPERATOR",
    "cognitoIdentity": None,
    "principalOrgId": None,
    "userArn": "arn:aws:iam::123456789012:user/operator",
    "userId": "AIDAOPERATOR",
}


@dataclass
class OperatorApiError(Exception):
    """An error answer of the operator API."""

    method: str
    path: str
    status: int
    body: object

    def __str__(self):
        return f"{self.method} {self.path}: {self.status} {json.dumps(self.body)[:500]}"


class Functions:
    """All functions behind one address, as `make watch` serves them. Stopped at the end of the `with` block."""

    def __init__(self, aws, folder, *options):
        self.log, self.options = folder / "functions.log", options
        # The operator API takes the caller from the event, as on AWS.
        services = ("DYNAMODB", "SECRETS_MANAGER", "LAMBDA", "CODEDEPLOY")
        self.environment = {
            **{f"AWS_ENDPOINT_URL_{service}": aws["endpoint"] for service in services},
            "GATEHOUSE_DNS": NameServer().address,
            "GATEHOUSE_OPERATOR_AUTH": "iam",
            "RUST_LOG": "info",
        }
        self.port = free_port()
        base_url = f"http://127.0.0.1:{self.port}"
        self.ready = {"base_url": base_url, "scim": {"base_url": base_url + "/scim/v2"}}

    def __enter__(self):
        self.log.unlink(missing_ok=True)
        with open(self.log, "ab") as out:
            # The group contains cargo and the functions.
            self.process = tools.start_group(
                [sys.executable, tools.HERE / "watch.py", "--port", str(self.port), *self.options],
                out,
                {**rust.PLAIN, **self.environment},
            )
        try:
            self._wait_until_it_listens()
        except Exception:
            self.__exit__()
            raise
        return self

    def __exit__(self, *_):
        tools.stop_group(self.process)

    def died(self):
        """Returns why the functions are no longer served, or that one has panicked; None if all is well."""
        code = self.process.poll()
        if code is not None:
            return f"cargo lambda watch ended with code {code}:\n{tools.tail(self.log, 10)}"
        lines = self.log.read_text("utf-8", "replace").split("\n")
        panics = [line for line in lines if "panicked at" in line]
        return f"a function panicked: {panics[0]}" if panics else None

    def interrupt(self):
        """Sends SIGINT, as Ctrl-C does; returns whether the process ends."""
        os.killpg(self.process.pid, signal.SIGINT)
        try:
            self.process.wait(START_SECONDS)
        except subprocess.TimeoutExpired:
            return False
        return True

    def create_tenant(self, name):
        """Creates an empty tenant through the operator API."""
        tenant = self.call_operator_api("POST", "/v1/tenants", {"name": name})
        token = self.call_operator_api("POST", f"/v1/tenants/{tenant['id']}/scim-tokens", {})
        return Target(self.ready["scim"]["base_url"], token["token"], self, tenant["id"])

    def call_operator_api(self, method, path, body=None):
        """Sends one request to the operator API in an event of API Gateway; raises OperatorApiError for an error."""
        answer = self.invoke("admin", api_gateway_event(method, path, body))
        text = answer.get("body") or ""
        if answer.get("isBase64Encoded"):
            text = base64.b64decode(text).decode()
        found = json.loads(text) if text else None
        if answer["statusCode"] >= 300:
            raise OperatorApiError(method, path, answer["statusCode"], found)
        return found

    def invoke(self, function, event):
        """Invokes a function through Lambda's API. cargo-lambda starts the function at its first call."""
        url = f"{self.ready['base_url']}/2015-03-31/functions/{function}/invocations"
        request = urllib.request.Request(url, method="POST", data=json.dumps(event).encode())
        with urllib.request.urlopen(request, timeout=START_SECONDS) as answer:
            return json.loads(answer.read())

    def _wait_until_it_listens(self):
        end = time.monotonic() + START_SECONDS
        while True:
            connection = http.client.HTTPConnection("127.0.0.1", self.port, timeout=START_SECONDS)
            try:
                return connection.connect()
            except ConnectionError:
                if self.process.poll() is not None or time.monotonic() > end:
                    raise tools.SetupError(f"cargo lambda did not start:\n{tools.tail(self.log, 10)}") from None
                time.sleep(0.05)
            finally:
                connection.close()


def api_gateway_event(method, path, body=None):
    """Returns a request of the operator as an event of an HTTP API with IAM authorisation."""
    path, _, query = path.partition("?")
    event = {
        "version": "2.0",
        "routeKey": "ANY /v1/{proxy+}",
        "rawPath": path,
        "rawQueryString": query,
        "headers": {"host": "id.example.com", "x-forwarded-proto": "https"},
        "requestContext": {
            "accountId": "123456789012",
            "apiId": "api",
            "authorizer": {"iam": OPERATOR},
            "domainName": "id.example.com",
            "domainPrefix": "id",
            "http": {
                "method": method,
                "path": path,
                "protocol": "HTTP/1.1",
                "sourceIp": "127.0.0.1",
                "userAgent": "acceptance",
            },
            "requestId": "request",
            "routeKey": "ANY /v1/{proxy+}",
            "stage": "$default",
            "time": "01/Jan/2026:00:00:00 +0000",
            "timeEpoch": 1767225600000,
        },
        "isBase64Encoded": False,
    }
    if query:
        event["queryStringParameters"] = dict(urllib.parse.parse_qsl(query))
    if body is not None:
        event["headers"]["content-type"] = "application/json"
        event["body"] = json.dumps(body)
    return event
