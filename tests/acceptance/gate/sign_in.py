"""Signs people in with a browser: creates a connection and an application, and runs `browser/sign_in.mjs`."""

import json
import shutil
import subprocess
import urllib.request

from gate import tools
from gate.identity_providers import free_port
from gate.report import Outcome

LIMIT_SECONDS = 240
DOMAIN = "acme.org"
# What an identity provider signs and encrypts. Gatehouse has to accept each.
VARIANTS = {
    "response signed": {"response": True, "assertion": False, "encrypt": False},
    "assertion signed": {"response": False, "assertion": True, "encrypt": False},
    "both signed": {"response": True, "assertion": True, "encrypt": False},
    "assertion signed and encrypted": {"response": False, "assertion": True, "encrypt": True},
    "response signed, assertion encrypted": {"response": True, "assertion": False, "encrypt": True},
}


def with_identity_provider(idp, scripts, target, folder, more=(), variants=VARIANTS, **settings):
    """Runs every variant through one identity provider, each in a new browser; then the cases of `more`."""
    local = target.local
    connection = connect(local, target.tenant, idp.metadata, **settings)
    with urllib.request.urlopen(connection["sp"]["metadata_url"], timeout=20) as answer:
        metadata = answer.read().decode()

    def case(name, wanted, **settings):
        trusted = json.dumps([{"metadata": metadata, **wanted}])
        write = {"file": str(idp.folder / "sps.json"), "text": trusted}
        return {
            "name": name,
            "domain": DOMAIN,
            "idp": "form",
            "person": "ada",
            "write": write,
            "claims": ADA,
            **settings,
        }

    cases = [case(name, wanted) for name, wanted in variants.items()]
    cases += [case(name, wanted, **settings) for name, wanted, settings in more]
    return browse(scripts, local, {"base_url": target.base_url, "token": target.token}, cases, folder)


def connect(local, tenant, metadata, **settings):
    """Creates a connection that trusts `metadata`, speaks for its domain and creates users at their first sign-in."""
    local.call_operator_api("PUT", f"/v1/tenants/{tenant}/domains/{DOMAIN}", {"verified_by": "operator"})
    path = f"/v1/tenants/{tenant}/connections/{DOMAIN}"
    return local.call_operator_api("PUT", path, {"idp_metadata_xml": metadata, "jit": True, **settings})


def browse(scripts, local, scim, cases, folder):
    """Registers an application and signs in the person of each case to it."""
    redirect_uri = f"http://127.0.0.1:{free_port()}/callback"
    client = local.call_operator_api("POST", "/v1/clients", {"redirect_uris": [redirect_uri]})
    app = {
        "issuer": local.ready["base_url"],
        "client_id": client["client_id"],
        "client_secret": client["client_secret"],
        "redirect_uri": redirect_uri,
    }
    plan = {"app": app, "scim": scim, "cases": cases}
    return run_script(scripts / "sign_in.mjs", plan, folder)


def run_script(script, plan, folder):
    """Runs a script of `browser` with a plan; each line that it prints is a check."""
    plan = {**plan, "folder": str(folder), "chromium": shutil.which("chromium")}
    log = folder / "output.log"
    for old in folder.glob("case-*.png"):
        old.unlink()
    with open(log, "wb") as err:
        done = subprocess.run(
            ["node", script],
            input=json.dumps(plan).encode(),
            stdout=subprocess.PIPE,
            stderr=err,
            timeout=LIMIT_SECONDS,
            check=False,
        )
    outcome = Outcome()
    for line in done.stdout.decode().splitlines():
        result = json.loads(line)
        outcome.expect(not result.get("problem"), result["name"], result.get("problem") or "")
    if done.returncode != 0:
        outcome.add_failure("the browser did not finish:\n" + tools.tail(log, 8))
    with open(log, "ab") as out:
        out.write(done.stdout)
    return outcome


ADA = {"email": "ada@acme.org", "given_name": "Ada", "family_name": "Lovelace"}
GRACE = {"email": "grace@acme.org", "given_name": "Grace", "family_name": "Hopper"}
