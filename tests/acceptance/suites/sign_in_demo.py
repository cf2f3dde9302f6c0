"""Signs in with Chromium through the identity provider of the demo, with the demo's app and with openid-client."""

from gate import sign_in
from gate.identity_providers import prepare_browser

LABEL = "Sign-in: openid-client, demo IdP"


def prepare():
    """Installs the browser."""
    return prepare_browser()


def run(scripts, target, folder):
    """Signs in to the demo's app; then tests a session, a replayed code, and a user that SCIM deactivates."""
    ready = target.local.ready
    cases = [
        {**case("Ada Lovelace", []), "name": "/demo", "app": "demo"},
        case("Ada Lovelace", ["again", "replay"]),
        case("Grace Hopper", ["deactivate"]),
        case("Alan Turing", ["replay"]),
    ]
    return sign_in.browse(scripts, target.local, ready["scim"], cases, folder)


def case(name, steps):
    """Returns the case of one person of the demo."""
    given, family = name.split()
    claims = {"email": f"{given.lower()}@acme.com", "given_name": given, "family_name": family}
    return {"name": name, "domain": "acme.com", "idp": "demo", "person": name, "steps": steps, "claims": claims}
