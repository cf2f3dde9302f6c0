"""Kills the server and the reader of the feed again and again while clients change users, and compares the reader's
table with the directory at the end. The reader is `docs/sample-app/sync.py`, as an app would run it.
"""

import json
import os
import random
import signal
import sqlite3
import subprocess
import sys
import threading
import time
import urllib.error
import urllib.parse
import urllib.request

from gate import tools
from gate.http_client import Client
from gate.report import Outcome
from gate.server import Local, Target

LABEL = "Events: kill -9, docs/sample-app"
# More of them by hand: GATEHOUSE_KILLS=100.
KILLS = int(os.environ.get("GATEHOUSE_KILLS", "6"))
WRITERS = 50
# The server is killed within this time after its start.
SHORTEST, LONGEST = 0.3, 1.2
CAUGHT_UP_WITHIN_SECONDS = 60
USER = "urn:ietf:params:scim:schemas:core:2.0:User"
PATCH = "urn:ietf:params:scim:api:messages:2.0:PatchOp"
SYNC = tools.ROOT / "docs/sample-app/sync.py"


class Durable(Local):
    """The server `local` with its data on the disk, on the same port at each start."""

    port = 0

    def arguments(self):
        """Returns the arguments that differ from those of a server in memory."""
        return ["--data", str(self.folder / "data"), "--port", str(self.port)]

    def kill(self):
        """Ends the server as a power failure does."""
        self.process.send_signal(signal.SIGKILL)
        self.process.wait()
        self.process.stdout.close()


def prepare():
    """Needs nothing."""


def run(_prepared, target, folder):
    """Changes users under kills, lets the reader catch up, and compares."""
    outcome = Outcome()
    random.seed(20261201)
    server = Durable(target.local.binary, folder)
    environment, first = {}, None
    for _ in range(KILLS):
        server.__enter__()
        first = first or server.ready
        Durable.port = urllib.parse.urlsplit(first["base_url"]).port
        environment = reader_environment(first)
        with open(folder / "sync.log", "ab") as log:
            reader = subprocess.Popen(
                [sys.executable, SYNC, folder / "users.db"], env=environment, stderr=log, cwd=folder
            )
        change_until_killed(server, first, reader)
    with server:
        users = list_users(first)
        catch_up(folder, environment, users, outcome)
        check_feed(first, users, outcome)
    return outcome


def reader_environment(ready):
    """Returns the variables of the sample."""
    oidc = ready["oidc"]
    return {
        **os.environ,
        "BASE": ready["base_url"],
        "CLIENT_ID": oidc["client_id"],
        "CLIENT_SECRET": oidc["client_secret"],
    }


def change_until_killed(server, ready, reader):
    """Changes users from many threads, and kills the server, and the reader at another time, in the middle."""
    writers = [threading.Thread(target=write, args=(ready, number), daemon=True) for number in range(WRITERS)]
    for writer in writers:
        writer.start()
    time.sleep(random.uniform(SHORTEST, LONGEST))
    reader.kill()
    reader.wait()
    time.sleep(random.uniform(0, SHORTEST))
    server.kill()
    for writer in writers:
        writer.join()


def write(ready, number):
    """Creates, changes and deletes users until the server is gone."""
    client = Client(Target(ready["scim"]["base_url"], ready["scim"]["token"]))
    active = {"op": "replace", "path": "active", "value": False}
    try:
        while True:
            name = f"user-{number}-{time.monotonic_ns()}"
            answer = client.call("POST", "/Users", {"schemas": [USER], "userName": name, "title": "Engineer"})
            user = answer.json()["id"]
            client.call("PATCH", f"/Users/{user}", {"schemas": [PATCH], "Operations": [active]})
            if random.random() < 0.3:
                client.call("DELETE", f"/Users/{user}")
    except (OSError, KeyError, TypeError, ValueError):
        return


def list_users(ready):
    """Returns version and activity of all users, by id, from SCIM."""
    client, found, start = Client(Target(ready["scim"]["base_url"], ready["scim"]["token"])), {}, 1
    while True:
        page = client.call("GET", f"/Users?startIndex={start}&count=200").json()
        for user in page.get("Resources", []):
            version = int(user["meta"]["version"].strip('W/"'))
            found[user["id"]] = (version, int(user["active"]))
        start += 200
        if start > page["totalResults"]:
            return found


def catch_up(folder, environment, users, outcome):
    """Runs the reader until its table equals the directory."""
    with open(folder / "sync.log", "ab") as log:
        reader = subprocess.Popen([sys.executable, SYNC, folder / "users.db"], env=environment, stderr=log, cwd=folder)
    table, end = {}, time.monotonic() + CAUGHT_UP_WITHIN_SECONDS
    while table != users and time.monotonic() < end and reader.poll() is None:
        time.sleep(0.2)
        table = read_table(folder, users)
    reader.kill()
    reader.wait()
    missing, other = users.keys() - table.keys(), table.keys() - users.keys()
    differing = [user for user in users.keys() & table.keys() if users[user] != table[user]]
    outcome.expect(len(users) > KILLS * 5, "the clients created users", str(len(users)))
    log = tools.tail(folder / "sync.log", 5)
    detail = f"{len(missing)} missing, {len(other)} too many, {len(differing)} differ; {log}"
    outcome.expect(table == users, "the table of the sample equals the directory", detail)
    outcome.notes.append(f"{KILLS} kills of server and reader, {len(users)} users left")


def read_table(folder, users):
    """Returns version and activity of the users in the table of the sample, those of the tenant of SCIM."""
    with sqlite3.connect(folder / "users.db", timeout=10) as table:
        rows = table.execute("SELECT id, version, active, tenant FROM users").fetchall()
    tenants = {tenant for user, _, _, tenant in rows if user in users}
    return {user: (version, active) for user, version, active, tenant in rows if tenant in tenants}


def check_feed(ready, users, outcome):
    """Reads the whole feed: every event once, versions in order, and the same users at its end."""
    form = {
        "grant_type": "client_credentials",
        "client_id": ready["oidc"]["client_id"],
        "client_secret": ready["oidc"]["client_secret"],
    }
    token = send(ready, "/oauth2/token", urllib.parse.urlencode(form).encode(), None)["access_token"]
    ids, versions, state, query = [], {}, {}, "limit=1000"
    while True:
        page = send(ready, "/directory/v1/events?" + query, None, token)
        if not page["items"]:
            break
        for event in page["items"]:
            ids.append(event["id"])
            user, version = event["resource"]["id"], event["resource"]["version"]
            outcome.expect(versions.get(user, 0) <= version, "versions are in order", json.dumps(event)[:300])
            versions[user] = version
            state[user] = None if event["type"] == "user.deleted" else (version, int(event["data"].get("active", 1)))
        query = "limit=1000&after=" + page["next"]
    outcome.expect(len(ids) == len(set(ids)), "every event is in the feed once", f"{len(ids)} {len(set(ids))}")
    followed = {user: state[user] for user in users if user in state}
    outcome.expect(followed == users, "the feed ends with the state of the directory", f"{len(followed)} {len(users)}")
    gone = [user for user, left in state.items() if left and user not in users and left[0] > 1]
    outcome.expect(not gone, "no deletion is missing", str(gone[:5]))


def send(ready, path, body, token):
    """Sends one request; returns its JSON."""
    headers = {"Authorization": f"Bearer {token}"} if token else {}
    request = urllib.request.Request(ready["base_url"] + path, body, headers)
    with urllib.request.urlopen(request, timeout=30) as answer:
        return json.load(answer)
