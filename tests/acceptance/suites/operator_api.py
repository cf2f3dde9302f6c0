"""Runs schemathesis on the operator API: valid and invalid requests generated from /v1/openapi.json."""

import urllib.request

from gate.http_client import Client

from suites import schemathesis

LABEL = "schemathesis, operator API"
CHECKS = (
    "not_a_server_error",
    "status_code_conformance",
    "content_type_conformance",
    "response_headers_conformance",
    "response_schema_conformance",
    "negative_data_rejection",
    "missing_required_header",
    "unsupported_method",
    "allow_header_conformance",
    "ignored_auth",
    "use_after_free",
    "ensure_resource_availability",
)
CASES = "40"
DOMAIN = "globex.example"
# The connection that generated requests delete and create again.
TO_DELETE = "deleted.example"
TENANT = "/v1/tenants/{tenant}"
CONNECTION = TENANT + "/connections/{domain}"
CLAIM = TENANT + "/domains/{domain}"
CLIENT = "/v1/clients/{client}"
WEBHOOK = "/v1/webhooks/{webhook}"
UNKNOWN_ID = "11111111-1111-4111-8111-111111111111"


def prepare():
    """Installs schemathesis."""
    return schemathesis.prepare()


def run(program, target, folder):
    """Runs every phase on a tenant that has a user, a group and connections."""
    local = target.local
    base_url, key = local.ready["base_url"], local.ready["operator_key"]
    document = narrow(local.call_operator_api("GET", "/v1/openapi.json"), create_resources(target))
    outcome = schemathesis.generate(program, document, base_url, key, folder, CHECKS, CASES)
    for panic in local.panics():
        outcome.add_failure(panic)
    return outcome


def create_resources(target):
    """Creates the resources that a path can name; returns the values of each parameter."""
    local, scim, tenant = target.local, Client(target), f"/v1/tenants/{target.tenant}"
    url = local.ready["demo_idp"]["metadata_url"]
    with urllib.request.urlopen(url, timeout=20) as answer:
        metadata = answer.read().decode()
    local.call_operator_api("PUT", f"{tenant}/connections/{DOMAIN}", {"idp_metadata_url": url})
    local.call_operator_api("PUT", f"{tenant}/connections/{TO_DELETE}", {})
    for domain in (DOMAIN, TO_DELETE):
        local.call_operator_api("PUT", f"{tenant}/domains/{domain}", {})
    token = local.call_operator_api("POST", f"{tenant}/scim-tokens")
    to_delete = local.call_operator_api("POST", "/v1/tenants", {"name": "Deleted"})
    user = scim.call("POST", "/Users", {"userName": "ada@globex.example"}).json()
    group = scim.call("POST", "/Groups", {"displayName": "Engineers", "members": [{"value": user["id"]}]}).json()
    clients = [
        local.call_operator_api("POST", "/v1/clients", {"redirect_uris": ["https://app.example/callback"]})
        for _ in range(2)
    ]
    endpoint = local.ready["base_url"] + "/health"
    webhooks = [local.call_operator_api("POST", "/v1/webhooks", {"url": endpoint}) for _ in range(2)]
    return {
        "Tenant": [target.tenant, to_delete["id"]],
        "Domain": [DOMAIN, TO_DELETE],
        "ClaimedDomain": [DOMAIN, TO_DELETE],
        "User": [user["id"], UNKNOWN_ID],
        "LinkedConnection": [DOMAIN, "unknown.example"],
        "Group": [group["id"], UNKNOWN_ID],
        "Client": [client["client_id"] for client in clients],
        "ScimToken": [token["id"]],
        "Webhook": [webhook["id"] for webhook in webhooks],
        "endpoint": [endpoint],
        "idp_metadata_url": [url, local.ready["base_url"] + "/health", None],
        "idp_metadata_xml": [metadata, "<EntityDescriptor/>", None],
    }


def narrow(document, values):
    """Limits the parameters to existing values, so that requests do not only get a 404, and the URLs of metadata and
    webhooks to this machine."""
    parameters = document["components"]["parameters"]
    named = ("Tenant", "Domain", "ClaimedDomain", "LinkedConnection", "User", "Group", "Client", "ScimToken", "Webhook")
    for name in named:
        parameters[name].update(one_of(values[name]))
    # A DELETE does not get the first value, which the other operations use.
    deleted = {TENANT: "Tenant", CONNECTION: "Domain", CLAIM: "ClaimedDomain", CLIENT: "Client", WEBHOOK: "Webhook"}
    for path, name in deleted.items():
        delete = document["paths"][path]["delete"]
        last = {**parameters[name], **one_of(values[name][1:])}
        delete["parameters"] = [*delete["parameters"][:-1], last]
    connection = document["components"]["schemas"]["NewConnection"]["properties"]
    for name in ("idp_metadata_url", "idp_metadata_xml"):
        connection[name] = {"enum": values[name]}
    for name in ("NewWebhook", "WebhookPatch"):
        document["components"]["schemas"][name]["properties"]["url"] = {"enum": values["endpoint"]}
    return document


def one_of(values):
    """Returns the schema and the example of a parameter that has one of these values."""
    return {"schema": {"type": "string", "enum": values}, "example": values[0]}
