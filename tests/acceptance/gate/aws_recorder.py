"""A proxy between the functions and the emulated AWS services that records the permissions each call needs.

A function is identified by the key id in its signature, as AWS identifies its role. Actions and resources are those of
IAM: a transaction needs the permissions of its items, a query of an index the permission for the index.
"""

import http.client
import json
import re
import threading
import urllib.parse
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import NamedTuple

FORWARD_SECONDS = 120
# The action that each kind of item in a transaction needs.
TRANSACTION_ACTIONS = {
    "Put": "PutItem",
    "Update": "UpdateItem",
    "Delete": "DeleteItem",
    "ConditionCheck": "ConditionCheckItem",
    "Get": "GetItem",
}
# The functions of expressions; keywords are in capital letters.
FUNCTIONS = {"attribute_exists", "attribute_not_exists", "begins_with", "if_not_exists", "size"}


class Use(NamedTuple):
    """One action of a function on one resource, which is named by the end of its ARN."""

    function: str
    action: str
    resource: str


class Recorder:
    """Serves all AWS services on one port of loopback until the end of the `with` block."""

    def __init__(self, aws):
        # The suite adds Lambda once the functions run.
        self.upstream = {"dynamodb": aws["dynamodb_endpoint"], "secretsmanager": aws["secretsmanager_endpoint"]}
        self.table = aws["table"]
        self.uses, self.reports, self.lock = set(), [], threading.Lock()
        # Pairs of a use that names one row by its key, or a partition of the table, and the partition.
        self.partitions = set()
        # Writes as IAM may look at them: a use, the partitions of its rows and the names of their attributes. Each
        # item of a transaction is one, and all items of one action together are another.
        self.writes = set()

    def __enter__(self):
        handler = type("Handler", (Forwarder,), {"recorder": self})
        self.server = ThreadingHTTPServer(("127.0.0.1", 0), handler)
        self.server.daemon_threads = True
        threading.Thread(target=self.server.serve_forever, daemon=True).start()
        url = f"http://127.0.0.1:{self.server.server_port}"
        return {"endpoint": url, "table": self.table}

    def __exit__(self, *_):
        self.server.shutdown()
        self.server.server_close()

    def record(self, function, service, operation, request):
        """Records the permissions that a call needs."""
        needed = permissions(service, operation, request)
        found = {Use(function, f"{service}:{action}", resource) for action, resource in needed}
        with self.lock:
            self.uses |= found
            if "Key" in request:
                self.partitions |= {(use, request["Key"]["pk"]["S"]) for use in found}
            if operation == "Query" and "IndexName" not in request:
                self.partitions |= {(use, request["ExpressionAttributeValues"][":pk"]["S"]) for use in found}
            if service == "dynamodb":
                self.writes |= {
                    (Use(function, f"{service}:{action}", resource), partitions, attributes)
                    for action, resource, partitions, attributes in writes(operation, request)
                }
            if service == "codedeploy":
                self.reports.append(request)


class Forwarder(BaseHTTPRequestHandler):
    """Forwards one call and returns its answer."""

    protocol_version = "HTTP/1.1"
    disable_nagle_algorithm = True
    # Send header and body in one segment.
    wbufsize = -1

    def do_POST(self):
        """Forwards a call; every call of these services is a POST."""
        body = self.rfile.read(int(self.headers["content-length"]))
        request = json.loads(body)
        service, operation = self._operation()
        if service == "lambda":
            request = {"FunctionName": urllib.parse.unquote(self.path.split("/")[3])}
        key_id = re.search(r"Credential=([^/]+)/", self.headers["authorization"])[1]
        self.recorder.record(key_id, service, operation, request)
        status, headers, answer = self._forward(service, body)
        self.send_response(status)
        for name in ("content-type", "x-amz-function-error"):
            if headers.get(name):
                self.send_header(name, headers[name])
        self.send_header("content-length", str(len(answer)))
        self.end_headers()
        self.wfile.write(answer)

    def _operation(self):
        """Returns the IAM prefix of the service, and the operation. Only Lambda has it in the path."""
        target = self.headers["x-amz-target"]
        if not target:
            return "lambda", "InvokeFunction"
        service, operation = target.split(".")
        return service.partition("_")[0].lower(), operation

    def _forward(self, service, body):
        if service == "codedeploy":
            return 200, {"content-type": "application/x-amz-json-1.1"}, b"{}"
        upstream = urllib.parse.urlsplit(self.recorder.upstream[service])
        connection = http.client.HTTPConnection(upstream.hostname, upstream.port, timeout=FORWARD_SECONDS)
        try:
            sent = {name: self.headers[name] for name in ("content-type", "x-amz-target") if self.headers[name]}
            connection.request("POST", self.path, body, sent)
            answer = connection.getresponse()
            return answer.status, answer.headers, answer.read()
        finally:
            connection.close()

    def log_message(self, *_):
        """Logs nothing."""


def writes(operation, request):
    """Yields the writes of a call: action, resource, partitions and names of attributes."""
    if operation in ("PutItem", "UpdateItem", "DeleteItem"):
        yield write([(operation, request)])
    elif operation == "TransactWriteItems":
        parts = [(TRANSACTION_ACTIONS[kind], part) for item in request["TransactItems"] for kind, part in item.items()]
        parts = [(action, part) for action, part in parts if action != "ConditionCheckItem"]
        yield from (write([part]) for part in parts)
        for action in {action for action, _ in parts}:
            yield write([part for part in parts if part[0] == action])
    elif operation == "BatchWriteItem":
        for table, rows in request["RequestItems"].items():
            parts = [{"TableName": table, **part} for row in rows for part in row.values()]
            yield write([(operation, part) for part in parts])


def write(parts):
    """Returns one write of several rows: action, resource, partitions and names of attributes."""
    action, first = parts[0]
    rows = [part.get("Key") or part["Item"] for _, part in parts]
    partitions = frozenset(row["pk"]["S"] for row in rows)
    names = {name for _, part in parts for name in attributes(part)}
    return action, "table/" + first["TableName"], partitions, frozenset(names)


def attributes(part):
    """Yields the names of the attributes that a write of one row mentions."""
    yield from part.get("Key") or part["Item"]
    expressions = " ".join(part.get(name, "") for name in ("UpdateExpression", "ConditionExpression"))
    for word in re.findall(r"[:#\w]+", expressions):
        if not (word.startswith(":") or word.isupper() or word.isdigit() or word in FUNCTIONS):
            yield part.get("ExpressionAttributeNames", {}).get(word, word)


def permissions(service, operation, request):
    """Yields the actions that a call needs, each with its resource."""
    if service == "lambda":
        yield operation, "function:" + request["FunctionName"]
    elif service == "codedeploy":
        # Only CodeDeploy knows the deployment group of a deployment.
        yield operation, "deploymentgroup:" + request["deploymentId"]
    elif service == "secretsmanager":
        yield operation, "secret:" + (request.get("SecretId") or request["Name"])
    elif operation in ("TransactWriteItems", "TransactGetItems"):
        for item in request["TransactItems"]:
            for member, part in item.items():
                yield TRANSACTION_ACTIONS[member], "table/" + part["TableName"]
    elif operation in ("BatchGetItem", "BatchWriteItem"):
        for table in request["RequestItems"]:
            yield operation, "table/" + table
    else:
        index = request.get("IndexName")
        yield operation, "table/" + request["TableName"] + (f"/index/{index}" if index else "")
