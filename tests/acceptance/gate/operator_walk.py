"""An operator who uses every route of `/v1`, on a tenant that its identity provider fills meanwhile."""

import json
import urllib.parse
import urllib.request

from gate.lambda_runtime import Refused
from gate.report import Outcome
from gate.wire import Client

USER = "urn:ietf:params:scim:schemas:core:2.0:User"
GROUP = "urn:ietf:params:scim:schemas:core:2.0:Group"
BULK = "urn:ietf:params:scim:api:messages:2.0:BulkRequest"
PATCH = "urn:ietf:params:scim:api:messages:2.0:PatchOp"
# More members than one transaction of DynamoDB can add.
MEMBERS = 60


class Walk:
    """Calls that have to succeed, each of which counts."""

    def __init__(self, functions):
        self.functions, self.outcome = functions, Outcome()

    def call(self, method, path, body=None):
        """A call of the operator API; what it answers, or nothing when it fails."""
        try:
            answer = self.functions.operator(method, path, body)
        except Refused as error:
            self.outcome.bad(str(error))
            return {}
        self.outcome.ok()
        return answer

    def refused(self, status, method, path, body=None):
        """A call that has to fail with this status."""
        try:
            answer = self.functions.operator(method, path, body)
            self.outcome.bad(f"{method} {path}: want {status}, got {json.dumps(answer)[:300]}")
        except Refused as error:
            self.outcome.expect(error.status == status, f"want {status}", str(error))

    def scim(self, client, status, method, path, body=None):
        """A call of the identity provider; the JSON that it is answered."""
        answer = client.call(method, path, body)
        self.outcome.expect(answer.status == status, f"{method} {path[:80]}: want {status}", answer.brief())
        return answer.json() or {}


def before_any_sign_in(functions, secrets_manager):
    """Rotates the keys of apps, which makes them; then loses them, for the function `oidc` to make new ones."""
    walk = Walk(functions)
    walk.call("POST", "/v1/oidc-keys/rotate")
    call_secrets_manager(secrets_manager, "DeleteSecret", SecretId="gatehouse/local/oidc/keys")
    keys = published_keys(functions)
    walk.outcome.expect(len(keys) == 2, "the function oidc makes keys where there are none", str(keys))
    walk.call("POST", "/v1/oidc-keys/rotate")
    walk.refused(409, "POST", "/v1/oidc-keys/rotate")
    return walk.outcome


def everything(functions, tenant_of_sign_ins):
    """Every other route, the deletions last."""
    walk = Walk(functions)
    tenant = walk.call("POST", "/v1/tenants", {"name": "Globex", "external_id": "customer-17"})
    path = f"/v1/tenants/{tenant['id']}"
    walk.call("GET", "/v1/tenants?limit=1")
    walk.call("GET", path)
    walk.call("PATCH", path, {"external_id": "customer-18"})
    token = walk.call("POST", path + "/scim-tokens", {})["token"]
    other = walk.call("POST", path + "/scim-tokens", {"expires_at": "2100-01-01T00:00:00Z"})
    walk.refused(409, "POST", path + "/scim-tokens", {})
    walk.call("GET", path + "/scim-tokens")
    walk.call("DELETE", f"{path}/scim-tokens/{other['id']}")
    walk.call("PUT", path + "/seats", {"seats": 200, "auto_upgrade": False, "on_join": "grant"})
    client = Client(type("Tenant", (), {"base_url": functions.ready["scim"]["base_url"], "token": token}))
    provision(walk, client)
    seats = walk.call("GET", path + "/seats")
    walk.outcome.expect(seats.get("used") == MEMBERS, "every user has a seat", str(seats))
    for part in ("users", "groups", "activity"):
        found = walk.call("GET", f"{path}/{part}?limit=10")
        walk.outcome.expect(found.get("items"), f"{part} are listed", str(found))
    connections(walk, path, tenant_of_sign_ins)
    clients(walk)
    walk.call("DELETE", path)
    walk.refused(404, "GET", path)
    walk.call("GET", "/v1/openapi.json")
    return walk.outcome


def provision(walk, client):
    """Users in bulk, a group too large for one transaction, a cursor, and the groups of a user."""
    operations = [
        {
            "method": "POST",
            "path": "/Users",
            "bulkId": f"u{n}",
            "data": {"schemas": [USER], "userName": f"user{n}@globex.example"},
        }
        for n in range(MEMBERS)
    ]
    made = walk.scim(client, 200, "POST", "/Bulk", {"schemas": [BULK], "Operations": operations})
    ids = [operation["location"].rsplit("/", 1)[1] for operation in made.get("Operations", [])]
    walk.outcome.expect(len(ids) == MEMBERS, f"{MEMBERS} users are made at once", str(made)[:500])
    group = walk.scim(client, 201, "POST", "/Groups", {"schemas": [GROUP], "displayName": "Everybody"})
    members = {"op": "add", "path": "members", "value": [{"value": user} for user in ids]}
    where = f"/Groups/{group.get('id')}"
    found = walk.scim(client, 200, "PATCH", where, {"schemas": [PATCH], "Operations": [members]})
    walk.outcome.expect(len(found.get("members", [])) == MEMBERS, "all are members", str(found)[:300])
    user = walk.scim(client, 200, "GET", f"/Users/{ids[0]}?attributes=groups")
    walk.outcome.expect(len(user.get("groups", [])) == 1, "a user knows its group", str(user))
    page = walk.scim(client, 200, "GET", "/Users?cursor=&count=10")
    cursor = urllib.parse.quote(page.get("nextCursor", ""), safe="")
    page = walk.scim(client, 200, "GET", f"/Users?cursor={cursor}&count=10")
    walk.outcome.expect(len(page.get("Resources", [])) == 10, "a second page by cursor", str(page)[:300])


def connections(walk, path, tenant_of_sign_ins):
    """A connection of its own, and what signing in left behind at the tenant of those."""
    walk.call("PUT", path + "/connections/globex.example", {"jit": True})
    walk.call("GET", path + "/connections")
    walk.call("GET", path + "/connections/globex.example")
    walk.refused(409, "POST", path + "/connections/globex.example/refresh")
    walk.call("POST", "/v1/connections/refresh")
    walk.call("DELETE", path + "/connections/globex.example")
    walk.call("POST", f"/v1/tenants/{tenant_of_sign_ins}/connections/acme.org/test")
    latest = walk.call("GET", f"/v1/tenants/{tenant_of_sign_ins}/sign-ins?limit=1")
    walk.outcome.expect(latest.get("items"), "sign-ins are recorded", str(latest))
    walk.call("GET", "/v1/saml-keys")
    walk.call("POST", "/v1/saml-keys/rotate")


def clients(walk):
    """An app from its registration to its end."""
    made = walk.call("POST", "/v1/clients", {"name": "App", "redirect_uris": ["https://app.example/callback"]})
    path = f"/v1/clients/{made.get('client_id')}"
    walk.call("GET", "/v1/clients")
    walk.call("GET", path)
    walk.call("PATCH", path, {"name": "The app"})
    walk.call("DELETE", path)
    walk.refused(404, "GET", path)


def published_keys(functions):
    """The keys that apps see."""
    with urllib.request.urlopen(functions.ready["base_url"] + "/oauth2/jwks", timeout=60) as answer:
        return json.loads(answer.read())["keys"]


def call_secrets_manager(endpoint, operation, **request):
    """A call of the operator's own to AWS, past the functions."""
    headers = {"content-type": "application/x-amz-json-1.1", "x-amz-target": "secretsmanager." + operation}
    body = json.dumps({**request, "ForceDeleteWithoutRecovery": True}).encode()
    call = urllib.request.Request(endpoint, method="POST", data=body, headers=headers)
    with urllib.request.urlopen(call, timeout=30) as answer:
        return json.loads(answer.read())
