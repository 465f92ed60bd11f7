"""Runs one command with its memory and its time bounded and measured."""

import os
import resource
import subprocess
import tempfile

from .command import PASSED_ON
from .daemon import binary
from .timing import scaled


class Measured:
    """Exit code (negative: a signal), both outputs, CPU seconds and peak resident memory in MiB."""

    def __init__(self, args, stdin=b"", env=None, cpu_s=20, memory_mib=1024):
        seconds = int(scaled(cpu_s))
        sanitized = bool(os.environ.get("FUSEGATE_SANITIZE"))

        def bound():
            resource.setrlimit(resource.RLIMIT_CPU, (seconds, seconds))
            if not sanitized:  # A sanitizer reserves terabytes of addresses.
                resource.setrlimit(resource.RLIMIT_AS, (memory_mib << 20, memory_mib << 20))

        clean = {name: value for name, value in os.environ.items() if name in PASSED_ON} | (env or {})
        with tempfile.TemporaryFile() as source, tempfile.TemporaryFile() as out, tempfile.TemporaryFile() as err:
            source.write(stdin)
            source.seek(0)
            child = subprocess.Popen([str(binary()), *map(str, args)], stdin=source, stdout=out, stderr=err, env=clean,
                                     preexec_fn=bound)
            _, status, usage = os.wait4(child.pid, 0)
            self.code = child.returncode = os.waitstatus_to_exitcode(status)
            out.seek(0)
            err.seek(0)
            self.stdout, self.stderr = out.read(), err.read()
        self.cpu_s = usage.ru_utime + usage.ru_stime
        self.peak_mib = usage.ru_maxrss / 1024
