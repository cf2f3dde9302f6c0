"""Signs in with Chromium through SimpleSAMLphp, an independent implementation of XML signatures."""

from gate import sign_in
from gate.identity_providers import SimpleSamlPhp, prepare_browser

LABEL = "Sign-in: SimpleSAMLphp, Chromium"


def prepare():
    """Installs the browser and SimpleSAMLphp."""
    SimpleSamlPhp.prepare()
    return prepare_browser()


def run(scripts, target, folder):
    """Signs in with every variant, and as a person whose attributes have OID names."""
    by_oid = ("OID names", sign_in.VARIANTS["assertion signed"], {"person": "grace", "claims": sign_in.GRACE})
    with SimpleSamlPhp(folder) as idp:
        return sign_in.with_identity_provider(idp, scripts, target, folder, [by_oid])
