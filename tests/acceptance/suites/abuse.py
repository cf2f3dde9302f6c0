"""Sends hostile and broken requests. Each must get the right SCIM error, store nothing and never get a 5xx.

The load is bounded: one client, only the requests listed below and in `work`, bodies of at most 12 MB.
"""

import json
import secrets
import time
import urllib.parse

from gate.http_client import Client
from gate.report import Outcome

from suites import work
from suites.half_open import DROPPED_WITHIN_SECONDS, SERVED_WITHIN_SECONDS, HalfOpen

LABEL = "abuse checks"
USER = "urn:ietf:params:scim:schemas:core:2.0:User"
GROUP = "urn:ietf:params:scim:schemas:core:2.0:Group"
PATCH = "urn:ietf:params:scim:api:messages:2.0:PatchOp"
SEARCH = "urn:ietf:params:scim:api:messages:2.0:SearchRequest"
# A slower answer has cost the server more than the request has cost its sender.
ANSWER_SECONDS = 3


def prepare():
    """Installs nothing: the suite needs only Python."""


def run(_, target, folder):
    """Runs every check against one user, which must be unchanged at the end."""
    checks = Abuse(Client(target, timeout=20))
    half_open = HalfOpen(checks.client)
    for check in (bodies, deep_json, filters, paging, patches, authorization, ids, media_types, conditions, duplicates):
        check(checks)
    open_still = half_open.still_open()
    checks.expect(
        open_still == 0,
        f"half-open connections are dropped within {DROPPED_WITHIN_SECONDS} s",
        f"{open_still} of {len(half_open.sockets)} are still open",
    )
    checks.expect_no_changes()
    if work.is_measurable(target):
        work.check(checks, target)
    if target.local:
        checks.expect(target.local.died() is None, "the server is still running", target.local.died() or "")
        panics = target.local.panics()
        checks.expect(not panics, "no thread of the server has panicked", "; ".join(panics[:3]))
    (folder / "output.log").write_text("\n".join(checks.log), "utf-8")
    return checks.outcome


class Abuse:
    """A client, the only user of the tenant, and the outcome so far."""

    def __init__(self, client):
        self.client, self.outcome, self.log = client, Outcome(), []
        self.user_name = f"Victim.{secrets.token_hex(4)}@acme.example"
        created = client.call("POST", "/Users", user(self.user_name))
        if created.status != 201:
            raise RuntimeError(f"the first user was not created: {created.brief()}")
        self.id = created.json()["id"]
        self.path = f"/Users/{self.id}"
        self.before = client.call("GET", self.path).body
        self.total = client.call("GET", "/Users").json()["totalResults"]

    def expect(self, holds, name, detail=""):
        """Counts one check."""
        self.outcome.expect(holds, name, detail)

    def call(self, name, *request, **options):
        """Sends one request. No answer, a 5xx or a slow answer counts as a failure, and gives None."""
        started = time.monotonic()
        try:
            answer = self.client.call(*request, **options)
        except OSError as error:
            self.expect(False, name, f"no answer: {error!r}")
            return None
        seconds = time.monotonic() - started
        self.log.append(f"{name}: {seconds:.2f} s {answer.brief()}")
        if answer.status >= 500 and answer.status != 501:
            self.expect(False, name, answer.brief())
            return None
        if seconds > ANSWER_SECONDS:
            self.expect(False, name, f"answered after {seconds:.1f} s")
            return None
        return answer

    def expect_error(self, name, status, scim_type, *request, **options):
        """Expects this SCIM error for the request; `status` may be a tuple of statuses."""
        answer = self.call(name, *request, **options)
        if answer:
            allowed = status if isinstance(status, tuple) else (status,)
            wanted = answer.status if answer.status in allowed else allowed[0]
            wrong = answer.check_scim_error(wanted, scim_type)
            self.expect(not wrong, name, wrong or "")

    def expect_no_changes(self):
        """Expects that the user is unchanged, that nothing else is stored, and that the server answers quickly."""
        started = time.monotonic()
        after = self.client.call("GET", self.path)
        self.expect(after.body == self.before, "the user is unchanged", after.brief())
        total = self.client.call("GET", "/Users").json()["totalResults"]
        self.expect(total == self.total, "nothing was stored", f"{total} users, {self.total} before")
        groups = self.client.call("GET", "/Groups").json()["totalResults"]
        self.expect(groups == 0, "no group was stored", f"{groups} groups")
        seconds = time.monotonic() - started
        self.expect(seconds < SERVED_WITHIN_SECONDS, "the server still answers quickly", f"{seconds:.1f} s")


def user(user_name, **attributes):
    """Returns a minimal user."""
    return {"schemas": [USER], "userName": user_name, **attributes}


def patch(*operations):
    """Returns a PatchOp."""
    return {"schemas": [PATCH], "Operations": list(operations)}


def query(**parameters):
    """Returns the path of a query of /Users."""
    return "/Users?" + urllib.parse.urlencode(parameters)


def bodies(checks):
    """Sends bodies that are too large, not JSON, or JSON of the wrong types."""
    started = time.monotonic()
    answer = checks.call("a request beside half-open connections", "GET", "/ServiceProviderConfig")
    quick = time.monotonic() - started < SERVED_WITHIN_SECONDS
    served = bool(answer) and answer.status == 200 and quick
    checks.expect(served, "other requests are served beside 50 half-open connections")
    large = json.dumps(user("large@acme.example", displayName="x" * 12_000_000)).encode()
    checks.expect_error("a body of 12 MB", 413, None, "POST", "/Users", large)
    chunked = {"Transfer-Encoding": "chunked", "Content-Length": None}
    checks.expect_error("a body of 12 MB in chunks", 413, None, "POST", "/Users", chunks(large), headers=chunked)
    for name, body in {
        "JSON that ends too soon": b'{"schemas": [',
        "an empty body": b"",
        "a bare string": b'"userName"',
        "an array": b"[]",
        "invalid UTF-8": b'{"schemas":["' + USER.encode() + b'"],"userName":"\xff\xfe"}',
        "a raw NUL byte": b'{"schemas":["' + USER.encode() + b'"],"userName":"a\x00b"}',
        "half a surrogate pair": b'{"schemas":["' + USER.encode() + b'"],"userName":"\\ud800"}',
        "XML named as SCIM": b"<?xml version='1.0'?><User><userName>x</userName></User>",
    }.items():
        checks.expect_error(name, 400, "invalidSyntax", "POST", "/Users", body)
    for name, body in {
        "an escaped NUL in userName": user("nul\u0000@acme.example"),
        "an escaped NUL in displayName": user("nul2@acme.example", displayName="a\u0000b"),
        "an object as userName": user({"formatted": "x"}),
        "a blank userName": user("  "),
        "no userName": {"schemas": [USER], "active": True},
        "lists in lists as emails": user("t1@acme.example", emails=[[["x@acme.example"]]]),
        "a list as name": user("t2@acme.example", name=["Ada"]),
        "a word as active": user("t3@acme.example", active="perhaps"),
    }.items():
        checks.expect_error(name, 400, "invalidValue", "POST", "/Users", body)
    # Any other value of `schemas` is accepted: clients send many that say nothing.
    for name, schemas in {"the schema of a group": [GROUP], "the schema of a group as text": GROUP}.items():
        other_type = {"schemas": schemas, "userName": "s@acme.example"}
        checks.expect_error(name, 400, None, "POST", "/Users", other_type)


def chunks(data):
    """Returns `data` in HTTP chunks of 64 kB."""
    pieces = [data[start : start + 65536] for start in range(0, len(data), 65536)]
    return b"".join(b"%x\r\n%s\r\n" % (len(piece), piece) for piece in pieces) + b"0\r\n\r\n"


def deep_json(checks):
    """Sends JSON of depth 20,000, which must not exhaust the stack."""
    depth = 20_000
    for name, value in {
        "lists 20,000 deep": b"[" * depth + b"]" * depth,
        "objects 20,000 deep": b'{"a":' * depth + b"1" + b"}" * depth,
        "20,000 unclosed lists": b"[" * depth,
    }.items():
        whole = b'{"schemas":["' + USER.encode() + b'"],"userName":"deep@acme.example","x":' + value + b"}"
        checks.expect_error(name, 400, "invalidSyntax", "POST", "/Users", whole)
        inside = (
            b'{"schemas":["' + PATCH.encode() + b'"],"Operations":[{"op":"add","path":"title","value":' + value + b"}]}"
        )
        checks.expect_error(name + " in a PATCH", 400, "invalidSyntax", "PATCH", checks.path, inside)


def filters(checks):
    """Sends filters that are too deep, too long, or invalid."""
    deep = "(" * 2000 + 'userName eq "a"' + ")" * 2000
    for name, text in {
        "parentheses 2,000 deep": deep,
        "not() 2,000 deep": "not (" * 2000 + 'userName eq "a"' + ")" * 2000,
        "2,000 open parentheses": "(" * 2000,
        "value paths inside value paths": "emails[" * 2000 + "value pr" + "]" * 2000,
        "a filter of 7 kB": f'userName eq "{"a" * 7000}"',
        "no operator": "userName",
        "no value": "userName eq",
        "an open string": 'userName eq "a',
        "an unknown operator": 'userName like "a"',
        "two expressions side by side": "userName pr title pr",
        "a boolean ordered": "active gt true",
        "a NUL": 'userName eq "a\x00b" or',
    }.items():
        checks.expect_error(f"filter: {name}", 400, "invalidFilter", "GET", query(filter=text))
        body = {"schemas": [SEARCH], "filter": text}
        checks.expect_error(f".search filter: {name}", 400, "invalidFilter", "POST", "/Users/.search", body)
    many = " or ".join(f'userName eq "u{number}"' for number in range(150))
    answer = checks.call("filter: 150 terms", "GET", query(filter=many))
    if answer:
        wrong = answer.status != 200 and answer.check_scim_error(400, "invalidFilter")
        checks.expect(not wrong, "filter: 150 terms", answer.brief())
    checks.expect_error(
        "filter: invalid UTF-8", 400, "invalidFilter", "GET", "/Users?filter=userName%20eq%20%22%ff%fe%22"
    )


def paging(checks):
    """Sends paging parameters that are negative, overflow or are not numbers."""
    for name, start, count in (
        ("count=999999999", 1, 999_999_999),
        ("a negative count", 1, -5),
        ("a negative startIndex", -5, 10),
        ("startIndex zero", 0, 10),
        ("a startIndex beyond the end", 999_999_999, 10),
        ("a startIndex beyond 64 bits", 99_999_999_999_999_999_999, 10),
        ("a count beyond 64 bits", 1, 99_999_999_999_999_999_999),
    ):
        for how, request in {
            "": ("GET", query(startIndex=start, count=count)),
            ".search: ": ("POST", "/Users/.search", {"schemas": [SEARCH], "startIndex": start, "count": count}),
        }.items():
            answer = checks.call(how + name, *request)
            if answer:
                wrong = check_page(answer) if answer.status == 200 else answer.check_scim_error(400, None)
                checks.expect(not wrong, how + name, wrong or "")
    for text in ("abc", "1.5", "0x10", "%00", ""):
        answer = checks.call(f"count={text}", "GET", f"/Users?count={text}")
        if answer:
            wrong = check_page(answer) if answer.status == 200 else answer.check_scim_error(400, None)
            checks.expect(not wrong, f"count={text}", wrong or "")
    checks.expect_error("a cursor that the server did not create", 400, None, "GET", query(cursor="x" * 300))


def check_page(answer):
    """Returns the answer if the counts of a list contradict each other, or None."""
    page = answer.json()
    resources = page.get("Resources") or []
    if page.get("itemsPerPage") != len(resources) or page.get("totalResults", -1) < len(resources):
        return answer.brief()
    return None


def patches(checks):
    """Sends PATCH requests that are too long, too deep, or invalid. None may be applied in part."""
    thousands = [{"op": "replace", "path": "title", "value": f"t{number}"} for number in range(5000)]
    checks.expect_error("5,000 operations", (400, 413), None, "PATCH", checks.path, patch(*thousands))
    good = {"op": "replace", "path": "title", "value": "changed"}
    for name, scim_type, bad in (
        ("an unknown op", None, {"op": "move", "path": "title", "value": "x"}),
        ("no op", None, {"path": "title", "value": "x"}),
        ("an open path", "invalidPath", {"op": "replace", "path": "emails[", "value": "x"}),
        (
            "a path 2,000 deep",
            "invalidPath",
            {"op": "replace", "path": "emails[" + "(" * 2000 + "value pr", "value": "x"},
        ),
        ("a path of 7 kB", "invalidPath", {"op": "replace", "path": "a" * 7000, "value": "x"}),
        ("a remove without a path", "noTarget", {"op": "remove"}),
        ("the id", "mutability", {"op": "replace", "path": "id", "value": "x"}),
        ("a NUL in a value", "invalidValue", {"op": "replace", "path": "displayName", "value": "a\u0000b"}),
        ("an object as userName", "invalidValue", {"op": "replace", "path": "userName", "value": {"x": 1}}),
    ):
        checks.expect_error(
            f"PATCH with {name} after a good one", 400, scim_type, "PATCH", checks.path, patch(good, bad)
        )
    checks.expect_error(
        "Operations that are not a list", 400, None, "PATCH", checks.path, {"schemas": [PATCH], "Operations": 7}
    )


def authorization(checks):
    """Sends requests without an Authorization header or with an invalid one (RFC 6750 §3)."""
    token = checks.client.token
    other = token[:-1] + ("A" if token[-1] != "A" else "B")
    for name, value in {
        "no Authorization": None,
        "a Basic scheme": "Basic YWRtaW46YWRtaW4=",
        "a scheme without a token": "Bearer",
        "a token without a scheme": token,
        "an unknown token": "Bearer no-such-token",
        "our token with its last character changed": "Bearer " + other,
        "our token cut short": "Bearer " + token[:-8],
        "our token twice": f"Bearer {token} {token}",
        "a token of 8 kB": "Bearer " + "x" * 8000,
    }.items():
        for method, path, body in (
            ("GET", checks.path, None),
            ("DELETE", checks.path, None),
            ("POST", "/Users", user("x@y.example")),
        ):
            answer = checks.call(f"{name}, {method}", method, path, body, headers={"Authorization": value})
            if answer:
                wrong = answer.check_scim_error(401)
                challenge = answer.headers.get("www-authenticate", "")
                if not wrong and not challenge.lower().startswith("bearer"):
                    wrong = f"WWW-Authenticate is {challenge!r}"
                checks.expect(not wrong, f"{name}, {method}", wrong or "")


def ids(checks):
    """Sends requests with ids that do not exist."""
    for name, text in {
        "digits": "999",
        "our id in capitals": checks.id.upper(),
        "a NUL": "%00",
        "dots": "..%2f..%2fetc%2fpasswd",
        "a quote": "%27%20OR%201=1--",
        "a key of a table": "USER%23" + checks.id,
        "5,000 characters": "a" * 5000,
        "an emoji": "%F0%9F%92%A9",
        "right to left": "%E2%80%AEabc",
        "invalid UTF-8": "%ff%fe",
        "a broken percent": "%zz",
        "a star": "*",
        "our id and more": checks.id + "%20",
    }.items():
        if checks.id.upper() == checks.id and name == "our id in capitals":
            continue
        good = {"op": "replace", "path": "title", "value": "changed"}
        for method, body in (("GET", None), ("PUT", user("id@acme.example")), ("PATCH", patch(good)), ("DELETE", None)):
            checks.expect_error(f"{method} of {name}", (404, 400), None, method, f"/Users/{text}", body)


def media_types(checks):
    """Sends bodies of another media type (RFC 7644 §3.8)."""
    for kind in (
        "text/plain",
        "application/xml",
        "application/x-www-form-urlencoded",
        "multipart/form-data",
        "image/png",
        "nonsense",
    ):
        body = json.dumps(user("media@acme.example")).encode()
        checks.expect_error(f"JSON as {kind}", 415, None, "POST", "/Users", body, headers={"Content-Type": kind})
    xml = b"<?xml version='1.0'?><User/>"
    checks.expect_error("XML as XML", 415, None, "POST", "/Users", xml, headers={"Content-Type": "application/xml"})


def conditions(checks):
    """Sends writes for a version that is not the current one (RFC 7644 §3.14)."""
    good = {"op": "replace", "path": "title", "value": "changed"}
    requests = (("PUT", user(checks.user_name, title="changed")), ("PATCH", patch(good)), ("DELETE", None))
    for tag in ('W/"0"', '"nobody"', 'W/"99999999999999999999"'):
        for method, body in requests:
            checks.expect_error(
                f"{method} with If-Match {tag}", 412, None, method, checks.path, body, headers={"If-Match": tag}
            )


def duplicates(checks):
    """Creates users with a userName that is taken, in every letter case."""
    name = checks.user_name
    for how, text in {
        "the same": name,
        "in capitals": name.upper(),
        "in small letters": name.lower(),
        "swapped": name.swapcase(),
    }.items():
        checks.expect_error(f"a second user, userName {how}", 409, "uniqueness", "POST", "/Users", user(text))
