"""Calls every route of `/v1` as an operator would, on a tenant to which an identity provider adds users and groups, and
reads it by the directory API as an app would."""

import json
import urllib.error
import urllib.parse
import urllib.request

from gate.http_client import Client
from gate.lambda_runtime import OperatorApiError
from gate.report import Outcome

USER = "urn:ietf:params:scim:schemas:core:2.0:User"
GROUP = "urn:ietf:params:scim:schemas:core:2.0:Group"
BULK = "urn:ietf:params:scim:api:messages:2.0:BulkRequest"
PATCH = "urn:ietf:params:scim:api:messages:2.0:PatchOp"
# More than one transaction of DynamoDB can add to a group.
MEMBERS = 60


class Scenario:
    """Sends requests to the functions and counts the right answers."""

    def __init__(self, functions):
        self.functions, self.outcome = functions, Outcome()

    def call(self, method, path, body=None):
        """Expects success from the operator API; returns the answer, which is empty after a failure."""
        try:
            answer = self.functions.call_operator_api(method, path, body)
        except OperatorApiError as error:
            self.outcome.add_failure(str(error))
            return {}
        self.outcome.add_pass()
        return answer

    def expect_error(self, status, method, path, body=None):
        """Expects an error with this status from the operator API."""
        try:
            answer = self.functions.call_operator_api(method, path, body)
            self.outcome.add_failure(f"{method} {path}: want {status}, got {json.dumps(answer)[:300]}")
        except OperatorApiError as error:
            self.outcome.expect(error.status == status, f"want {status}", str(error))

    def scim(self, client, status, method, path, body=None):
        """Expects this status from the SCIM API; returns the JSON of the answer."""
        answer = client.call(method, path, body)
        self.outcome.expect(answer.status == status, f"{method} {path[:80]}: want {status}", answer.brief())
        return answer.json() or {}


def rotate_oidc_keys(functions, secrets_manager):
    """Rotates the signing keys of OIDC, and deletes them once, so that the function `oidc` creates them too."""
    scenario = Scenario(functions)
    scenario.call("POST", "/v1/oidc-keys/rotate")
    call_secrets_manager(secrets_manager, "DeleteSecret", SecretId="gatehouse/local/oidc/keys")
    keys = published_keys(functions)
    scenario.outcome.expect(len(keys) == 2, "the function oidc creates missing keys", str(keys))
    scenario.call("POST", "/v1/oidc-keys/rotate")
    scenario.expect_error(409, "POST", "/v1/oidc-keys/rotate")
    return scenario.outcome


def call_other_routes(functions, tenant_of_sign_ins):
    """Calls every other route, those that delete last."""
    scenario = Scenario(functions)
    tenant = scenario.call("POST", "/v1/tenants", {"name": "Globex", "external_id": "customer-17"})
    path = f"/v1/tenants/{tenant['id']}"
    scenario.call("GET", "/v1/tenants?limit=1")
    scenario.call("GET", path)
    scenario.call("PATCH", path, {"external_id": "customer-18"})
    token = scenario.call("POST", path + "/scim-tokens", {})["token"]
    other = scenario.call("POST", path + "/scim-tokens", {"expires_at": "2100-01-01T00:00:00Z"})
    scenario.expect_error(409, "POST", path + "/scim-tokens", {})
    scenario.call("GET", path + "/scim-tokens")
    scenario.call("DELETE", f"{path}/scim-tokens/{other['id']}")
    scenario.call("PUT", path + "/seats", {"seats": 200, "auto_upgrade": False, "on_join": "grant"})
    client = Client(type("Tenant", (), {"base_url": functions.ready["scim"]["base_url"], "token": token}))
    provision(scenario, client)
    seats = scenario.call("GET", path + "/seats")
    scenario.outcome.expect(seats.get("used") == MEMBERS, "every user has a seat", str(seats))
    for part in ("users", "groups", "activity"):
        found = scenario.call("GET", f"{path}/{part}?limit=10")
        scenario.outcome.expect(found.get("items"), f"{part} are listed", str(found))
    call_connections(scenario, path, tenant_of_sign_ins)
    call_clients(scenario)
    read_directory(scenario, tenant["id"])
    call_webhooks(scenario)
    scenario.call("DELETE", path)
    scenario.expect_error(404, "GET", path)
    scenario.call("GET", "/v1/openapi.json")
    return scenario.outcome


def provision(scenario, client):
    """Creates users in bulk and a group too large for one transaction; reads a user's groups and two pages."""
    operations = [
        {
            "method": "POST",
            "path": "/Users",
            "bulkId": f"u{n}",
            "data": {"schemas": [USER], "userName": f"user{n}@globex.example"},
        }
        for n in range(MEMBERS)
    ]
    answer = scenario.scim(client, 200, "POST", "/Bulk", {"schemas": [BULK], "Operations": operations})
    ids = [operation["location"].rsplit("/", 1)[1] for operation in answer.get("Operations", [])]
    scenario.outcome.expect(len(ids) == MEMBERS, f"one bulk request creates {MEMBERS} users", str(answer)[:500])
    group = scenario.scim(client, 201, "POST", "/Groups", {"schemas": [GROUP], "displayName": "Everybody"})
    members = {"op": "add", "path": "members", "value": [{"value": user} for user in ids]}
    where = f"/Groups/{group.get('id')}"
    found = scenario.scim(client, 200, "PATCH", where, {"schemas": [PATCH], "Operations": [members]})
    scenario.outcome.expect(
        len(found.get("members", [])) == MEMBERS, "all users are members of the group", str(found)[:300]
    )
    user = scenario.scim(client, 200, "GET", f"/Users/{ids[0]}?attributes=groups")
    scenario.outcome.expect(len(user.get("groups", [])) == 1, "a user has one group", str(user))
    page = scenario.scim(client, 200, "GET", "/Users?cursor=&count=10")
    cursor = urllib.parse.quote(page.get("nextCursor", ""), safe="")
    page = scenario.scim(client, 200, "GET", f"/Users?cursor={cursor}&count=10")
    scenario.outcome.expect(len(page.get("Resources", [])) == 10, "a cursor leads to the next page", str(page)[:300])


def call_connections(scenario, path, tenant_of_sign_ins):
    """Creates, reads and deletes a connection; reads the sign-ins of another tenant."""
    scenario.call("PUT", path + "/domains/globex.example", {})
    scenario.call("PUT", path + "/connections/globex.example", {"jit": True})
    scenario.call("GET", path + "/connections")
    scenario.call("GET", path + "/connections/globex.example")
    scenario.expect_error(409, "POST", path + "/connections/globex.example/refresh")
    checked = scenario.call("POST", path + "/domains/globex.example/check")
    scenario.outcome.expect(checked.get("state") == "pending", "DNS has no record of the domain", str(checked))
    scenario.call("PUT", path + "/domains/globex.example", {"verified_by": "operator"})
    scenario.call("GET", path + "/domains")
    scenario.call("GET", path + "/domains/globex.example")
    scenario.call("POST", "/v1/connections/refresh")
    scenario.call("POST", path + "/connections/globex.example/end-sessions")
    scenario.call("DELETE", path + "/connections/globex.example")
    scenario.call("DELETE", path + "/domains/globex.example")
    user = scenario.call("GET", path + "/users?limit=1")["items"][0]["id"]
    scenario.call("GET", f"{path}/users/{user}")
    scenario.call("POST", f"{path}/users/{user}/end-sessions")
    scenario.call("POST", path + "/end-sessions")
    scenario.call("POST", f"/v1/tenants/{tenant_of_sign_ins}/connections/acme.org/test")
    latest = scenario.call("GET", f"/v1/tenants/{tenant_of_sign_ins}/sign-ins?limit=1")
    scenario.outcome.expect(latest.get("items"), "sign-ins are recorded", str(latest))
    scenario.call("GET", "/v1/saml-keys")
    scenario.call("POST", "/v1/saml-keys/rotate")


def call_clients(scenario):
    """Creates, reads, patches and deletes an app."""
    client = scenario.call("POST", "/v1/clients", {"name": "App", "redirect_uris": ["https://app.example/callback"]})
    path = f"/v1/clients/{client.get('client_id')}"
    scenario.call("GET", "/v1/clients")
    scenario.call("GET", path)
    scenario.call("PATCH", path, {"name": "The app"})
    scenario.call("DELETE", path)
    scenario.expect_error(404, "GET", path)


def read_directory(scenario, tenant):
    """Reads every route of the directory API with the token of an app, until the app is deleted."""
    app = {"name": "Directory", "redirect_uris": ["https://app.example/callback"]}
    client = scenario.call("POST", "/v1/clients", app)
    base_url = scenario.functions.ready["base_url"]
    form = {"grant_type": "client_credentials", **{name: client[name] for name in ("client_id", "client_secret")}}
    answer = urllib.request.urlopen(base_url + "/oauth2/token", urllib.parse.urlencode(form).encode(), timeout=60)
    with answer:
        token = json.loads(answer.read())["access_token"]

    def read(path, status=200):
        request = urllib.request.Request(base_url + "/directory/v1" + path)
        request.add_header("authorization", "Bearer " + token)
        try:
            with urllib.request.urlopen(request, timeout=60) as answered:
                found, code = json.loads(answered.read()), answered.status
        except urllib.error.HTTPError as error:
            found, code = json.loads(error.read()), error.code
        scenario.outcome.expect(code == status, f"GET {path}: want {status}", f"{code} {json.dumps(found)[:300]}")
        return found

    one = f"/tenants/{tenant}"
    read("/tenants?limit=1")
    read("/tenants?external_id=customer-18")
    read("/tenants/ext:customer-18")
    users = read(one + "/users?limit=100")["items"]
    scenario.outcome.expect(len(users) == MEMBERS, "the directory lists every user", str(users)[:300])
    read(f"{one}/users?email={users[0]['email']}")
    user = read(f"{one}/users/{users[0]['id']}")
    scenario.outcome.expect(len(user.get("groups", [])) == 1, "the directory shows a group of a user", str(user)[:300])
    read(f"{one}/users/{users[0]['id']}/groups")
    group = read(one + "/groups?display_name=everybody")["items"][0]["id"]
    read(f"{one}/groups/{group}")
    members = read(f"{one}/groups/{group}/members?limit=10")
    scenario.outcome.expect(members.get("next_cursor"), "members are listed in pages", str(members)[:300])
    scenario.call("DELETE", f"/v1/clients/{client['client_id']}")
    read(one, 401)


def call_webhooks(scenario):
    """Creates, reads, patches, tests and deletes a webhook, whose host does not exist (RFC 2606)."""
    webhook = scenario.call("POST", "/v1/webhooks", {"url": "https://app.invalid/webhooks"})
    path = f"/v1/webhooks/{webhook.get('id')}"
    scenario.call("GET", "/v1/webhooks")
    scenario.call("GET", path)
    scenario.call("PATCH", path, {"paused": True})
    scenario.call("POST", path + "/rotate")
    scenario.expect_error(409, "POST", path + "/rotate")
    scenario.call("POST", path + "/replay", {"after": "now"})
    outcome = scenario.call("POST", path + "/test")
    scenario.outcome.expect(outcome.get("delivered") is False, "the host does not exist", str(outcome))
    scenario.call("GET", path + "/deliveries")
    scenario.call("DELETE", path)
    scenario.expect_error(404, "GET", path)


def published_keys(functions):
    """Returns the keys that `/oauth2/jwks` publishes."""
    with urllib.request.urlopen(functions.ready["base_url"] + "/oauth2/jwks", timeout=60) as answer:
        return json.loads(answer.read())["keys"]


def call_secrets_manager(endpoint, operation, **request):
    """Calls Secrets Manager directly, not through the functions."""
    headers = {"content-type": "application/x-amz-json-1.1", "x-amz-target": "secretsmanager." + operation}
    body = json.dumps({**request, "ForceDeleteWithoutRecovery": True}).encode()
    call = urllib.request.Request(endpoint, method="POST", data=body, headers=headers)
    with urllib.request.urlopen(call, timeout=30) as answer:
        return json.loads(answer.read())
