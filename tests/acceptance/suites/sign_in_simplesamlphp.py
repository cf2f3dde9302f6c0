"""Signs in with Chromium through SimpleSAMLphp, an independent implementation of XML signatures."""

from gate import sign_in
from gate.identity_providers import SimpleSamlPhp, prepare_browser

LABEL = "Sign-in: SimpleSAMLphp, Chromium"


def prepare():
    """Installs the browser and SimpleSAMLphp."""
    SimpleSamlPhp.prepare()
    return prepare_browser()


def run(scripts, target, folder):
    """Signs in with every variant, with a NameID that is encrypted by itself, and as a person whose attributes have OID
    names."""
    signed = sign_in.VARIANTS["assertion signed"]
    more = [
        ("NameID encrypted", {**signed, "encryptNameId": True}, {}),
        ("OID names", signed, {"person": "grace", "claims": sign_in.GRACE}),
    ]
    with SimpleSamlPhp(folder) as idp:
        return sign_in.with_identity_provider(idp, scripts, target, folder, more)
