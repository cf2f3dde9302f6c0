"""schemathesis on the operator API: requests generated from /v1/openapi.json, right ones and wrong ones."""

import urllib.request

from gate.wire import Client

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
# Deleted by cases, and made again.
TO_DELETE = "deleted.example"
TENANT = "/v1/tenants/{tenant}"
CONNECTION = TENANT + "/connections/{domain}"
CLIENT = "/v1/clients/{client}"
NOBODY = "11111111-1111-4111-8111-111111111111"


def prepare():
    """Installs the suite."""
    return schemathesis.prepare()


def run(program, target, folder):
    """Runs every phase on a tenant with a user, a group and a connection, beside those that the cases make."""
    local = target.local
    base_url, key = local.ready["base_url"], local.ready["operator_key"]
    document = narrowed(local.operator("GET", "/v1/openapi.json"), known(target))
    outcome = schemathesis.generate(program, document, base_url, key, folder, CHECKS, CASES)
    for panic in local.panics():
        outcome.bad(panic)
    return outcome


def known(target):
    """Makes what the path of an operation can name."""
    local, scim, tenant = target.local, Client(target), f"/v1/tenants/{target.tenant}"
    url = local.ready["demo_idp"]["metadata_url"]
    with urllib.request.urlopen(url, timeout=20) as answer:
        metadata = answer.read().decode()
    local.operator("PUT", f"{tenant}/connections/{DOMAIN}", {"idp_metadata_url": url})
    local.operator("PUT", f"{tenant}/connections/{TO_DELETE}", {})
    token = local.operator("POST", f"{tenant}/scim-tokens")
    to_delete = local.operator("POST", "/v1/tenants", {"name": "Deleted"})
    user = scim.call("POST", "/Users", {"userName": "ada@globex.example"}).json()
    group = scim.call("POST", "/Groups", {"displayName": "Engineers", "members": [{"value": user["id"]}]}).json()
    clients = [
        local.operator("POST", "/v1/clients", {"redirect_uris": ["https://app.example/callback"]}) for _ in range(2)
    ]
    return {
        "Tenant": [target.tenant, to_delete["id"]],
        "Domain": [DOMAIN, TO_DELETE],
        "Group": [group["id"], NOBODY],
        "Client": [client["client_id"] for client in clients],
        "ScimToken": [token["id"]],
        "idp_metadata_url": [url, local.ready["base_url"] + "/health", None],
        "idp_metadata_xml": [metadata, "<EntityDescriptor/>", None],
    }


def narrowed(document, world):
    """The document with what is there in place of what may be, so that cases get past a 404; and with no address of
    the outer world to read metadata from."""
    parameters = document["components"]["parameters"]
    for name in ("Tenant", "Domain", "Group", "Client", "ScimToken"):
        parameters[name].update(one_of(world[name]))
    # What all others are tried on stays.
    for path, name in (TENANT, "Tenant"), (CONNECTION, "Domain"), (CLIENT, "Client"):
        delete = document["paths"][path]["delete"]
        last = {**parameters[name], **one_of(world[name][1:])}
        delete["parameters"] = [*delete["parameters"][:-1], last]
    connection = document["components"]["schemas"]["NewConnection"]["properties"]
    for name in ("idp_metadata_url", "idp_metadata_xml"):
        connection[name] = {"enum": world[name]}
    return document


def one_of(values):
    """The part of a parameter that says what it may be."""
    return {"schema": {"type": "string", "enum": values}, "example": values[0]}
