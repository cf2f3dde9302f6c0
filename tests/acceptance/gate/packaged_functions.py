"""Runs the executables of `make build` as Lambda does, with the Runtime API of `cargo lambda watch`."""

import signal
import subprocess
import threading
import tomllib

from watch import DEFAULTS

from gate import functions, lambda_runtime, tools


class PackagedFunctions(lambda_runtime.Functions):
    """All packaged functions for one processor behind one address. cargo-lambda itself starts none of them."""

    def __init__(self, processor, aws, folder):
        super().__init__(aws, folder, "--only-lambda-apis")
        self.processor, self.processes, self.watchers, self.dead = processor, {}, [], []
        # The variables that `cargo lambda watch` would set for each function.
        settings = tomllib.loads((tools.ROOT / "Cargo.toml").read_text("utf-8"))
        self.own = {name: bin["env"] for name, bin in settings["workspace"]["metadata"]["lambda"]["bin"].items()}
        self.stopping = threading.Event()

    def __enter__(self):
        super().__enter__()
        try:
            for name in functions.names():
                self._start(name)
        except Exception:
            self.__exit__()
            raise
        return self

    def __exit__(self, *_):
        self.stopping.set()
        for process in self.processes.values():
            process.kill()
        for watcher in self.watchers:
            watcher.join()
        super().__exit__()

    def died(self):
        """Returns why a function has ended, or None. A panic ends the process: `panic = "abort"`."""
        if self.dead:
            return f"{self.dead[0]}:\n{tools.tail(self.log, 10)}"
        return super().died()

    def abort(self, name):
        """Ends a function as a panic would, and waits until this class has noticed it."""
        self.processes[name].send_signal(signal.SIGABRT)
        for watcher in self.watchers:
            if watcher.name == name:
                watcher.join()

    def _start(self, name):
        bootstrap = functions.folder(self.processor, name) / "bootstrap"
        with open(self.log, "ab") as out:
            self.processes[name] = subprocess.Popen(
                [bootstrap],
                cwd=bootstrap.parent,
                env=self._environment(name, bootstrap),
                stdin=subprocess.DEVNULL,
                stdout=out,
                stderr=subprocess.STDOUT,
            )
        self.watchers.append(threading.Thread(target=self._watch, args=(name,), name=name, daemon=True))
        self.watchers[-1].start()

    def _environment(self, name, bootstrap):
        """Returns the variables that Lambda sets, and those of `make watch` in place of the template's. None of this
        shell's."""
        return {
            **DEFAULTS,
            **self.environment,
            **self.own[name],
            "AWS_LAMBDA_FUNCTION_MEMORY_SIZE": "256",
            "AWS_LAMBDA_FUNCTION_NAME": name,
            "AWS_LAMBDA_FUNCTION_VERSION": "1",
            "AWS_LAMBDA_INITIALIZATION_TYPE": "on-demand",
            "AWS_LAMBDA_LOG_GROUP_NAME": f"/aws/lambda/{name}",
            "AWS_LAMBDA_LOG_STREAM_NAME": "acceptance",
            # On Lambda it is a host and a port. cargo-lambda adds a path that names the function.
            "AWS_LAMBDA_RUNTIME_API": f"http://127.0.0.1:{self.port}/.rt/{name}",
            "AWS_SESSION_TOKEN": "token",
            "GATEHOUSE_BASE_URL": self.ready["base_url"],
            "LAMBDA_TASK_ROOT": str(bootstrap.parent),
            "LANG": "en_US.UTF-8",
            "PATH": "/usr/local/bin:/usr/bin:/bin:/opt/bin",
            "TZ": ":UTC",
        }

    def _watch(self, name):
        """Stops cargo-lambda if a function ends, so that no request waits for an answer."""
        code = self.processes[name].wait()
        if not self.stopping.is_set():
            self.dead.append(f"the function {name} ended with code {code}")
            tools.stop_group(self.process)
