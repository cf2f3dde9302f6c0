"""Sign-in in Chromium through Auth0's samlp, which signs with xml-crypto; and one that may not succeed."""

from gate import sign_in
from gate.identity_providers import Samlp, prepare_browser

LABEL = "Sign-in: Auth0 samlp, Chromium"


def prepare():
    """Installs the browser, and samlp with it."""
    return prepare_browser()


def run(scripts, target, folder):
    """Every variant; then a signature that is too weak."""
    weak = {**sign_in.VARIANTS["assertion signed"], "weak": True}
    refused = ("signed with SHA-1", weak, {"says": "answered in a way that we cannot trust"})
    with Samlp(folder) as idp:
        outcome = sign_in.with_identity_provider(idp, scripts, target, folder, [refused])
    latest = target.local.operator("GET", f"/v1/tenants/{target.tenant}/sign-ins")["items"][0]
    outcome.expect("rsa-sha1" in str(latest), "the record of the last sign-in says why", str(latest)[:2000])
    return outcome
