"""Signs in with Chromium through Auth0's samlp, which signs with xml-crypto, also with a signature that is refused."""

from gate import sign_in
from gate.identity_providers import Samlp, prepare_browser

LABEL = "Sign-in: Auth0 samlp, Chromium"


def prepare():
    """Installs the browser and samlp."""
    return prepare_browser()


def run(scripts, target, folder):
    """Signs in with every variant; then with a weak signature, which must be refused."""
    weak = {**sign_in.VARIANTS["assertion signed"], "weak": True}
    refused = ("signed with SHA-1", weak, {"says": "answered in a way that we cannot trust"})
    with Samlp(folder) as idp:
        outcome = sign_in.with_identity_provider(idp, scripts, target, folder, [refused])
    latest = target.local.call_operator_api("GET", f"/v1/tenants/{target.tenant}/sign-ins")["items"][0]
    outcome.expect("rsa-sha1" in str(latest), "the record of the last sign-in has the reason", str(latest)[:2000])
    return outcome
