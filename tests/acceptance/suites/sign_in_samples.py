"""Runs the programs of docs/sample-app/node as the documents show them: two apps that people sign in to with Chromium,
and a client of the operator API that signs its requests."""

import os
import secrets
import shutil
import socket
import subprocess
import time
import urllib.request

from gate import sign_in, tools
from gate.identity_providers import START_SECONDS, Samlp, free_port, prepare_browser
from gate.report import Outcome
from gate.signed_api import SignedApi

LABEL = "Sample programs of the documents"
SAMPLES = tools.ROOT / "docs" / "sample-app" / "node"
# Each app, with what its registration has beside the URLs, and whether it notices a deactivation.
APPS = {"app.mjs": ({}, True), "passport.mjs": ({"pkce": "optional"}, False)}
CREDENTIALS = ("AKIDEXAMPLE", "wJalrXUtnFEMI/K7MDENG+bPxRfiCYEXAMPLEKEY", "a/session+token==")
LIMIT_SECONDS = 30


def prepare():
    """Installs the browser, and copies the samples to where Node finds the packages that they import."""
    scripts = prepare_browser()
    for sample in SAMPLES.glob("*.mjs"):
        shutil.copy(sample, scripts)
    return scripts


def run(scripts, target, folder):
    """Runs every sample."""
    outcome = sign_requests(scripts, target.local, folder)
    with Samlp(folder) as idp:
        connection = sign_in.connect(target.local, target.tenant, idp.metadata)
        with urllib.request.urlopen(connection["sp"]["metadata_url"], timeout=20) as answer:
            metadata = answer.read().decode()
        idp.trust([{"metadata": metadata, **sign_in.VARIANTS["both signed"]}])
        processes = []
        try:
            cases = [start(scripts / name, target.local, folder, processes) for name in APPS]
            plan = {
                "issuer": target.local.ready["base_url"],
                "idp": idp.url,
                "email": sign_in.ADA["email"],
                "scim": {"base_url": target.base_url, "token": target.token},
                "cases": cases,
            }
            signed_in = sign_in.run_script(scripts / "apps.mjs", plan, folder)
        finally:
            for process in processes:
                tools.stop_group(process)
    outcome.add(signed_in)
    return outcome


def start(program, local, folder, processes):
    """Registers an app and starts it; returns the case of its sign-in."""
    registration, notices = APPS[program.name]
    url = f"http://127.0.0.1:{free_port()}"
    urls = {"redirect_uris": [url + "/callback"], "post_logout_redirect_uris": [url + "/"]}
    client = local.call_operator_api("POST", "/v1/clients", {**urls, **registration})
    environment = {
        **os.environ,
        "ISSUER": client["issuer"],
        "CLIENT_ID": client["client_id"],
        "CLIENT_SECRET": client["client_secret"],
        "SESSION_SECRET": secrets.token_hex(32),
        "APP_URL": url,
    }
    log = folder / f"{program.stem}.log"
    with open(log, "wb") as out:
        process = tools.start_group(["node", program], out, environment)
    processes.append(process)
    wait(process, int(url.rpartition(":")[2]), log)
    return {
        "name": program.name,
        "url": url + "/",
        "begin": f"{url}/login?domain={sign_in.DOMAIN}",
        "callback": url + "/callback",
        "method": "GET",
        "claims": url + "/",
        "sign_out": url + "/logout",
        "signed_out": url + "/",
        "refuses": True,
        "notices": notices,
    }


def wait(process, port, log):
    """Waits until a program listens."""
    end = time.monotonic() + START_SECONDS
    while True:
        try:
            socket.create_connection(("127.0.0.1", port), timeout=1).close()
            return
        except OSError:
            if process.poll() is not None or time.monotonic() > end:
                raise tools.SetupError(f"the sample did not start:\n{tools.tail(log, 10)}") from None
            time.sleep(0.05)


def sign_requests(scripts, local, folder):
    """Runs the client of the operator API: it creates a tenant, finds it again, and is refused with a wrong key."""
    outcome = Outcome()
    with SignedApi(local, CREDENTIALS) as api:
        wrong = {"AWS_SECRET_ACCESS_KEY": "wrong"}
        first, second, refused = (call(scripts, api, folder, more) for more in ({}, {}, wrong))
    found = local.call_operator_api("GET", "/v1/tenants?external_id=customer-17")["items"]
    expected = [f"{tenant['name']} has the id {tenant['id']}, and 0 users with this address" for tenant in found]
    outcome.expect(len(found) == 1 and [first.stdout.strip()] == expected, "operator.mjs creates a tenant", str(first))
    outcome.expect(second.stdout == first.stdout, "operator.mjs finds the tenant", str(second))
    is_refused = refused.returncode != 0 and "403" in refused.stderr
    outcome.expect(is_refused, "operator.mjs is refused with a wrong key", str(refused))
    return outcome


def call(scripts, api, folder, more):
    """Runs the client once, without what this machine has of AWS."""
    environment = {name: value for name, value in os.environ.items() if not name.startswith("AWS_")}
    return subprocess.run(
        ["node", scripts / "operator.mjs"],
        env={**environment, **api.environment(**more)},
        cwd=folder,
        capture_output=True,
        text=True,
        timeout=LIMIT_SECONDS,
        check=False,
    )
