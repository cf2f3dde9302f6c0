"""Signs in with Chromium to two apps by form_post and signs out of them: Apache with mod_auth_openidc, and an express
app with express-openid-connect."""

import json
import secrets
import shutil
import subprocess
import urllib.request

from gate import apache, sign_in, tools
from gate.identity_providers import Samlp, free_port, prepare_browser
from gate.report import Outcome

LABEL = "Sign-in: mod_auth_openidc, express"
LIMIT_SECONDS = 120


def prepare():
    """Installs the browser, Apache and its module."""
    apache.prepare()
    return prepare_browser()


def run(scripts, target, folder):
    """Signs a person in to each app, twice, with a sign-out between."""
    local = target.local
    with Samlp(folder) as idp:
        connection = sign_in.connect(local, target.tenant, idp.metadata)
        with urllib.request.urlopen(connection["sp"]["metadata_url"], timeout=20) as answer:
            metadata = answer.read().decode()
        idp.trust([{"metadata": metadata, **sign_in.VARIANTS["assertion signed"]}])
        app = apache.Apache(folder)
        client = register(local, app.redirect_uri, app.signed_out)
        app.start(local.ready["base_url"], client, sign_in.DOMAIN)
        try:
            express = express_app(local)
            cases = [
                {
                    "name": "mod_auth_openidc",
                    "url": app.url + "/app/",
                    "callback": app.redirect_uri,
                    "claims": app.redirect_uri + "?info=json",
                    "sign_out": f"{app.redirect_uri}?logout={app.signed_out}",
                    "signed_out": app.signed_out,
                },
                {"name": "express-openid-connect", "express": express, **addresses(express["url"])},
            ]
            plan = {"issuer": local.ready["base_url"], "idp": idp.url, "email": sign_in.ADA["email"], "cases": cases}
            return browse(scripts, plan, folder)
        finally:
            app.stop()


def register(local, redirect_uri, signed_out):
    """Registers an app."""
    body = {"redirect_uris": [redirect_uri], "post_logout_redirect_uris": [signed_out]}
    return local.call_operator_api("POST", "/v1/clients", body)


def express_app(local):
    """Returns the settings of the express app, which the script starts."""
    url = f"http://127.0.0.1:{free_port()}"
    client = register(local, url + "/callback", url + "/signed-out")
    keys = ("client_id", "client_secret")
    return {"url": url, "secret": secrets.token_hex(32), "domain": sign_in.DOMAIN, **{key: client[key] for key in keys}}


def addresses(url):
    """Returns the addresses of the express app that the browser opens and expects."""
    return {
        "url": url + "/app",
        "callback": url + "/callback",
        "claims": url + "/claims",
        "sign_out": url + "/logout",
        "signed_out": url + "/signed-out",
    }


def browse(scripts, plan, folder):
    """Runs `browser/apps.mjs`."""
    log = folder / "output.log"
    with open(log, "wb") as err:
        done = subprocess.run(
            ["node", scripts / "apps.mjs"],
            input=json.dumps({**plan, "folder": str(folder), "chromium": shutil.which("chromium")}).encode(),
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
    return outcome
