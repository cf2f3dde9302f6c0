"""The Rust levels: `cargo test --workspace`, and the fuzz targets."""

import os
import re
import shutil
import subprocess

from gate import tools
from gate.report import Outcome

RESULT = re.compile(r"^test result: \w+\. (\d+) passed; (\d+) failed; (\d+) ignored", re.M)
FAILED_TEST = re.compile(r"^---- (.+?) stdout ----\n(.*?)(?=^---- |^failures:$|\Z)", re.M | re.S)
PLAIN = {**os.environ, "CARGO_TERM_COLOR": "never", "INSTA_UPDATE": "no"}
FUZZ = tools.ROOT / "tests" / "fuzz"
FUZZ_SECONDS = 10
# What libFuzzer needs of rustc, without a sanitizer: our code has no `unsafe` for one to watch.
COVERAGE = " ".join(
    ["--cfg fuzzing", "-Cpasses=sancov-module", "-Cllvm-args=-sanitizer-coverage-level=4"]
    + ["-Cllvm-args=-sanitizer-coverage-inline-8bit-counters", "-Cllvm-args=-sanitizer-coverage-pc-table"]
    + ["-Cllvm-args=-sanitizer-coverage-trace-compares"]
)


def test(log):
    """Unit, integration and documentation tests of the whole workspace."""
    tools.need("cc", ["build-essential"], ["llvm"])
    code = tools.run(["cargo", "test", "--workspace", "--locked", "--no-fail-fast"], log, cwd=tools.ROOT, env=PLAIN)
    return counted(code, log.read_text("utf-8", "replace"), log)


def traces(base_url, token, log):
    """The connector traces against a running server, one after the other since they share a tenant."""
    command = ["cargo", "test", "--workspace", "--locked", "--test", "it", "--", "traces::", "--skip", "::tests::"]
    command += ["--test-threads=1"]
    where = {"GATEHOUSE_TRACES_BASE_URL": base_url, "GATEHOUSE_TRACES_TOKEN": token}
    code = tools.run(command, log, cwd=tools.ROOT, env={**PLAIN, **where})
    return counted(code, log.read_text("utf-8", "replace"), log)


def counted(code, output, log):
    """The counts in the output of `cargo test`."""
    outcome = Outcome()
    for passed, failed, ignored in RESULT.findall(output):
        outcome.passed += int(passed)
        outcome.failed += int(failed)
        if int(ignored):
            outcome.bad(f"{ignored} tests are marked #[ignore]")
    for name, text in FAILED_TEST.findall(output):
        outcome.problems.append(f"{name}\n{text.strip()[-1500:]}")
    if code != 0 and not outcome.failed:
        outcome.bad("cargo test did not finish:\n" + tools.tail(log, 30))
    if code == 0 and not outcome.passed:
        outcome.bad("cargo test ran no test")
    return outcome


def build_server(log):
    """The path of the laptop process.

    Named together with a test it has the features of `cargo test`, so what it stands on is compiled already.
    """
    command = ["cargo", "build", "--workspace", "--locked", "--bin", "local", "--test", "it"]
    tools.must(command, log, cwd=tools.ROOT, env=PLAIN)
    return target_folder() / "debug" / "local"


def build_functions(names, log):
    """Functions as `cargo run --bin` builds each of them, with the features of all that are deployed."""
    binaries = [argument for name in names for argument in ("--bin", name)]
    tools.must(["cargo", "build", "--locked", *binaries], log, cwd=tools.ROOT, env=PLAIN)


def target_folder():
    """Where cargo puts what it builds."""
    return tools.ROOT / os.environ.get("CARGO_TARGET_DIR", "target")


def fuzz(log):
    """Every fuzz target for ten seconds each, where there is a nightly toolchain."""
    if not has_nightly():
        note = "no nightly toolchain: the same checks ran as property tests in `cargo test`"
        return Outcome(notes=[note])
    host = host_triple()
    # The versions that the workspace builds, whatever has been added to it.
    shutil.copy(tools.ROOT / "Cargo.lock", FUZZ / "Cargo.lock")
    build = ["cargo", "+nightly", "build", "--release", "--target", host]
    environment = {**PLAIN, "RUSTFLAGS": COVERAGE, "CARGO_TARGET_DIR": str(target_folder() / "fuzz"), **built_openssl()}
    tools.must([*build, "--manifest-path", FUZZ / "Cargo.toml"], log, cwd=FUZZ, env=environment)
    outcome = Outcome()
    for target in sorted(file.stem for file in (FUZZ / "targets").glob("*.rs")):
        binary = target_folder() / "fuzz" / host / "release" / target
        fuzz_one(binary, target, log, outcome)
    return outcome


def built_openssl():
    """The OpenSSL that `cargo test` has compiled, so that it is not compiled again: a minute or two."""
    found = sorted((target_folder() / "debug" / "build").glob("openssl-sys-*/out/openssl-build/install"))
    if not found:
        return {}
    return {"OPENSSL_NO_VENDOR": "1", "OPENSSL_STATIC": "1", "OPENSSL_DIR": str(found[-1].resolve())}


def fuzz_one(binary, target, log, outcome):
    """Runs one target from its committed seeds; new inputs stay below `target`."""
    corpus = tools.WORK / "fuzz" / target
    corpus.mkdir(parents=True, exist_ok=True)
    limits = [
        f"-max_total_time={FUZZ_SECONDS}",
        "-timeout=5",
        "-rss_limit_mb=1024",
        "-max_len=8192",
        "-print_final_stats=1",
    ]
    crash = f"-artifact_prefix={corpus.parent}/{target}-"
    seeds = FUZZ / "seeds" / target
    before = log.stat().st_size
    code = tools.run([binary, *limits, crash, corpus, seeds], log, cwd=tools.ROOT)
    with open(log, "rb") as file:
        file.seek(before)
        output = file.read().decode("utf-8", "replace")
    runs = re.search(r"stat::number_of_executed_units:\s*(\d+)", output)
    outcome.expect(code == 0 and runs is not None, f"fuzz target {target}", finding(output))
    if runs:
        outcome.notes.append(f"{target}: {int(runs[1]):,} inputs in {FUZZ_SECONDS} s")


def finding(output):
    """What libFuzzer found: the panic, and where it wrote the input; or the end of its output."""
    said = re.search(r"panicked at .*\n(?:.*\n){0,3}", output)
    kept = re.search(r"Test unit written to (.*)", output)
    if said and kept:
        return f"{said[0][:3000]}input: {kept[1]}"
    return "\n".join(output.split("\n")[-25:])


def has_nightly():
    """Whether rustup has a nightly toolchain."""
    if not shutil.which("rustup"):
        return False
    listed = subprocess.run(["rustup", "toolchain", "list"], capture_output=True, text=True, check=False).stdout
    return any(line.startswith("nightly-") for line in listed.split("\n"))


def host_triple():
    """The host's target triple; naming it keeps the coverage flags out of build scripts."""
    version = subprocess.run(["rustc", "+nightly", "-vV"], capture_output=True, text=True, check=True).stdout
    return re.search(r"^host: (\S+)", version, re.M)[1]
