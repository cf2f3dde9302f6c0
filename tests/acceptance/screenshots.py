#!/usr/bin/env python3
"""Takes the screenshots of the documentation, docs/images/*.png, in Chromium on a new `local`.

Each page is taken in light and dark. Run it after a change of these pages, and look at the result before you commit
it. Needs what the sign-in suites need, and installs it.
"""

import json
import shutil
import subprocess
import sys

sys.dont_write_bytecode = True

from gate import rust, tools  # noqa: E402
from gate.identity_providers import prepare_browser  # noqa: E402
from gate.server import Local  # noqa: E402

IMAGES = tools.ROOT / "docs" / "images"
WORK = tools.WORK / "screenshots"
LIMIT_SECONDS = 120
# The documentation shows several images; a reader loads all of them.
MAX_BYTES = 60_000


def main():
    """Builds `local`, takes the screenshots and prints their sizes."""
    IMAGES.mkdir(parents=True, exist_ok=True)
    try:
        scripts = prepare_browser()
        with Local(rust.build_server(WORK / "build.log"), WORK) as local:
            take(scripts, local.ready)
    except tools.SetupError as error:
        sys.exit(f"screenshots: {error}")
    for image in sorted(IMAGES.glob("*.png")):
        size = image.stat().st_size
        print(f"  {image.relative_to(tools.ROOT)}  {size} bytes")
        if size > MAX_BYTES:
            sys.exit(f"screenshots: {image.name} is larger than {MAX_BYTES} bytes")


def take(scripts, ready):
    """Runs `browser/screenshots.mjs` against the server."""
    plan = {
        "base_url": ready["base_url"],
        "scim": ready["scim"],
        "folder": str(IMAGES),
        "chromium": shutil.which("chromium"),
    }
    subprocess.run(
        ["node", scripts / "screenshots.mjs"],
        input=json.dumps(plan).encode(),
        timeout=LIMIT_SECONDS,
        check=True,
    )


if __name__ == "__main__":
    main()
