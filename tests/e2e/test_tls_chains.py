"""Certificates that lead to an authority over another one, and revocation lists that do not say what is asked."""

import json
import ssl
import unittest
from pathlib import Path

from support import Authority, Pair, command, fetch
from support.tls import ListenerCase, UpstreamCase, VERSIONS


class Chain:
    """Certificates of `middle`, which `authority` has certified."""

    @classmethod
    def setUpClass(cls):
        super().setUpClass()
        cls.middle = cls.enterClassContext(Authority("Middle", parent=cls.authority))
        cls.alone = cls.middle.issue("localhost", "127.0.0.1")
        chain = cls.middle.folder / "chain.pem"
        chain.write_text(Path(cls.alone.certificate).read_text() + Path(cls.middle.file).read_text())
        cls.whole = Pair(str(chain), cls.alone.key)


class OfAListener(Chain, ListenerCase):
    def test_the_whole_chain_of_the_file_is_shown(self):
        self.own = self.whole
        self.start()
        for version in VERSIONS:
            with self.subTest(version):
                self.assertEqual(fetch(self.address, tls=self.authority.client(newest=version)).status, 200)

    def test_nothing_is_added_to_the_file(self):
        self.own = self.alone
        self.start()
        with self.assertRaises(ssl.SSLCertVerificationError):
            self.client()

    def test_clients_may_bring_a_chain(self):
        self.start(client_ca=self.authority.file)
        self.assertEqual(fetch(self.address, tls=self.authority.client(self.whole)).status, 200)


class OfAnUpstream(Chain, UpstreamCase):
    def test_the_whole_chain_of_the_file_is_shown(self):
        upstream = self.serve(client_ca=self.authority.file)
        self.assertEqual(fetch(self.run_with(upstream, self.whole.settings()).address).status, 200)

    def test_servers_may_bring_a_chain(self):
        self.assertEqual(fetch(self.run_with(self.serve(own=self.whole)).address).status, 200)
        self.refuses(self.serve(own=self.alone), "its certificate is from an unknown authority")

    def test_a_name_may_end_with_a_dot(self):
        upstream = self.serve()
        self.assertEqual(fetch(self.run_with(upstream, {"server_name": "localhost."}).address).status, 200)
        self.assertEqual(upstream.handshakes[0].server_name, "localhost")


class Lists(UpstreamCase):
    def test_a_list_that_is_out_of_date_lets_nobody_in(self):
        bundle = self.authority.with_revocations(first=-3, last=-1)
        self.refuses(self.serve(), "the revocation list of its authority is out of date", {"ca_file": bundle})
        text = f"upstreams: {{ a: {{ url: 'https://127.0.0.1:9', tls: {{ ca_file: {bundle} }} }} }}\n"
        done = command("-c", "-", "check", "--format", "json", stdin=text)
        finding, = json.loads(done.stdout)["findings"]
        self.assertEqual((done.returncode, finding["severity"], finding["code"]), (0, "warning", "certificate-not-valid"))
        self.assertIn("is out of date since", finding["message"])

    def test_an_authority_without_a_list_lets_nobody_in(self):
        with Authority("Another") as other:
            both = other.folder / "both.pem"
            both.write_text(Path(self.authority.with_revocations()).read_text() + Path(other.file).read_text())
            self.assertEqual(fetch(self.run_with(self.serve(), {"ca_file": str(both)}).address).status, 200)
            stranger = self.serve(own=other.issue("127.0.0.1"))
            self.refuses(stranger, "there is no revocation list of its authority", {"ca_file": str(both)})


if __name__ == "__main__":
    unittest.main()
