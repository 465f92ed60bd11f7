"""Upstreams by name: resolution, names that do not exist, and readiness."""

import json
import shutil
import subprocess
import tempfile
import unittest
from pathlib import Path

from support import Daemon, Upstream, fetch, many, scripts, wait_until

# RFC 6761: never resolves.
NOWHERE = "http://no-such-host.invalid:8080"


class Names(unittest.TestCase):
    def test_name_of_this_machine_resolves(self):
        upstream = self.enterContext(Upstream(scripts.reply(b"by name")))
        daemon = self.enterContext(Daemon(many({"up": f"http://localhost:{upstream.port}"})))
        for _ in range(10):
            # The name may also have an IPv6 address, where nothing listens: a retry finds the other.
            self.assertEqual(fetch(daemon.address, "POST", body=b"x").body, b"by name")
        wait_until(lambda: daemon.metric("fusegate_dns_lookups_total", upstream="up", result="ok") >= 1, what="the count")
        self.assertGreater(daemon.metric("fusegate_dns_last_success_timestamp_seconds", upstream="up"), 1e9)

    def test_family_can_be_chosen(self):
        upstream = self.enterContext(Upstream())
        daemon = self.enterContext(Daemon(many({"up": f"http://localhost:{upstream.port}"}, dns={"family": "ipv4"}, retries=0)))
        self.assertEqual([fetch(daemon.address).status for _ in range(10)], [200] * 10)

    def test_host_rewrite_to_the_name(self):
        upstream = self.enterContext(Upstream())
        routes = [{"match": "/", "upstream": "up", "rewrite": {"host": "upstream"}}]
        daemon = self.enterContext(Daemon(many({"up": f"http://localhost:{upstream.port}"}, routes=routes)))
        self.assertEqual(fetch(daemon.address).status, 200)
        self.assertEqual(upstream.last.header("host"), f"localhost:{upstream.port}")

    def test_unknown_name_is_refused_and_the_process_is_ready(self):
        upstream = self.enterContext(Upstream())
        routes = [{"match": "/lost", "upstream": "lost"}, {"match": "/", "upstream": "up"}]
        daemon = self.enterContext(Daemon(many({"lost": NOWHERE, "up": upstream}, routes=routes, retries=0)))
        wait_until(lambda: fetch(daemon.status, target="/readyz").status == 200, 15, "readiness")
        response = fetch(daemon.address, target="/lost", timeout=20)
        self.assertEqual((response.status, response.header("fusegate-reason")), (502, "dns_failed"))
        self.assertIn("no-such-host.invalid", json.loads(response.body)["detail"])
        self.assertEqual(fetch(daemon.address, target="/else").status, 200)
        self.assertGreaterEqual(daemon.metric("fusegate_dns_lookups_total", upstream="lost")
                                - daemon.metric("fusegate_dns_lookups_total", upstream="lost", result="ok"), 1)


class ChangingNames(unittest.TestCase):
    """A name that comes and goes, in a hosts file that only the daemon sees."""

    OWN_FILES = ["unshare", "--mount", "sh", "-c",
                 'mount --make-rprivate / && mount --bind "$0/hosts" /etc/hosts && '
                 'mount --bind "$0/nsswitch.conf" /etc/nsswitch.conf && exec "$@"']

    def start(self, known, **dns):
        self.folder = Path(self.enterContext(tempfile.TemporaryDirectory()))
        (self.folder / "nsswitch.conf").write_text("hosts: files\n")
        self.knows(known)
        prefix = [*self.OWN_FILES, str(self.folder)]
        if not shutil.which("unshare") or subprocess.run([*prefix, "true"], capture_output=True, check=False).returncode != 0:
            self.skipTest("SKIPPED: no mounts of its own are permitted here")
        self.upstream = self.enterContext(Upstream())
        config = many({"up": f"http://moving.test:{self.upstream.port}"}, dns={"refresh": "100ms", **dns}, retries=0)
        self.daemon = self.enterContext(Daemon(config, prefix=prefix))

    def knows(self, known):
        # In place, because the file itself is mounted.
        (self.folder / "hosts").write_text("127.0.0.1 moving.test\n" if known else "127.0.0.1 localhost\n")

    def answer(self):
        response = fetch(self.daemon.address)
        return response.status, response.header("fusegate-reason")

    def expect_answer(self, *wanted):
        wait_until(lambda: self.answer() == wanted, what=f"the answer {wanted}")

    def said(self, text):
        return [line for line in self.daemon.log() if line["msg"] == text]

    def test_the_last_addresses_are_kept(self):
        self.start(True)
        self.expect_answer(200, None)
        self.knows(False)
        wait_until(lambda: self.said("name of the upstream does not resolve"), what="a warning")
        self.assertEqual(self.answer(), (200, None))
        self.knows(True)
        wait_until(lambda: self.said("name of the upstream resolves again"), what="the good news")
        self.assertEqual(self.answer(), (200, None))

    def test_the_last_addresses_are_given_up_where_that_is_asked_for(self):
        self.start(True, keep_last_good=False)
        self.expect_answer(200, None)
        self.knows(False)
        self.expect_answer(503, "no_endpoint")
        self.knows(True)
        self.expect_answer(200, None)

    def test_a_name_that_was_never_known_is_told_as_such(self):
        for keep in (True, False):
            with self.subTest(keep_last_good=keep):
                self.start(False, keep_last_good=keep)
                wait_until(lambda: self.said("name of the upstream does not resolve"), what="a warning")
                self.assertEqual(self.answer(), (502, "dns_failed"))
                self.knows(True)
                self.expect_answer(200, None)


if __name__ == "__main__":
    unittest.main()
