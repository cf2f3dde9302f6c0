"""Sign-in in Chromium through SimpleSAMLphp: another XML-signature code base, in every combination of signatures."""

from gate import sign_in
from gate.identity_providers import SimpleSamlPhp, prepare_browser

LABEL = "Sign-in: SimpleSAMLphp, Chromium"


def prepare():
    """Installs both."""
    SimpleSamlPhp.prepare()
    return prepare_browser()


def run(scripts, target, folder):
    """Every variant, and a person whose attributes have OID names."""
    by_oid = ("OID names", sign_in.VARIANTS["assertion signed"], {"person": "grace", "claims": sign_in.GRACE})
    with SimpleSamlPhp(folder) as idp:
        return sign_in.with_identity_provider(idp, scripts, target, folder, [by_oid])
