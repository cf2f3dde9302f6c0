"""What `make run` offers, in Chromium: openid-client signs people in through the demo's identity provider."""

from gate import sign_in
from gate.identity_providers import prepare_browser

LABEL = "Sign-in: openid-client, demo IdP"


def prepare():
    """Installs the browser."""
    return prepare_browser()


def run(scripts, target, folder):
    """The demo's application; then a session, a replayed code, and a user whom SCIM deactivates."""
    ready = target.local.ready
    cases = [
        {**case("Ada Lovelace", []), "name": "/demo", "app": "demo"},
        case("Ada Lovelace", ["again", "replay"]),
        case("Grace Hopper", ["deactivate"]),
        case("Alan Turing", ["replay"]),
    ]
    return sign_in.browse(scripts, target.local, ready["scim"], cases, folder)


def case(name, steps):
    """One person of the demo."""
    given, family = name.split()
    claims = {"email": f"{given.lower()}@acme.com", "given_name": given, "family_name": family}
    return {"name": name, "domain": "acme.com", "idp": "demo", "person": name, "steps": steps, "claims": claims}
