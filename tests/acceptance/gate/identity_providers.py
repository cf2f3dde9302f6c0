"""Starts real identity providers for the sign-in suites: SimpleSAMLphp, and Auth0's samlp in express."""

import json
import os
import shutil
import socket
import time
import urllib.error
import urllib.request
from pathlib import Path

from gate import tools

START_SECONDS = 20
SIMPLESAMLPHP = Path("/usr/share/simplesamlphp/www")
PHP_PACKAGES = ["simplesamlphp", "php-cli", "php-xml", "php-mbstring", "php-sqlite3", "php-curl"]


class IdentityProvider:
    """The process of an identity provider, stopped at the end of the `with` block."""

    def __init__(self, folder):
        self.folder = folder.resolve() / "idp"
        # Another host than Gatehouse's 127.0.0.1, so that to the browser it is another site.
        self.url = f"http://localhost:{free_port()}"

    def __enter__(self):
        shutil.rmtree(self.folder, ignore_errors=True)
        self.folder.mkdir(parents=True)
        self.trust([])
        key_pair(self.folder)
        with open(self.folder / "output.log", "wb") as out:
            # A process group: PHP's workers would outlive their parent.
            self.process = tools.start_group(self.command(), out, {**os.environ, **self.environment()})
        try:
            self.metadata = self._first_metadata()
        except Exception:
            self.__exit__()
            raise
        return self

    def __exit__(self, *_):
        tools.stop_group(self.process)

    def trust(self, service_providers):
        """Serves exactly these service providers: a list of {metadata, response, assertion, encrypt}."""
        (self.folder / "sps.json").write_text(json.dumps(service_providers), "utf-8")

    def _first_metadata(self):
        end = time.monotonic() + START_SECONDS
        while True:
            try:
                with urllib.request.urlopen(self.metadata_url(), timeout=START_SECONDS) as answer:
                    return answer.read().decode()
            except (urllib.error.URLError, ConnectionError):
                if self.process.poll() is not None or time.monotonic() > end:
                    log = tools.tail(self.folder / "output.log", 10)
                    raise tools.SetupError(f"the identity provider did not start:\n{log}") from None
                time.sleep(0.05)


class SimpleSamlPhp(IdentityProvider):
    """SimpleSAMLphp from the system's packages, on PHP's built-in server."""

    @staticmethod
    def prepare():
        """Installs it. macOS has no package of it."""
        if not (SIMPLESAMLPHP.exists() and shutil.which("php")):
            tools.install("SimpleSAMLphp", PHP_PACKAGES, ["php"])
        if not SIMPLESAMLPHP.exists():
            raise tools.SetupError(f"SimpleSAMLphp is not in {SIMPLESAMLPHP.parent}, Debian's folder for it")

    def command(self):
        """Returns the command of PHP's built-in server."""
        (self.folder / "tmp").mkdir()
        return ["php", "-S", self.url.removeprefix("http://"), "-t", SIMPLESAMLPHP]

    def environment(self):
        """Returns the variables of our configuration. Four workers: a browser opens connections before it uses them."""
        return {
            "SIMPLESAMLPHP_CONFIG_DIR": str(tools.HERE / "simplesamlphp" / "config"),
            "GATEHOUSE_IDP_DATA": str(self.folder),
            "GATEHOUSE_IDP_URL": self.url,
            "PHP_CLI_SERVER_WORKERS": "4",
        }

    def metadata_url(self):
        """Returns the URL of the metadata."""
        return self.url + "/saml2/idp/metadata.php"


class Samlp(IdentityProvider):
    """The express application `browser/samlp_idp.mjs`, which uses samlp."""

    def command(self):
        """Returns the command of the application."""
        return ["node", browser_folder() / "samlp_idp.mjs"]

    def environment(self):
        """Returns the variables of the application."""
        return {"GATEHOUSE_IDP_DATA": str(self.folder), "GATEHOUSE_IDP_URL": self.url}

    def metadata_url(self):
        """Returns the URL of the metadata."""
        return self.url + "/metadata"


def browser_folder():
    """Copies our scripts beside `node_modules`, where Node finds the packages they import; returns the folder."""
    folder = tools.node_modules("browser").parent
    for script in (tools.HERE / "browser").glob("*.mjs"):
        shutil.copy(script, folder)
    return folder


def prepare_browser():
    """Installs the browser, its driver and our scripts; returns the folder of the scripts."""
    tools.ensure_program("chromium", ["chromium"], ["--cask", "chromium"])
    tools.ensure_program("openssl", ["openssl"], ["openssl"])
    return browser_folder()


def key_pair(folder):
    """Writes `idp.key` and its self-signed certificate `idp.pem`."""
    subject = ["-subj", "/CN=identity provider of a test", "-days", "2"]
    files = ["-keyout", folder / "idp.key", "-out", folder / "idp.pem"]
    tools.run_checked(
        ["openssl", "req", "-x509", "-newkey", "rsa:2048", "-nodes", *subject, *files], folder / "setup.log"
    )


def free_port():
    """Returns a port on which no process listens now."""
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return probe.getsockname()[1]
