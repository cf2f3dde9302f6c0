"""Counts the checks of a suite and prints them: one aligned line for each suite."""

import re
import sys
import threading
import time
from dataclasses import dataclass, field
from pathlib import Path

LABEL_WIDTH = 34
PROBLEMS_SHOWN = 20
HEARTBEAT_SECONDS = 60


@dataclass
class Outcome:
    """Counts of the passed and failed checks of one suite. A suite that did not run counts as a failure."""

    passed: int = 0
    failed: int = 0
    problems: list[str] = field(default_factory=list)
    notes: list[str] = field(default_factory=list)
    label: str = ""

    def add_pass(self):
        """Counts one check that passed."""
        self.passed += 1

    def add_failure(self, problem):
        """Counts one check that failed."""
        self.failed += 1
        self.problems.append(problem)

    def expect(self, holds, name, detail=""):
        """Counts the check `name` as passed if `holds`; `detail` describes a failure."""
        if holds:
            self.add_pass()
        else:
            self.add_failure(f"{name}: {detail}" if detail else name)

    def add(self, other):
        """Adds the checks of another outcome."""
        self.passed += other.passed
        self.failed += other.failed
        self.problems += other.problems
        self.notes += other.notes

    @classmethod
    def did_not_run(cls, why):
        """Returns the outcome of a suite that did not start."""
        return cls(failed=1, problems=[f"did not run: {why}"])


class Ticker:
    """Shows the progress of long work: in place on a terminal, one line a minute in a log."""

    def __init__(self, label, log=None):
        self.label, self.log = label, log
        self.start = time.monotonic()
        self.stopped = threading.Event()
        self.thread = threading.Thread(target=self._run, daemon=True)

    def __enter__(self):
        self.thread.start()
        return self

    def __exit__(self, *_):
        self.stopped.set()
        self.thread.join()
        if sys.stdout.isatty():
            print("\r\033[K", end="", flush=True)

    def seconds(self):
        """Returns the seconds since the work began."""
        return time.monotonic() - self.start

    def _run(self):
        terminal = sys.stdout.isatty()
        while not self.stopped.wait(0.5 if terminal else HEARTBEAT_SECONDS):
            line = f"  {self.label:<{LABEL_WIDTH}} {self.seconds():5.0f} s  {self._latest()}"
            if terminal:
                print("\r\033[K" + line[:100], end="", flush=True)
            else:
                print(line.replace(" s  ", " s so far  ", 1).rstrip(), flush=True)

    def _latest(self):
        if not self.log or not Path(self.log).exists():
            return ""
        with open(self.log, "rb") as file:
            file.seek(0, 2)
            file.seek(max(0, file.tell() - 2000))
            lines = file.read().decode("utf-8", "replace").split("\n")
        latest = next((line.strip() for line in reversed(lines) if line.strip()), "")
        return re.sub(r"\x1b\[[0-9;]*m", "", latest)[:50]


def print_outcome(label, outcome, seconds, log=None):
    """Prints the line of a finished suite and, below it, its notes and problems."""
    counts = f"{outcome.passed:5} passed  {outcome.failed:3} failed"
    print(f"  {label:<{LABEL_WIDTH}} {counts}  {seconds:6.1f} s", flush=True)
    for note in outcome.notes:
        print(f"      {note}")
    print_problems(outcome)
    if outcome.failed and log:
        print(f"      full log: {log}")
    sys.stdout.flush()


def print_failures(outcomes):
    """Prints every failed suite with its problems again: a log of CI is often read from its end."""
    failed = [outcome for outcome in outcomes if outcome.failed]
    if failed:
        print("\nFailed")
    for outcome in failed:
        print(f"  {outcome.label}: {outcome.failed} failed")
        print_problems(outcome)
    sys.stdout.flush()


def print_problems(outcome):
    """Prints the first problems of a suite."""
    for problem in outcome.problems[:PROBLEMS_SHOWN]:
        print("      ✗ " + problem.replace("\n", "\n        "))
    hidden = len(outcome.problems) - PROBLEMS_SHOWN
    if hidden > 0:
        print(f"      … and {hidden} more")
