"""Signs in with Chromium to two apps by form_post and signs out of them: Apache with mod_auth_openidc, and an express
app with express-openid-connect."""

import secrets
import urllib.request

from gate import apache, sign_in
from gate.identity_providers import Samlp, free_port, prepare_browser

LABEL = "Sign-in: mod_auth_openidc, express"


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
                    "method": "POST",
                    "claims": app.redirect_uri + "?info=json",
                    "sign_out": f"{app.redirect_uri}?logout={app.signed_out}",
                    "signed_out": app.signed_out,
                },
                {"name": "express-openid-connect", "express": express, **addresses(express["url"])},
            ]
            plan = {"issuer": local.ready["base_url"], "idp": idp.url, "email": sign_in.ADA["email"], "cases": cases}
            return sign_in.run_script(scripts / "apps.mjs", plan, folder)
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
        "method": "POST",
        "claims": url + "/claims",
        "sign_out": url + "/logout",
        "signed_out": url + "/signed-out",
    }
