"""Pooled connections: nothing stale is used, and nothing left over reaches another request."""

import time
import unittest

from support import Client, Daemon, Upstream, fetch, fetch_all, scripts, single, wait_until

PLAIN = {"retries": 0, "breaker": {"mode": "off"}, "ejection": {"enabled": False}}


def second_time(end):
    """A script that answers the first request of each connection; of the second one `end` is called with the exchange."""
    seen = set()

    def script(exchange):
        if exchange.request.connection in seen:
            end(exchange)
        else:
            seen.add(exchange.request.connection)
            exchange.reply()
    return script


class Pooling(unittest.TestCase):
    def start(self, script=None, **settings):
        upstream = self.enterContext(Upstream(script))
        return self.enterContext(Daemon(single(upstream, **{**PLAIN, **settings}))), upstream

    def test_connection_closed_while_idle_is_not_used(self):
        daemon, upstream = self.start()
        with Client(daemon.address) as client:
            for round_ in range(10):
                response = client.request("POST", body=b"once")
                self.assertEqual(response.status, 200, round_)
                upstream.drop_connections()
                wait_until(lambda: upstream.open == 0, what="closed connections")
        self.assertEqual(upstream.count(method="POST"), 10)
        self.assertEqual(upstream.connections, 10)

    def test_connection_closed_under_the_request_is_tried_again_once_for_free(self):
        # The upstream closes each connection at its second request, before answering.
        daemon, upstream = self.start(second_time(lambda exchange: exchange.close()))
        with Client(daemon.address) as client:
            self.assertEqual([client.request().status for _ in range(6)], [200] * 6)
        wait_until(lambda: daemon.metric("fusegate_attempts_total", result="stale_reuse") >= 1, what="the count")
        self.assertEqual(upstream.connections, 6)

    def test_post_on_a_connection_that_dies_is_not_repeated(self):
        daemon, upstream = self.start(second_time(lambda exchange: exchange.reset()), retries=2)
        with Client(daemon.address) as client:
            statuses = [client.request("POST", target=f"/{i}", body=b"x").status for i in range(6)]
        self.assertEqual(len(upstream.requests), 6)
        self.assertEqual(len({r.target for r in upstream.requests}), 6)
        self.assertIn(502, statuses)

    def test_unsolicited_bytes_never_reach_a_client(self):
        poison = b"HTTP/1.1 200 OK\r\ncontent-length: 6\r\n\r\nPOISON"
        daemon, upstream = self.start(lambda e: e.reply(200, e.request.target.encode()))
        with Client(daemon.address) as client:
            for i in range(20):
                self.assertEqual(client.request(target=f"/{i}").body, f"/{i}".encode())
                for sock in upstream.live_sockets():
                    try:
                        sock.sendall(poison)
                    except OSError:
                        pass
                if i % 2:
                    time.sleep(0.02)
                else:
                    # Even without a pause the bytes are older than the next request.
                    wait_until(lambda: upstream.open == 0, 2, "a dropped connection")

    def test_bytes_after_a_response_never_reach_another_request(self):
        extra = b"HTTP/1.1 200 OK\r\ncontent-length: 6\r\n\r\nPOISON"

        def answer(exchange):
            body = exchange.request.target.encode()
            head = f"HTTP/1.1 200 OK\r\ncontent-length: {len(body)}\r\n\r\n".encode()
            exchange.send(head + body + extra)
        daemon, upstream = self.start(answer)
        with Client(daemon.address) as client:
            for i in range(20):
                self.assertEqual(client.request(target=f"/{i}").body, f"/{i}".encode())
        self.assertEqual(upstream.connections, 20)

    def test_response_to_head_with_a_body_never_reaches_another_request(self):
        def answer(exchange):
            exchange.send(b"HTTP/1.1 200 OK\r\ncontent-length: 6\r\n\r\nPOISON")
        daemon, upstream = self.start(answer)
        with Client(daemon.address) as client:
            self.assertEqual(client.request("HEAD").status, 200)
            upstream.script = scripts.reply(b"clean")
            self.assertEqual(client.request().body, b"clean")

    def test_answer_before_the_body_was_read_ends_the_connection(self):
        @scripts.early
        def hasty(exchange):
            exchange.reply(403, b"no")
            exchange.until_peer_leaves()
        daemon, upstream = self.start(hasty)
        with Client(daemon.address) as client:
            client.send("POST / HTTP/1.1\r\nhost: a\r\ncontent-length: 1000\r\n\r\npart")
            self.assertEqual(client.read().status, 403)
        upstream.script = scripts.reply(b"clean")
        self.assertEqual(fetch(daemon.address).body, b"clean")
        self.assertEqual(upstream.connections, 2)

    def test_client_that_left_does_not_leave_its_answer_behind(self):
        daemon, upstream = self.start(scripts.after(0.3, lambda e: e.reply(200, e.request.target.encode())))
        for i in range(5):
            client = Client(daemon.address)
            client.send(f"GET /gone{i} HTTP/1.1\r\nhost: a\r\n\r\n")
            wait_until(lambda: len(upstream.requests) == 2 * i + 1, what="the request upstream")
            client.reset()
            self.assertEqual(fetch(daemon.address, target=f"/next{i}").body, f"/next{i}".encode())

    def test_idle_connections_are_bounded_and_end(self):
        connections = {"max_idle": 2, "idle_timeout": "500ms"}
        daemon, upstream = self.start(scripts.after(0.1), connections=connections)
        fetch_all(daemon.address, 10)
        wait_until(lambda: upstream.open <= 2, what="two idle connections")
        wait_until(lambda: upstream.open == 0, what="the end of idle connections")
        daemon.expect_metric(0, "fusegate_upstream_connections", state="idle")

    def test_bursts_use_the_connections_of_the_burst_before(self):
        daemon, upstream = self.start(scripts.after(0.1), connections={"max_idle": 2})
        for _ in range(3):
            fetch_all(daemon.address, 10)
        self.assertLessEqual(upstream.connections, 10)
        wait_until(lambda: upstream.open <= 2, what="the end of those that nobody needs")

    def test_connections_that_nobody_may_take_do_not_pile_up(self):
        daemon, _ = self.start(second_time(lambda exchange: exchange.reset()), connections={"max_idle": 4})
        with Client(daemon.address) as client:
            # Once a kept one has died under a request, each has a connection of its own for a second.
            statuses = [client.request("POST", body=b"once").status for _ in range(40)]
        self.assertEqual(statuses[:3], [200, 502, 200])
        self.assertLessEqual(daemon.metric("fusegate_upstream_connections", state="idle"), 8)

    def test_no_connection_is_kept_where_each_request_shall_have_its_own(self):
        daemon, upstream = self.start(connections={"max_idle": 0})
        for _ in range(3):
            fetch(daemon.address)
        self.assertEqual(upstream.connections, 3)

    def test_nothing_leaks_over_many_connections(self):
        daemon, upstream = self.start()
        fetch(daemon.address)
        before = daemon.fd_count()
        for _ in range(200):
            fetch(daemon.address)
        wait_until(lambda: daemon.metric("fusegate_downstream_connections") == 0, what="no client connections")
        self.assertLessEqual(daemon.fd_count(), before + 1)
        self.assertEqual(upstream.connections, 1)


if __name__ == "__main__":
    unittest.main()
