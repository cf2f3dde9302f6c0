"""Starts Apache with mod_auth_openidc, an OpenID Connect client that many apps are put behind."""

import os
import secrets
import shutil
import tempfile
import time
import urllib.error
import urllib.request
from pathlib import Path

from gate import tools
from gate.identity_providers import START_SECONDS, free_port

MODULES = Path("/usr/lib/apache2/modules")
PACKAGES = ["apache2-bin", "libapache2-mod-auth-openidc"]
# Apache's user, to which it changes when root starts it.
USER = "www-data"
PAGE = "<!doctype html><title>{title}</title><h1>{title}</h1>\n"


def prepare():
    """Installs Apache and the module. macOS has no package of the module."""
    if not (MODULES / "mod_auth_openidc.so").exists():
        tools.install("mod_auth_openidc", PACKAGES, [])
    if not (MODULES / "mod_auth_openidc.so").exists():
        raise tools.SetupError(f"mod_auth_openidc is not in {MODULES}, Debian's folder for it")


class Apache:
    """An Apache whose page `/app/` asks for a sign-in. Stopped at the end of the `with` block."""

    def __init__(self, folder):
        self.log = folder.resolve() / "apache.log"
        self.url = f"http://127.0.0.1:{free_port()}"
        self.redirect_uri = self.url + "/app/callback"
        self.signed_out = self.url + "/signed-out.html"

    def start(self, issuer, client, domain):
        """Starts it as an app of the issuer, which sends people of `domain` to their organisation."""
        # Another user has to read the pages, so they are not in the folder of the run.
        self.folder = Path(tempfile.mkdtemp())
        self.folder.chmod(0o755)
        pages = self.folder / "pages"
        (pages / "app").mkdir(parents=True)
        (pages / "app" / "index.html").write_text(PAGE.format(title="You are signed in"), "utf-8")
        (pages / "signed-out.html").write_text(PAGE.format(title="You are signed out"), "utf-8")
        configuration = self.folder / "apache.conf"
        configuration.write_text(self._configuration(pages, issuer, client, domain), "utf-8")
        program = shutil.which("apache2") or "/usr/sbin/apache2"
        with open(self.log, "wb") as out:
            command = [program, "-f", configuration, "-D", "FOREGROUND"]
            self.process = tools.start_group(command, out, dict(os.environ))
        self._wait()

    def stop(self):
        """Stops it and removes its folder."""
        tools.stop_group(self.process)
        shutil.rmtree(self.folder, ignore_errors=True)

    def _configuration(self, pages, issuer, client, domain):
        names = ("mpm_event", "authn_core", "authz_core", "authz_user", "dir", "headers", "auth_openidc")
        modules = [f"LoadModule {name}_module {MODULES}/mod_{name}.so" for name in names]
        lines = [
            *modules,
            f"ServerRoot {self.folder}",
            "ServerName 127.0.0.1",
            f"Listen {self.url.removeprefix('http://')}",
            f"PidFile {self.folder}/apache.pid",
            f"ErrorLog {self.log}",
            "LogLevel warn",
            *([f"User {USER}", f"Group {USER}"] if os.geteuid() == 0 else []),
            f"DocumentRoot {pages}",
            "DirectoryIndex index.html",
            f"OIDCProviderMetadataURL {issuer}/.well-known/openid-configuration",
            f"OIDCClientID {client['client_id']}",
            f"OIDCClientSecret {client['client_secret']}",
            f"OIDCRedirectURI {self.redirect_uri}",
            f"OIDCCryptoPassphrase {secrets.token_hex(16)}",
            "OIDCResponseType code",
            "OIDCResponseMode form_post",
            "OIDCPKCEMethod S256",
            'OIDCScope "openid profile email"',
            f"OIDCAuthRequestParams domain={domain}",
            "OIDCInfoHook userinfo id_token",
            "<Location /app/>",
            "  AuthType openid-connect",
            "  Require valid-user",
            # Otherwise the browser shows its copy after the sign-out.
            "  Header set Cache-Control no-store",
            "</Location>",
        ]
        return "\n".join(lines) + "\n"

    def _wait(self):
        end = time.monotonic() + START_SECONDS
        while True:
            try:
                urllib.request.urlopen(self.signed_out, timeout=START_SECONDS).close()
                return
            except (urllib.error.URLError, ConnectionError):
                if self.process.poll() is not None or time.monotonic() > end:
                    raise tools.SetupError(f"Apache did not start:\n{tools.tail(self.log, 10)}") from None
                time.sleep(0.05)
