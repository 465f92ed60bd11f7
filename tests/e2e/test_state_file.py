"""What outlives the process: breakers, ejections and budgets in `state_file`, and what is not believed."""

import json
import os
import shutil
import signal
import subprocess
import tempfile
import time
import unittest
from pathlib import Path

from support import Daemon, Upstream, fetch, many, run_load, scripts, single, slow_factor, wait_until

STAYS_OPEN = {"open": {"initial": "30s", "max": "30s", "jitter": "none"}}
NO_RETRY = {"retries": 0, "ejection": {"enabled": False}}


def checksum(text):
    """FNV-1a of 64 bits, as in docs/adr."""
    value = 0xCBF29CE484222325
    for byte in text.encode():
        value = (value ^ byte) * 0x100000001B3 % 2**64
    return f"{value:016x}"


class StateCase(unittest.TestCase):
    def setUp(self):
        self.folder = Path(self.enterContext(tempfile.TemporaryDirectory(prefix="fusegate-e2e-")))
        self.file = self.folder / "state.json"

    def start(self, config, **keys):
        return self.enterContext(Daemon({**config, "state_file": str(self.file), **keys}))

    def saved(self):
        """The body of the file, or None."""
        try:
            return json.loads(self.file.read_text())["body"]
        except FileNotFoundError:
            return None

    def saved_upstream(self, name="up"):
        body = self.saved()
        return body and next(each for each in body["upstreams"] if each["name"] == name)

    def rewrite(self, change):
        """Changes the body, as a program that knows the format would."""
        body = self.saved()
        change(body)
        text = json.dumps(body, separators=(",", ":"))
        self.file.write_text(f'{{"fusegate_state":1,"checksum":"{checksum(text)}","body":{text}}}\n')

    def kill(self, daemon):
        daemon.signal(signal.SIGKILL)
        daemon.wait()

    def trip(self, daemon, upstream="up", target="/"):
        for _ in range(6):
            fetch(daemon.address, target=target)
        self.assertEqual(daemon.breaker(upstream), "open")

    def await_saved(self, state, upstream="up"):
        wait_until(lambda: (self.saved_upstream(upstream) or {"breaker": {}})["breaker"].get("state") == state,
                   8, f"{state} in the file", step=0.05)

    def said(self, daemon, message):
        return [line for line in daemon.log() if line["msg"] == message]


class OverARestart(StateCase):
    def test_a_forced_breaker_stays_forced(self):
        upstream = self.enterContext(Upstream(scripts.reply()))
        config = single(upstream)
        daemon = self.start(config)
        path = "/upstreams/up/breaker/open?for=1h"
        self.assertEqual(fetch(daemon.admin, "POST", path, host=daemon.admin).status, 200)
        until = json.loads(fetch(daemon.admin, target="/upstreams/up", host=daemon.admin).body)["breaker"]["until"]
        daemon.stop()
        daemon = self.start(config)
        shown = json.loads(fetch(daemon.admin, target="/upstreams/up", host=daemon.admin).body)["breaker"]
        self.assertEqual((shown["state"], shown["forced"]), ("forced_open", "open"))
        self.assertEqual(shown["until"][:16], until[:16])
        self.assertEqual(fetch(daemon.address).header("fusegate-reason"), "breaker_open")

    def broken(self, **settings):
        up = self.enterContext(Upstream(scripts.unavailable()))
        return up, single(up, breaker=STAYS_OPEN, **{**NO_RETRY, **settings})

    def test_open_breaker_stays_open_for_the_time_that_is_left(self):
        up, config = self.broken()
        daemon = self.start(config)
        self.trip(daemon)
        until = daemon.metric("fusegate_breaker_open_until_timestamp_seconds")
        self.await_saved("open")
        self.kill(daemon)
        time.sleep(1)
        seen = len(up.requests)
        again = self.start(config)
        response = fetch(again.address)
        self.assertEqual(response.header("fusegate-reason"), "breaker_open")
        self.assertEqual(len(up.requests), seen, "nothing reached it")
        self.assertAlmostEqual(again.metric("fusegate_breaker_open_until_timestamp_seconds"), until, delta=0.2)
        page = json.loads(fetch(again.admin, target="/upstreams/up", host=again.admin).body)
        self.assertEqual((page["breaker"]["state"], page["breaker"]["reason"]), ("open", "consecutive_failures"))
        self.assertEqual(self.said(again, "state of an upstream restored")[0]["breaker"], "open")
        self.assertEqual(again.metric("fusegate_breaker_transitions_total"), 0, "it moved in the process before")

    def test_state_is_written_at_exit_too(self):
        _, config = self.broken()
        daemon = self.start(config)
        self.trip(daemon)
        self.assertEqual(daemon.stop(), 0)
        self.assertEqual(self.saved_upstream()["breaker"]["state"], "open")
        self.assertEqual(self.start(config).breaker(), "open")

    def test_second_opening_is_longer_over_a_restart(self):
        up = self.enterContext(Upstream(scripts.unavailable()))
        config = single(up, breaker={"open": {"initial": "1s", "max": "30s", "factor": 10, "jitter": "none"}}, **NO_RETRY)
        daemon = self.start(config)
        self.trip(daemon)
        daemon.stop()
        again = self.start(config)
        wait_until(lambda: again.breaker() == "half_open", 5, "the end of the wait", step=0.05)
        fetch(again.address)
        left = again.metric("fusegate_breaker_open_until_timestamp_seconds") - time.time()
        self.assertTrue(9 < left <= 10, left)

    def test_budget_is_not_refilled(self):
        up = self.enterContext(Upstream(scripts.unavailable()))
        config = single(up, retries=1, breaker={"mode": "off"},
                        retry_budget={"percent": "0%", "window": "60s", "min_retries": 3})
        daemon = self.start(config)
        for _ in range(6):
            fetch(daemon.address)
        self.assertEqual(len(up.requests), 9)
        wait_until(lambda: sum(slot[1] for slot in (self.saved_upstream() or {"budget": {"slots": []}})["budget"]["slots"]) == 3,
                   8, "three charges in the file", step=0.05)
        self.kill(daemon)
        again = self.start(config)
        self.assertEqual(again.metric("fusegate_retry_budget_available"), 0)
        for _ in range(3):
            fetch(again.address)
        self.assertEqual(len(up.requests), 12, "no retry")

    def test_ejected_endpoint_stays_out(self):
        good = self.enterContext(Upstream())
        bad = self.enterContext(Upstream(scripts.unavailable()))
        config = many({"up": [good, bad]}, balance="round_robin", breaker=STAYS_OPEN)
        daemon = self.start(config)
        for _ in range(30):
            fetch(daemon.address)
        daemon.expect_metric(1, "fusegate_endpoints", state="ejected")
        daemon.stop()
        seen = len(bad.requests)
        again = self.start(config)
        self.assertEqual(again.metric("fusegate_endpoints", state="ejected"), 1)
        for _ in range(20):
            self.assertEqual(fetch(again.address).status, 200)
        self.assertEqual(len(bad.requests), seen)

    def test_endpoint_that_checks_found_down_stays_out_until_they_say_otherwise(self):
        page = lambda status: scripts.by_target({"/healthz": scripts.reply(b"", status)})
        good, bad = self.enterContext(Upstream(page(200))), self.enterContext(Upstream(page(500)))
        check = {"interval": "100ms", "timeout": "500ms"}
        config = many({"up": [good, bad]}, balance="round_robin", health_check=check)
        daemon = self.start(config)
        daemon.expect_metric(1, "fusegate_endpoint_ejections_total", reason="health_check")
        daemon.stop()
        seen = bad.count(target="/")
        again = self.start(config)
        for _ in range(10):
            fetch(again.address)
        self.assertEqual(bad.count(target="/"), seen, "out from the first request on")
        bad.script = page(200)
        wait_until(lambda: again.metric("fusegate_endpoints", state="ejected") == 0, 5, "its return")


class NotBelieved(StateCase):
    def setUp(self):
        super().setUp()
        up = self.enterContext(Upstream(scripts.unavailable()))
        other = self.enterContext(Upstream(scripts.unavailable()))
        self.config = many({"up": up, "other": other}, breaker=STAYS_OPEN,
                           routes=[{"match": "/other", "upstream": "other"}, {"match": "/", "upstream": "up"}], **NO_RETRY)
        daemon = self.start(self.config)
        self.trip(daemon)
        self.trip(daemon, "other", "/other")
        daemon.stop()

    def ignored(self, reason):
        """Starts; the whole file must have been ignored for a reason that begins so."""
        daemon = self.start(self.config)
        self.assertEqual((daemon.breaker(), daemon.breaker("other")), ("closed", "closed"))
        line, = self.said(daemon, "state file ignored")
        self.assertEqual(line["level"], "warn")
        self.assertIn(reason, line["reason"])
        self.assertEqual(fetch(daemon.address).status, 503)
        daemon.stop()

    def test_old_file(self):
        self.rewrite(lambda body: body.update(written_ms=body["written_ms"] - 61000))
        self.ignored("s old; 60 s is the limit")

    def test_file_from_the_future(self):
        self.rewrite(lambda body: body.update(written_ms=body["written_ms"] + 3600000))
        self.ignored("in the future")

    def test_damaged_files(self):
        whole = self.file.read_bytes()
        for name, data in (("empty", b""), ("cut", whole[:len(whole) // 2]), ("binary", os.urandom(4096)),
                           ("flipped", whole.replace(b'"run":5', b'"run":4')), ("other", b'{"a": 1}\n')):
            with self.subTest(name):
                self.file.write_bytes(data)
                self.ignored("it is damaged")

    def test_another_version(self):
        self.file.write_text(self.file.read_text().replace('"fusegate_state":1', '"fusegate_state":9'))
        self.ignored("it is of version 9")

    def test_something_that_is_no_file(self):
        self.file.unlink()
        self.file.mkdir()
        daemon = self.start(self.config)
        self.assertIn("not a regular file", self.said(daemon, "state file ignored")[0]["reason"])

    def test_only_the_upstream_whose_settings_changed_is_ignored(self):
        self.config["upstreams"]["up"] = {**self.config["upstreams"]["up"], "connect_timeout": "2s"}
        daemon = self.start(self.config)
        self.assertEqual((daemon.breaker(), daemon.breaker("other")), ("closed", "open"))
        line, = self.said(daemon, "state of an upstream ignored")
        self.assertEqual((line["upstream"], line["reason"]), ("up", "its settings have changed"))

    def test_state_that_cannot_be_is_ignored_for_that_upstream(self):
        def change(body):
            body["upstreams"][0]["breaker"]["until"] = 3600 * 10**9
        self.rewrite(change)
        daemon = self.start(self.config)
        self.assertEqual((daemon.breaker(), daemon.breaker("other")), ("closed", "open"))
        self.assertIn("damaged", self.said(daemon, "state of an upstream ignored")[0]["reason"])

    def test_upstream_that_is_gone(self):
        self.config["upstreams"] = {"up": self.config["upstreams"]["up"]}
        self.config["routes"] = [{"match": "/", "upstream": "up"}]
        daemon = self.start(self.config)
        self.assertEqual(daemon.breaker(), "open")
        self.assertIn("does not have it", self.said(daemon, "state of an upstream ignored")[0]["reason"])


class Writing(StateCase):
    def test_first_start_finds_no_file_and_writes_one(self):
        up = self.enterContext(Upstream())
        daemon = self.start(single(up))
        self.assertEqual(len(self.said(daemon, "no state file yet")), 1)
        wait_until(self.file.exists, 5, "the file")
        self.assertEqual(self.file.stat().st_mode & 0o777, 0o600)

    def test_is_not_written_while_nothing_happens_and_seldom_when_much_does(self):
        up = self.enterContext(Upstream())
        daemon = self.start(single(up))
        wait_until(self.file.exists, 5, "the file")
        inode = lambda: self.file.stat().st_ino
        first = self.file.stat().st_mtime_ns
        time.sleep(1.5)
        self.assertEqual(self.file.stat().st_mtime_ns, first)
        times = set()
        end = time.monotonic() + 6
        while time.monotonic() < end:
            fetch(daemon.address)
            times.add((inode(), self.file.stat().st_mtime_ns))
            time.sleep(0.05)
        self.assertLessEqual(len(times), 3)
        self.assertGreater(len(times), 1)

    def test_place_that_cannot_be_written_is_told_once_and_serving_goes_on(self):
        up = self.enterContext(Upstream())
        self.file = self.folder / "missing" / "state.json"
        daemon = self.start(single(up))
        wait_until(lambda: self.said(daemon, "state file cannot be written; state will not outlive this process"), 5, "the warning")
        end = time.monotonic() + 6
        while time.monotonic() < end:
            self.assertEqual(fetch(daemon.address).status, 200)
            time.sleep(0.05)
        self.assertEqual(len(self.said(daemon, "state file cannot be written; state will not outlive this process")), 1)
        self.file.parent.mkdir()
        wait_until(lambda: fetch(daemon.address) and self.said(daemon, "state file is written again"), 10, "the end of it", step=0.1)
        self.assertEqual(daemon.stop(), 0)

    @unittest.skipIf(os.environ.get("FUSEGATE_SANITIZE"), "a preloaded library and a sanitizer do not mix")
    @unittest.skipUnless(shutil.which("cc"), "needs a C compiler")
    def test_slow_disk_holds_up_no_request(self):
        source = self.folder / "slow.c"
        source.write_text("#include <unistd.h>\nint fsync(int fd) { (void)fd; sleep(3); return 0; }\n")
        library = self.folder / "slow.so"
        subprocess.run(["cc", "-shared", "-fPIC", "-o", library, source], check=True)
        up = self.enterContext(Upstream())
        config = {**single(up), "state_file": str(self.file)}
        daemon = self.enterContext(Daemon(config, env={"LD_PRELOAD": str(library)}))
        wait_until(lambda: (self.folder / "state.json.tmp").exists(), 5, "a write under way")
        result = run_load(daemon.address, 100, 2)
        self.assertEqual(result.statuses, {200: result.sent}, str(result))
        self.assertFalse(self.file.exists(), "the disk was slow indeed")
        self.assertLess(daemon.metric("fusegate_event_loop_lag_seconds_sum"), 1.0 * slow_factor())


if __name__ == "__main__":
    unittest.main()
