"""Runs schemathesis on the directory API: valid and invalid requests generated from /directory/v1/openapi.json."""

import base64
import json
import urllib.request

from gate.http_client import Client

from suites import operator_api, schemathesis

LABEL = "schemathesis, directory API"
# Nothing is created or deleted here.
CHECKS = tuple(name for name in operator_api.CHECKS if name not in {"use_after_free", "ensure_resource_availability"})
CASES = "40"
EXTERNAL_ID = "customer-17"


def prepare():
    """Installs schemathesis."""
    return schemathesis.prepare()


def run(program, target, folder):
    """Runs every phase on a tenant that has a user and a group, with the token of an app."""
    local, scim = target.local, Client(target)
    base_url = local.ready["base_url"]
    local.call_operator_api("PATCH", f"/v1/tenants/{target.tenant}", {"external_id": EXTERNAL_ID})
    user = scim.call("POST", "/Users", {"userName": "ada@globex.example"}).json()
    group = scim.call("POST", "/Groups", {"displayName": "Engineers", "members": [{"value": user["id"]}]}).json()
    client = local.call_operator_api("POST", "/v1/clients", {"redirect_uris": ["https://app.example/callback"]})
    with urllib.request.urlopen(base_url + "/directory/v1/openapi.json", timeout=20) as answer:
        document = json.loads(answer.read())
    parameters = document["components"]["parameters"]
    unknown = operator_api.UNKNOWN_ID
    tenants = [target.tenant, "ext:" + EXTERNAL_ID, unknown]
    for name, values in ("Tenant", tenants), ("User", [user["id"], unknown]), ("Group", [group["id"], unknown]):
        parameters[name].update(operator_api.one_of(values))
    token = token_of(base_url, client)
    outcome = schemathesis.generate(program, document, base_url, token, folder, CHECKS, CASES)
    for panic in local.panics():
        outcome.add_failure(panic)
    return outcome


def token_of(base_url, client):
    """Returns a token of an app for the directory; it counts for ten minutes."""
    credentials = base64.b64encode(f"{client['client_id']}:{client['client_secret']}".encode()).decode()
    request = urllib.request.Request(base_url + "/oauth2/token", b"grant_type=client_credentials")
    request.add_header("authorization", "Basic " + credentials)
    with urllib.request.urlopen(request, timeout=20) as answer:
        return json.loads(answer.read())["access_token"]
