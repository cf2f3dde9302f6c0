"""Sends requests that are made to cost the server much, and measures its processor time and its memory.

The dearest legitimate request is a search with one term over ten thousand users of 1.2 kB that returns a full page. No
other request may cost more, whatever its shape. Processor time is what the kernel counts for the process, user and
system together, as getrusage reports it; it does not depend on how busy the machine is.
"""

import os
import sys
import urllib.parse
from pathlib import Path

from gate.http_client import Client

USER = "urn:ietf:params:scim:schemas:core:2.0:User"
ENTERPRISE = "urn:ietf:params:scim:schemas:extension:enterprise:2.0:User"
BULK = "urn:ietf:params:scim:api:messages:2.0:BulkRequest"
PATCH = "urn:ietf:params:scim:api:messages:2.0:PatchOp"
SEARCH = "urn:ietf:params:scim:api:messages:2.0:SearchRequest"
SMALL_USERS = 10_000
LONG_USERS = 80
# A text of 64 kB that has to be normalised before it is compared, and one that has not.
CYRILLIC, PLAIN = "Ы" * 32_000, "Xy" * 32_000
# Of the dearest legitimate request, which is sent three times: the same request differs by a tenth from one time to the
# next, since other processes evict caches.
MOST_CPU = 1.25
MOST_MEMORY = 64 * 1024 * 1024
MOST_ANSWER = 6_291_556


def is_measurable(target):
    """Returns whether the server is a process of this machine, whose kernel tells its processor time."""
    return bool(target.local) and sys.platform == "linux"


def check(checks, target):
    """Measures every row of the table on tenants of its own."""
    process = Process(target.local.process.pid)
    small = Client(target.local.create_tenant("small users"), timeout=300)
    long = Client(target.local.create_tenant("long users"), timeout=300)
    fill(small)
    victim = fill_long(long)
    dearest = max((process.measure(small, *one_term()) for _ in range(3)), key=lambda used: used.cpu)
    checks.log.append(f"dearest legitimate request: {dearest}")
    checks.expect(dearest.status == 200, "work: a search with one term over 10,000 users", dearest.brief)
    for name, client, request in rows(small, long, victim):
        used = process.measure(client, *request)
        checks.log.append(f"{name}: {used}")
        fits = used.cpu <= dearest.cpu * MOST_CPU
        checks.expect(fits, f"work: {name}: processor time", f"{used}; the dearest legitimate: {dearest}")
        checks.expect(used.memory <= MOST_MEMORY, f"work: {name}: memory", str(used))
        answered = used.status in (200, 201, 204, 400) and used.length <= MOST_ANSWER
        checks.expect(answered, f"work: {name}: answer", used.brief)


def one_term(**more):
    """Returns the dearest legitimate request."""
    return "GET", users(filter='title co "engineer"', count=1000, **more)


def rows(small, long, victim):
    """Returns the table: a name, the client and the request."""
    hundred = " or ".join(f'title co "{number}"' for number in range(100))
    others = " or ".join(f'x{number} ew "z"' for number in range(100))
    nested = "emails[" + " or ".join(f'value co "{number}"' for number in range(99)) + "]"
    names = ",".join(f"{ENTERPRISE}:a{number}" for number in range(100))
    title = [{"op": "replace", "path": "title", "value": "x"}]
    for who, client in (("small", small), ("long", long)):
        for how, more in (("", {}), (" by cursor", {"cursor": ""})):
            for name, text in {
                "one term": 'title co "nobody"',
                "a hundred terms": hundred,
                "a hundred terms on absent attributes": others,
                "a hundred terms in a value path": nested,
                "a hundred terms with ne": hundred.replace(" co ", " ne ").replace(" or ", " and "),
            }.items():
                yield f"{name}, {who} users{how}", client, ("GET", users(filter=text, count=1000, **more))
            yield f"a page of 1,000, {who} users{how}", client, ("GET", users(count=1000, **more))
            projected = users(count=1000, attributes=names, **more)
            yield f"a page of a hundred names, {who} users{how}", client, ("GET", projected)
        yield f"sorted, {who} users", client, ("GET", users(sortBy="title", count=1000))
        sort = {"schemas": [SEARCH], "filter": hundred, "sortBy": "displayName", "count": 1000}
        yield f"everything sorted, {who} users", client, ("POST", "/.search", sort)
    changes = [
        {"method": "PATCH", "path": f"/Users/{victim}", "data": {"schemas": [PATCH], "Operations": title}}
    ] * 1000
    yield "a thousand changes of a long user", long, ("POST", "/Bulk", {"schemas": [BULK], "Operations": changes})
    projected = f"/Users/{victim}?" + urllib.parse.urlencode({"attributes": names})
    yield "a long user, a hundred names", long, ("GET", projected)


class Process:
    """The processor time and the memory of a process of this machine."""

    def __init__(self, pid):
        self.folder, self.tick = Path(f"/proc/{pid}"), os.sysconf("SC_CLK_TCK")

    def cpu(self):
        """Returns the seconds of processor time so far, user and system."""
        fields = (self.folder / "stat").read_text("ascii").rsplit(")", 1)[1].split()
        return (int(fields[11]) + int(fields[12])) / self.tick

    def memory(self, name):
        """Returns a line of the status in bytes: `VmRSS` now, `VmHWM` at most since the last reset."""
        for line in (self.folder / "status").read_text("ascii").split("\n"):
            if line.startswith(name + ":"):
                return int(line.split()[1]) * 1024
        raise RuntimeError(f"{self.folder}/status has no {name}")

    def measure(self, client, *request):
        """Sends one request and returns what it cost."""
        (self.folder / "clear_refs").write_text("5", "ascii")
        cpu, memory = self.cpu(), self.memory("VmRSS")
        answer = client.call(*request)
        return Used(answer, self.cpu() - cpu, self.memory("VmHWM") - memory)


class Used:
    """What one request cost."""

    def __init__(self, answer, cpu, memory):
        self.status, self.length, self.brief = answer.status, len(answer.body), answer.brief()[:200]
        self.cpu, self.memory = cpu, memory

    def __str__(self):
        mb = self.memory / 1024 / 1024
        return f"{self.cpu:.2f} s of processor time, {mb:.0f} MB, {self.status}, {self.length} bytes"


def users(**parameters):
    """Returns the path of a query of /Users."""
    return "/Users?" + urllib.parse.urlencode(parameters)


def fill(client):
    """Creates ten thousand users of 1.2 kB."""
    for start in range(0, SMALL_USERS, 500):
        operations = [
            {"method": "POST", "path": "/Users", "bulkId": f"b{number}", "data": small_user(number)}
            for number in range(start, start + 500)
        ]
        send_bulk(client, operations)


def fill_long(client):
    """Creates users of 256 kB; returns the id of one."""
    for number in range(LONG_USERS):
        text = CYRILLIC if number % 2 else PLAIN
        body = {"schemas": [USER], "userName": f"long{number}@acme.example", "title": text, "x1": text, "x2": text}
        created = client.call("POST", "/Users", body)
        if created.status != 201:
            raise RuntimeError(f"a long user was not created: {created.brief()}")
    return created.json()["id"]


def send_bulk(client, operations):
    """Sends operations in bulk requests; sends those again that the server had no time for."""
    while operations:
        answer = client.call("POST", "/Bulk", {"schemas": [BULK], "Operations": operations})
        if answer.status != 200:
            raise RuntimeError(f"a bulk request was refused: {answer.brief()}")
        statuses = {done["bulkId"]: done["status"] for done in answer.json()["Operations"]}
        again = [operation for operation in operations if statuses[operation["bulkId"]] == "429"]
        if len(again) == len(operations):
            raise RuntimeError("a bulk request did nothing")
        operations = again


def small_user(number):
    """Returns a user of 1.2 kB, as Entra sends it."""
    return {
        "schemas": [USER, ENTERPRISE],
        "externalId": f"0a1b2c3d-4e5f-6789-abcd-{number:012}",
        "userName": f"user{number}@acme.example",
        "name": {
            "formatted": f"First{number} Last{number}",
            "familyName": f"Last{number}",
            "givenName": f"First{number}",
        },
        "displayName": f"First{number} Last{number}",
        "title": "Senior Staff Engineer",
        "active": True,
        "preferredLanguage": "en-US",
        "emails": [{"value": f"user{number}@acme.example", "type": "work", "primary": True}],
        "phoneNumbers": [
            {"value": f"+1 555 0{number:07}", "type": "work"},
            {"value": f"+1 555 1{number:07}", "type": "mobile"},
        ],
        "addresses": [
            {
                "type": "work",
                "streetAddress": "100 Universal City Plaza",
                "locality": "Hollywood",
                "region": "CA",
                "postalCode": "91608",
                "country": "US",
            }
        ],
        ENTERPRISE: {
            "employeeNumber": str(number),
            "department": "Engineering",
            "organization": "Contoso",
            "costCenter": "4130",
        },
    }
