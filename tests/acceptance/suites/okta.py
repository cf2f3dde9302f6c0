"""Runs the checks of Okta's SCIM 2.0 SPEC test, which its app catalogue requires: 53 checks of 12 requests."""

import json
import re
import secrets
import time
import urllib.parse

from gate import tools
from gate.http_client import Client
from gate.report import Outcome

LABEL = "Okta SCIM 2.0 SPEC test"
PLAN = tools.HERE / "data" / "okta-spec.json"
ABSENT = object()


def prepare():
    """Reads the plan; the suite needs only Python."""
    return json.loads(PLAN.read_text("utf-8"))


def run(plan, target, folder):
    """Sends the requests in order, on a tenant that holds one complete user."""
    client, outcome, log = Client(target), Outcome(), []
    values = variables()
    seeded = client.call("POST", "/Users", seed())
    if seeded.status != 201:
        return Outcome.did_not_run(f"the first user was not created: {seeded.brief()}")
    for step in plan["steps"]:
        answer, milliseconds = send(client, plan, step, values)
        log.append(f"{step['method']} {step['path']} -> {answer.brief()}")
        body = answer.json()
        for check in step["checks"]:
            outcome.expect(holds(check, answer, body, milliseconds, values), f"{step['name']}: {check}", answer.brief())
        for name, path in step.get("keep", {}).items():
            kept = at(body, path)
            values[name] = "" if kept is ABSENT else text(kept)
    (folder / "output.log").write_text("\n".join(log), "utf-8")
    return outcome


def variables():
    """Returns new values for the variables of the plan."""
    user_name = f"okta.{secrets.token_hex(6)}@acme.example"
    return {
        "user_name": user_name,
        "user_name_in_capitals": user_name.upper(),
        "email": f"mail.{secrets.token_hex(6)}@acme.example",
        "given_name": "Grace" + secrets.token_hex(3),
        "family_name": "Hopper" + secrets.token_hex(3),
        "unknown_name": f"nobody.{secrets.token_hex(6)}@acme.example",
        "unknown_id": secrets.token_hex(10),
    }


def seed():
    """Returns the complete user that the first request must find."""
    email = "ada@acme.example"
    return {
        "schemas": ["urn:ietf:params:scim:schemas:core:2.0:User"],
        "userName": email,
        "name": {"givenName": "Ada", "familyName": "Byron"},
        "emails": [{"primary": True, "type": "work", "value": email}],
        "active": True,
    }


def send(client, plan, step, values):
    """Sends one request; returns the answer and its milliseconds."""
    headers = dict(plan["headers"][step["headers"]])
    if "authorization" in step:
        headers["Authorization"] = step["authorization"]
    path = urllib.parse.quote(fill(step["path"], values), safe="/?&=@.:")
    started = time.monotonic()
    answer = client.call(step["method"], path, fill(step.get("body"), values), headers)
    return answer, (time.monotonic() - started) * 1000


def holds(check, answer, body, milliseconds, values):
    """Returns whether one check holds."""
    kind, *rest = check
    if kind == "status":
        return answer.status == rest[0]
    if kind == "within_ms":
        return milliseconds < rest[0]
    value = at(body, rest[0])
    if kind == "present":
        return value not in (ABSENT, None, "", [], {})
    if kind == "number":
        return isinstance(value, (int, float)) and not isinstance(value, bool)
    if kind == "holds":
        return isinstance(value, list) and rest[1] in value
    if kind == "equals":
        return text(value) == fill(rest[1], values)
    if kind == "array_unless_zero":
        return at(body, rest[1]) == 0 or isinstance(value, list)
    raise ValueError(f"unknown check {kind}")


def at(body, path):
    """Returns the value at a path such as `Resources[0].name.familyName`, or ABSENT."""
    for key, index in re.findall(r"([^.\[\]]+)|\[(\d+)\]", path):
        try:
            body = body[int(index)] if index else body[key]
        except (KeyError, IndexError, TypeError):
            return ABSENT
    return body


def text(value):
    """Returns a JSON value as the test compares it: `true`, `0`, or the string itself."""
    return value if isinstance(value, str) or value is ABSENT else json.dumps(value)


def fill(value, values):
    """Replaces `{name}` in every string."""
    if isinstance(value, str):
        return re.sub(r"\{(\w+)\}", lambda name: values[name[1]], value)
    if isinstance(value, list):
        return [fill(item, values) for item in value]
    if isinstance(value, dict):
        return {key: fill(item, values) for key, item in value.items()}
    return value
