"""The files of unix sockets: who may connect, what is left behind, and whose file it is."""

import os
import signal
import socket
import stat
import tempfile
import unittest
from pathlib import Path

from support import Daemon, StartFailed, Upstream, fetch, single


class SocketFiles(unittest.TestCase):
    def setUp(self):
        self.folder = Path(self.enterContext(tempfile.TemporaryDirectory(prefix="fusegate-e2e-")))
        self.upstream = self.enterContext(Upstream())
        self.paths = {"listen": self.folder / "data.sock", "admin": self.folder / "admin.sock", "status": self.folder / "status.sock"}

    def config(self):
        address = {name: f"unix:{path}" for name, path in self.paths.items()}
        return {**single(self.upstream), "listen": address["listen"], "admin": {"listen": address["admin"]},
                "status": {"listen": address["status"]}}

    def assert_serves(self):
        self.assertEqual(fetch(f"unix:{self.paths['listen']}").status, 200)
        self.assertEqual(fetch(f"unix:{self.paths['admin']}", target="/upstreams").status, 200)
        self.assertEqual(fetch(f"unix:{self.paths['status']}", target="/livez").status, 200)

    def test_only_owner_and_group_may_connect_whatever_the_umask(self):
        for mask in (0o000, 0o022, 0o077):
            before = os.umask(mask)
            try:
                daemon = Daemon(self.config())
            finally:
                os.umask(before)
            with self.subTest(oct(mask)), daemon:
                for path in self.paths.values():
                    self.assertEqual(stat.S_IMODE(path.stat().st_mode), 0o660, path)
                self.assert_serves()

    def test_files_go_with_the_process(self):
        with Daemon(self.config()) as daemon:
            self.assert_serves()
            self.assertEqual(daemon.stop(), 0)
        self.assertEqual(list(self.folder.iterdir()), [])

    def test_files_of_a_process_that_was_killed_are_replaced(self):
        with Daemon(self.config()) as daemon:
            daemon.signal(signal.SIGKILL)
            daemon.wait()
        self.assertEqual(len(list(self.folder.iterdir())), 3)
        with Daemon(self.config()):
            self.assert_serves()

    def test_a_socket_in_use_is_not_taken(self):
        for name in self.paths:
            with self.subTest(name), socket.socket(socket.AF_UNIX) as owner:
                path = self.paths[name]
                owner.bind(str(path))
                owner.listen()
                with self.assertRaises(StartFailed) as failed:
                    Daemon(self.config())
                self.assertEqual(failed.exception.code, 1)
                self.assertIn(f"cannot listen on unix:{path}", failed.exception.stderr)
                self.assertTrue(path.is_socket(), "still the owner's")
                path.unlink()

    def test_a_socket_whose_backlog_is_full_is_in_use_too(self):
        with socket.socket(socket.AF_UNIX) as owner:
            owner.bind(str(self.paths["listen"]))
            owner.listen(0)
            waiting = []
            while True:
                client = self.enterContext(socket.socket(socket.AF_UNIX))
                client.setblocking(False)
                try:
                    client.connect(str(self.paths["listen"]))
                except BlockingIOError:
                    break
                waiting.append(client)
            with self.assertRaises(StartFailed) as failed:
                Daemon(self.config())
            self.assertIn("in use", failed.exception.stderr)

    def test_what_is_no_socket_is_left_alone(self):
        precious = self.paths["listen"]
        precious.write_text("precious")
        with self.assertRaises(StartFailed):
            Daemon(self.config())
        self.assertEqual(precious.read_text(), "precious")
        precious.unlink()
        target = self.folder / "target"
        target.write_text("precious")
        precious.symlink_to(target)
        with self.assertRaises(StartFailed):
            Daemon(self.config())
        self.assertEqual(target.read_text(), "precious")

    def test_the_end_of_one_process_does_not_take_the_file_of_the_next(self):
        first = self.enterContext(Daemon(self.config()))
        for path in self.paths.values():
            path.unlink()
        with Daemon(self.config()):
            self.assertEqual(first.stop(), 0)
            self.assert_serves()


if __name__ == "__main__":
    unittest.main()
