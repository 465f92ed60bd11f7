"""It needs no right: nobody, no capability, no way to get one, nothing to write to, few descriptors."""

import os
import shutil
import subprocess
import unittest
from pathlib import Path

from support import Client, Daemon, StartFailed, Upstream, binary, fetch, single, wait_until
from support.command import command

NOBODY = 65534
# The configuration lies in a directory that only its maker may read; it comes after "-c".
OPEN_TO_ALL = ["sh", "-c", 'for word; do case $word in */fusegate.yaml) chmod 755 "${word%/*}"; chmod 644 "$word";; esac; done; '
                           'exec "$@"', "sh"]
# Of util-linux: a read-only root first, while that is permitted, then everything is given away.
READ_ONLY = ["unshare", "--mount", "sh", "-c",
             'mount --make-rprivate / && mount -o remount,ro,bind / && exec "$@"', "sh"]
SETPRIV = ["setpriv", f"--reuid={NOBODY}", f"--regid={NOBODY}", "--clear-groups", "--bounding-set=-all",
           "--inh-caps=-all", "--ambient-caps=-all", "--no-new-privs"]


def permitted(prefix):
    if not shutil.which(prefix[0]):
        return False
    return subprocess.run([*prefix, str(binary()), "version"], capture_output=True, check=False).returncode == 0


class LeastPrivilege(unittest.TestCase):
    def serve(self, prefix):
        upstream = self.enterContext(Upstream())
        daemon = self.enterContext(Daemon(single(upstream), prefix=[*OPEN_TO_ALL, *prefix]))
        self.assertEqual(fetch(daemon.address).status, 200)
        self.assertEqual(fetch(daemon.status, target="/readyz").status, 200)
        self.assertEqual(fetch(daemon.admin, target="/upstreams", host="localhost").status, 200)
        self.assertEqual(command("-c", daemon.config_path, "--status-listen", daemon.status, "healthcheck").returncode, 0)
        return daemon

    def test_runs_as_nobody_without_any_capability(self):
        if not permitted(SETPRIV):
            self.skipTest("SKIPPED: setpriv may not change the user here; run it as root")
        prefix = SETPRIV
        if permitted([*READ_ONLY, *SETPRIV]):
            prefix = [*READ_ONLY, *SETPRIV]
        else:
            print("SKIPPED: the read-only root, because mounts are not permitted here")
        daemon = self.serve(prefix)
        status = Path(f"/proc/{daemon.pid}/status").read_text()
        self.assertRegex(status, rf"Uid:\s+{NOBODY}\s+{NOBODY}\s+{NOBODY}\s+{NOBODY}\n")
        for kind in ("Inh", "Prm", "Eff", "Bnd", "Amb"):
            self.assertRegex(status, rf"Cap{kind}:\s+0+\n")
        self.assertRegex(status, r"NoNewPrivs:\s+1\n")
        self.assertEqual(daemon.stop(), 0)

    def test_needs_no_environment_and_no_standard_input(self):
        self.assertEqual(command("version").returncode, 0)
        done = subprocess.run([str(binary()), "version"], stdin=subprocess.DEVNULL, env={}, capture_output=True, check=False)
        self.assertEqual(done.returncode, 0)

    @unittest.skipIf("undefined" in os.environ.get("FUSEGATE_SANITIZE", ""),
                     "SKIPPED: the sanitizer needs descriptors of its own to look at memory")
    def test_too_few_descriptors_to_start_are_told(self):
        upstream = self.enterContext(Upstream())
        codes = []
        for limit in range(4, 20):
            with self.subTest(limit):
                try:
                    with Daemon(single(upstream), prefix=["prlimit", f"--nofile={limit}:{limit}"]) as daemon:
                        code, said = daemon.stop(), daemon.stderr()
                        daemon.stopped = 0  # What it ended with is looked at here.
                except StartFailed as failed:
                    code, said = failed.code, failed.stderr
                codes.append(code)
                self.assertIn(code, (0, 1, 127), said)  # 127: not even its libraries could be opened.
                if code != 0:
                    self.assertRegex(said, r"(?i)descriptors|too many open files|cannot open shared object")
        self.assertIn(1, codes)
        self.assertEqual(codes[-1], 0, "twenty are enough to serve a little")

    @unittest.skipIf("undefined" in os.environ.get("FUSEGATE_SANITIZE", ""),
                     "SKIPPED: the sanitizer needs descriptors of its own to look at memory")
    def test_few_descriptors_hold_up_some_and_break_nobody(self):
        upstream = self.enterContext(Upstream())
        with Daemon(single(upstream), prefix=["prlimit", "--nofile=40:40"]) as daemon:
            held = [self.enterContext(Client(daemon.address)) for _ in range(60)]
            wait_until(lambda: daemon.fd_count() >= 38, 5, "a full table of descriptors")
            self.assertIsNone(daemon.process.poll())
            for client in held:
                client.close()
            wait_until(lambda: self.answers(daemon), 10, "an answer after the flood")

    def answers(self, daemon):
        try:
            return fetch(daemon.address, timeout=2).status == 200
        except (OSError, TimeoutError):
            return False


if __name__ == "__main__":
    os.umask(0o022)
    unittest.main()
