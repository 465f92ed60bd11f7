"""Certificate files: what `check` and `run` say about them, and how they are replaced under traffic."""

import json
import os
import shutil
import subprocess
import tempfile
import threading
import unittest
from pathlib import Path

from support import Authority, Client, CommandCase, Daemon, StartFailed, Upstream, binary, fetch, scaled, single, wait_until
from support.certificates import openssl

AGAIN = "certificate files read again"
KEPT = "new certificate file is not used, the old one stays"


def setUpModule():
    global AUTHORITY, OTHER, OWN
    AUTHORITY = unittest.enterModuleContext(Authority())
    OTHER = unittest.enterModuleContext(Authority("Another"))
    OWN = AUTHORITY.issue()


class Folder(unittest.TestCase):
    def setUp(self):
        self.folder = Path(self.enterContext(tempfile.TemporaryDirectory()))

    def file(self, name, text=""):
        path = self.folder / name
        path.write_text(text)
        return str(path)


class Checked(CommandCase, Folder):
    def listener(self, certificate=None, key=None, client_ca=None):
        tls = {"certificate": certificate or OWN.certificate, "key": key or OWN.key}
        if client_ca:
            tls["client_ca"] = client_ca
        lines = "".join(f"      {name}: {path}\n" for name, path in tls.items())
        return f"listeners:\n  - address: 127.0.0.1:1\n    tls:\n{lines}upstreams: {{ a: {{ url: http://127.0.0.1:9 }} }}\n"

    def found(self, text, code=1):
        return json.loads(self.expect(code, "-c", "-", "check", "--format", "json", stdin=text).stdout)["findings"]

    def complains(self, line, column, message, **files):
        finding, = self.found(self.listener(**files))
        self.assertEqual((finding["line"], finding["column"], finding["severity"]), (line, column, "error"), finding)
        self.assertIn(message, finding["message"])

    def test_good_files_are_found_good(self):
        self.assertEqual(self.found(self.listener(client_ca=AUTHORITY.with_revocations()), 0), [])

    def test_a_bad_file_is_shown_where_it_is_named(self):
        garbage = self.file("garbage.pem", "-----BEGIN CERTIFICATE-----\nAAAA\n-----END CERTIFICATE-----\n")
        half = self.file("half.pem", Path(OWN.certificate).read_text()[:300])
        empty = self.file("empty.pem")
        self.complains(4, 20, "cannot be read: No such file or directory", certificate="/nowhere/tls.crt")
        self.complains(4, 20, "is not a regular file", certificate=str(self.folder))
        self.complains(4, 20, "holds no certificate", certificate=empty)
        self.complains(4, 20, "holds no certificate", certificate=OWN.key)
        self.complains(4, 20, "holds a broken certificate", certificate=garbage)
        self.complains(4, 20, "holds a broken certificate", certificate=half)
        self.complains(5, 12, "cannot be read: No such file or directory", key="/nowhere/tls.key")
        self.complains(5, 12, "holds no private key", key=OWN.certificate)
        self.complains(5, 12, f"is not the key of the certificate in {OWN.certificate}", key=AUTHORITY.issue().key)
        self.complains(6, 18, "cannot be read: No such file or directory", client_ca="/nowhere/ca.crt")
        self.complains(6, 18, "holds no certificate of an authority", client_ca=empty)
        self.complains(6, 18, "is broken", client_ca=garbage)

    def test_a_broken_chain_is_not_shortened(self):
        chain = self.file("chain.pem", Path(OWN.certificate).read_text() + Path(AUTHORITY.file).read_text()[:300])
        self.complains(4, 20, "its chain is broken", certificate=chain)

    def test_a_key_with_a_pass_phrase_is_refused(self):
        locked = str(self.folder / "locked.key")
        openssl("pkcs8", "-topk8", "-in", OWN.key, "-passout", "pass:secret", "-out", locked)
        self.complains(5, 12, "pass phrase", key=locked)

    def test_a_weak_key_is_refused(self):
        weak = AUTHORITY.issue(key="rsa:1024")
        finding, = self.found(self.listener(weak.certificate, weak.key))
        self.assertIn("too small", finding["message"])

    @unittest.skipIf(os.geteuid() == 0 and not shutil.which("setpriv"), "needs a user without rights")
    def test_a_file_that_may_not_be_read_is_told_so(self):
        secret = self.file("secret.key", Path(OWN.key).read_text())
        os.chmod(secret, 0)
        text = self.listener(key=secret)
        command = [str(binary()), "-c", "-", "check"]
        if os.geteuid() == 0:
            for path in (self.folder, AUTHORITY.folder):
                os.chmod(path, 0o755)
            command = ["setpriv", "--reuid=65534", "--regid=65534", "--clear-groups", "--inh-caps=-all", "--bounding-set=-all", *command]
        done = subprocess.run(command, input=text, capture_output=True, text=True, timeout=scaled(20))
        self.assertIn("Permission denied", done.stderr)

    def test_upstreams_are_checked_too(self):
        text = f"upstreams:\n  a:\n    url: https://127.0.0.1:9\n    tls:\n      ca_file: /nowhere\n      certificate: {OWN.certificate}\n" \
               f"      key: {AUTHORITY.issue().key}\n"
        self.assertEqual([(each["line"], each["column"]) for each in self.found(text)], [(5, 16), (7, 12)])
        self.assertEqual(self.found(text.replace("https", "http"), 0)[0]["code"], "tls-setting-unused")

    def test_times_that_are_past_or_to_come_are_warned_of(self):
        for how, word in (({"first": -3, "last": -1}, "has expired on"), ({"first": 1, "last": 3}, "is not valid before")):
            own = AUTHORITY.issue(**how)
            finding, = self.found(self.listener(own.certificate, own.key), 0)
            self.assertEqual((finding["code"], finding["line"], finding["column"]), ("certificate-not-valid", 4, 20))
            self.assertIn(word, finding["message"])
            text = self.listener(own.certificate, own.key)
            self.expect(3, "-c", "-", "check", "--strict", stdin=text)
            self.expect(0, "-c", "-", "check", "--strict", "--allow", "certificate-not-valid", stdin=text)

    def test_commands_that_only_read_need_no_files(self):
        text = self.listener(certificate="/nowhere/a", key="/nowhere/b")
        for name in ("explain", "dump-config"):
            self.expect(0, "-c", "-", name, stdin=text)
        dump = self.expect(0, "-c", "-", "dump-config", stdin=text).stdout
        self.assertIn("/nowhere/b", dump)

    def test_run_does_not_start_with_a_bad_file(self):
        with self.assertRaises(StartFailed) as failed:
            Daemon(self.listener(key="/nowhere/tls.key"))
        self.assertEqual(failed.exception.code, 1)
        self.assertIn("cannot be read", failed.exception.stderr)


class Replaced(Folder):
    """One folder laid out as Kubernetes does: names that lead through `..data` to a version."""

    def setUp(self):
        super().setUp()
        self.version = 0
        self.publish(OWN)
        for name in ("tls.crt", "tls.key", "ca.crt"):
            (self.folder / name).symlink_to(f"..data/{name}")
        self.settings = {"certificate": str(self.folder / "tls.crt"), "key": str(self.folder / "tls.key")}

    def publish(self, own, authority=None):
        """A new version, put in place by one rename."""
        self.version += 1
        new = self.folder / f"..{self.version}"
        new.mkdir()
        shutil.copy(own.certificate, new / "tls.crt")
        shutil.copy(own.key, new / "tls.key")
        shutil.copy(authority or AUTHORITY.file, new / "ca.crt")
        link = self.folder / "..data_tmp"
        link.symlink_to(new.name)
        link.rename(self.folder / "..data")

    def start(self, script=None, **tls):
        self.upstream = self.enterContext(Upstream(script))
        config = {"listeners": [{"name": "default", "address": "127.0.0.1:0", "tls": {**self.settings, **tls}}],
                  **single(self.upstream)}
        self.daemon = self.enterContext(Daemon(config))
        return self.daemon

    def logged(self, message):
        return [line for line in self.daemon.log() if line["msg"] == message]

    def shown(self):
        """The serial number that a new client is shown."""
        with Client(self.daemon.address, tls=AUTHORITY.client()) as client:
            return client.sock.getpeercert()["serialNumber"]

    def test_a_new_certificate_is_shown_and_no_request_is_lost(self):
        self.start()
        first = self.shown()
        stop, wrong, served = threading.Event(), [], [0]

        def traffic(keep):
            try:
                while not stop.is_set():
                    with Client(self.daemon.address, tls=AUTHORITY.client()) as client:
                        for _ in range(50 if keep else 1):
                            if client.request("POST", body=b"x" * 1000).status != 200:
                                wrong.append("status")
                            served[0] += 1
            except Exception as error:
                wrong.append(error)
        with Client(self.daemon.address, tls=AUTHORITY.client()) as kept:
            kept.request()
            threads = [threading.Thread(target=traffic, args=(number % 2 == 0,)) for number in range(4)]
            for thread in threads:
                thread.start()
            try:
                for turn in range(3):
                    before = self.shown()
                    self.publish(AUTHORITY.issue())
                    wait_until(lambda: self.shown() != before, 10, "a new certificate")
                    self.assertEqual(len(wait_until(lambda: len(self.logged(AGAIN)) > turn and self.logged(AGAIN))), turn + 1)
            finally:
                stop.set()
                for thread in threads:
                    thread.join()
            self.assertEqual(kept.request().status, 200)
            self.assertEqual(kept.sock.getpeercert()["serialNumber"], first)
        self.assertEqual(wrong, [])
        self.assertGreater(served[0], 10)
        self.assertEqual(self.logged(AGAIN)[0]["listener"], "default")

    def test_files_that_cannot_be_used_change_nothing_but_the_log(self):
        self.start()
        first = self.shown()
        key = Path(self.settings["key"])
        for text, reason in ((Path(AUTHORITY.issue().key).read_text(), "is not the key of the certificate"), ("", "holds no private key")):
            (key.resolve()).write_text(text)
            line = wait_until(lambda: [line for line in self.logged(KEPT) if reason in line["error"]], 10, reason)[0]
            self.assertEqual((line["listener"], line["key"], line["level"]), ("default", "key", "error"))
            self.assertEqual(self.shown(), first)
        key.unlink()
        wait_until(lambda: [line for line in self.logged(KEPT) if "No such file" in line["error"]], 10, "a missing file")
        self.assertEqual(self.shown(), first)
        self.assertEqual(len(self.logged(KEPT)), 3)
        key.symlink_to("..data/tls.key")
        self.publish(AUTHORITY.issue())
        wait_until(lambda: self.shown() != first, 10, "the new certificate")

    def test_a_revocation_ends_the_access_of_sessions_too(self):
        good, bad = AUTHORITY.issue("service"), AUTHORITY.issue("service")
        self.start(client_ca=str(self.folder / "ca.crt"))
        context = AUTHORITY.client(bad)
        with Client(self.daemon.address, tls=context) as client:
            client.request()
            session = client.sock.session
        AUTHORITY.revoke(bad)
        self.publish(OWN, AUTHORITY.with_revocations())
        wait_until(lambda: self.logged(AGAIN), 10, AGAIN)
        with self.assertRaises(Exception):
            with Client(self.daemon.address, tls=context, session=session) as client:
                client.request()
        self.assertEqual(fetch(self.daemon.address, tls=AUTHORITY.client(good)).status, 200)

    def test_another_authority_of_an_upstream_is_asked_at_the_next_handshake(self):
        upstream = self.enterContext(Upstream(lambda e: (e.head(200, {"content-length": 0, "connection": "close"}), e.close()), tls=AUTHORITY.server(OWN)))
        self.daemon = self.enterContext(Daemon(single(upstream, tls={"ca_file": str(self.folder / "ca.crt")}, retries=0)))
        for _ in range(2):
            self.assertEqual(fetch(self.daemon.address).status, 200)
        self.assertEqual([done.reused for done in upstream.handshakes], [False, True])
        self.publish(OWN, OTHER.file)
        wait_until(lambda: self.logged(AGAIN), 10, AGAIN)
        self.assertEqual(self.logged(AGAIN)[0]["upstream"], "up")
        response = fetch(self.daemon.address)
        self.assertEqual((response.status, response.header("fusegate-reason")), (502, "tls_failed"))
        self.publish(OWN)
        wait_until(lambda: len(self.logged(AGAIN)) == 2, 10, AGAIN)
        self.assertEqual(fetch(self.daemon.address).status, 200)
        self.assertFalse(upstream.handshakes[-1].reused)


if __name__ == "__main__":
    unittest.main()
