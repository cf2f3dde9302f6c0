"""Keeps a users table in SQLite equal to the directory: reads the feed of events, and needs nothing but Python 3.

  BASE=https://id.example.com CLIENT_ID=… CLIENT_SECRET=… python3 sync.py users.db
"""

import json, os, sqlite3, sys, time, urllib.error, urllib.parse, urllib.request

BASE, CLIENT = os.environ["BASE"], (os.environ["CLIENT_ID"], os.environ["CLIENT_SECRET"])
db = sqlite3.connect(sys.argv[1], isolation_level=None)
db.execute("CREATE TABLE IF NOT EXISTS users (id TEXT PRIMARY KEY, tenant TEXT, version INT, active INT, user TEXT)")
db.execute("CREATE TABLE IF NOT EXISTS feed (one INT PRIMARY KEY, cursor TEXT)")


def send(path, form=None, token=None):
    """Sends a request and returns the JSON of the answer."""
    body = urllib.parse.urlencode(form).encode() if form else None
    request = urllib.request.Request(BASE + path, body, {"Authorization": f"Bearer {token}"} if token else {})
    return json.load(urllib.request.urlopen(request, timeout=30))


def get_token():
    """Gets a token for the directory; it is valid for ten minutes."""
    form = {"grant_type": "client_credentials", "client_id": CLIENT[0], "client_secret": CLIENT[1]}
    return send("/oauth2/token", form | {"scope": "directory.read"})["access_token"]


def apply(event):
    """Writes the user of an event, unless the table has a later version."""
    user, version = event["resource"]["id"], event["resource"]["version"]
    if event["type"] == "user.deleted":
        db.execute("DELETE FROM users WHERE id = ?", [user])
    elif event["type"].startswith("user."):
        data = event.get("data") or send(f"/directory/v1/tenants/{event['tenant']['id']}/users/{user}", token=token)
        row = [user, event["tenant"]["id"], version, data["active"], json.dumps(data)]
        db.execute("INSERT INTO users VALUES (?, ?, ?, ?, ?) ON CONFLICT (id) DO UPDATE SET version = excluded.version, "
                   "active = excluded.active, user = excluded.user WHERE excluded.version > version", row)


token = get_token()
while True:
    try:
        cursor = db.execute("SELECT cursor FROM feed").fetchone()
        query = urllib.parse.urlencode({"limit": 1000} | ({"after": cursor[0]} if cursor else {}))
        page = send("/directory/v1/events?" + query, token=token)
    except urllib.error.HTTPError as error:
        if error.code != 401:
            raise
        token = get_token()
        continue
    # The rows and the cursor change in one transaction: a crash repeats the page or does not begin it.
    with db:
        db.execute("BEGIN")
        for event in page["items"]:
            apply(event)
        db.execute("INSERT OR REPLACE INTO feed VALUES (1, ?)", [page["next"]])
    if not page["items"]:
        time.sleep(1)
