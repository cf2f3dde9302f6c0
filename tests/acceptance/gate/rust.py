"""Runs the Rust levels: `cargo test --workspace`, and the fuzz targets.

The counts are read from the output of `cargo test`. `cargo-nextest`, which writes JUnit reports, runs no
documentation tests, so its report would have to be added to this output.
"""

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
# Coverage for libFuzzer. No sanitizer: our code has no `unsafe`.
COVERAGE = " ".join(
    ["--cfg fuzzing", "-Cpasses=sancov-module", "-Cllvm-args=-sanitizer-coverage-level=4"]
    + ["-Cllvm-args=-sanitizer-coverage-inline-8bit-counters", "-Cllvm-args=-sanitizer-coverage-pc-table"]
    + ["-Cllvm-args=-sanitizer-coverage-trace-compares"]
)


def test(log):
    """Runs the unit, integration and documentation tests of the workspace."""
    tools.ensure_program("cc", ["build-essential"], ["llvm"])
    code = tools.run(["cargo", "test", "--workspace", "--locked", "--no-fail-fast"], log, cwd=tools.ROOT, env=PLAIN)
    return count_results(code, log.read_text("utf-8", "replace"), log)


def replay_traces(base_url, token, log):
    """Replays the connector traces against a running server, one by one because they share a tenant."""
    command = ["cargo", "test", "--workspace", "--locked", "--test", "it", "--", "traces::", "--skip", "::tests::"]
    # The emulator itself refuses a query with raw quotes, which API Gateway passes on; `local` replays this trace.
    command += ["--skip", "generic_raw_quotes"]
    command += ["--test-threads=1"]
    target = {"GATEHOUSE_TRACES_BASE_URL": base_url, "GATEHOUSE_TRACES_TOKEN": token}
    code = tools.run(command, log, cwd=tools.ROOT, env={**PLAIN, **target})
    return count_results(code, log.read_text("utf-8", "replace"), log)


def count_results(code, output, log):
    """Returns the counts in the output of `cargo test`, which ended with this exit code."""
    outcome = Outcome()
    for passed, failed, ignored in RESULT.findall(output):
        outcome.passed += int(passed)
        outcome.failed += int(failed)
        if int(ignored):
            outcome.add_failure(f"{ignored} tests have the attribute #[ignore]")
    for name, text in FAILED_TEST.findall(output):
        outcome.problems.append(f"{name}\n{text.strip()[-1500:]}")
    if code != 0 and not outcome.failed:
        outcome.add_failure("cargo test did not finish:\n" + tools.tail(log, 30))
    if code == 0 and not outcome.passed:
        outcome.add_failure("cargo test ran no test")
    return outcome


def build_server(log):
    """Builds the server `local`; returns its path.

    Built together with a test it has the features of `cargo test`, so its dependencies are not compiled again.
    """
    command = ["cargo", "build", "--workspace", "--locked", "--bin", "local", "--test", "it"]
    tools.run_checked(command, log, cwd=tools.ROOT, env=PLAIN)
    return target_folder() / "debug" / "local"


def build_functions(names, log):
    """Builds functions as `cargo run --bin` builds each of them: with the features of all functions together."""
    binaries = [argument for name in names for argument in ("--bin", name)]
    tools.run_checked(["cargo", "build", "--locked", *binaries], log, cwd=tools.ROOT, env=PLAIN)


def target_folder():
    """Returns the output folder of cargo."""
    return tools.ROOT / os.environ.get("CARGO_TARGET_DIR", "target")


def fuzz(log):
    """Runs every fuzz target for ten seconds, if there is a nightly toolchain."""
    if not has_nightly():
        note = "no nightly toolchain: the same checks ran as property tests in `cargo test`"
        return Outcome(notes=[note])
    host = host_triple()
    # Fuzz the versions of the dependencies that the workspace builds. Cargo removes the others.
    shutil.copy(tools.ROOT / "Cargo.lock", FUZZ / "Cargo.lock")
    build = ["cargo", "+nightly", "build", "--release", "--target", host]
    environment = {**PLAIN, "RUSTFLAGS": COVERAGE, "CARGO_TARGET_DIR": str(target_folder() / "fuzz"), **built_openssl()}
    tools.run_checked([*build, "--manifest-path", FUZZ / "Cargo.toml"], log, cwd=FUZZ, env=environment)
    outcome = Outcome()
    for target in sorted(file.stem for file in (FUZZ / "targets").glob("*.rs")):
        binary = target_folder() / "fuzz" / host / "release" / target
        fuzz_one(binary, target, log, outcome)
    return outcome


def built_openssl():
    """Returns variables that name the OpenSSL which `cargo test` has compiled; compiling it takes a minute or two."""
    found = sorted((target_folder() / "debug" / "build").glob("openssl-sys-*/out/openssl-build/install"))
    if not found:
        return {}
    return {"OPENSSL_NO_VENDOR": "1", "OPENSSL_STATIC": "1", "OPENSSL_DIR": str(found[-1].resolve())}


def fuzz_one(binary, target, log, outcome):
    """Runs one target from its committed seeds; keeps new inputs below `target`."""
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
    outcome.expect(code == 0 and runs is not None, f"fuzz target {target}", describe_finding(output))
    if runs:
        outcome.notes.append(f"{target}: {int(runs[1]):,} inputs in {FUZZ_SECONDS} s")


def describe_finding(output):
    """Returns the panic and the file of its input, or the end of libFuzzer's output if it names none."""
    panic = re.search(r"panicked at .*\n(?:.*\n){0,3}", output)
    file = re.search(r"Test unit written to (.*)", output)
    if panic and file:
        return f"{panic[0][:3000]}input: {file[1]}"
    return "\n".join(output.split("\n")[-25:])


def has_nightly():
    """Returns whether rustup has a nightly toolchain."""
    if not shutil.which("rustup"):
        return False
    listed = subprocess.run(["rustup", "toolchain", "list"], capture_output=True, text=True, check=False).stdout
    return any(line.startswith("nightly-") for line in listed.split("\n"))


def host_triple():
    """Returns the host's target triple. With `--target`, cargo builds no build script with the coverage flags."""
    version = subprocess.run(["rustc", "+nightly", "-vV"], capture_output=True, text=True, check=True).stdout
    return re.search(r"^host: (\S+)", version, re.M)[1]
