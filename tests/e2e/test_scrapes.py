"""Scrapes of many upstreams: whole, one beside the other, and nothing of them stays behind."""

import os
import threading
import unittest

from support import Daemon, fetch, many


class Scrapes(unittest.TestCase):
    def start(self, count):
        upstreams = {f"up{number}": f"http://127.0.0.1:{20000 + number}" for number in range(count)}
        self.daemon = self.enterContext(Daemon(many(upstreams, routes=[{"match": "/", "upstream": "up0"}])))

    def page(self):
        response = fetch(self.daemon.status, target="/metrics", timeout=60)
        self.assertEqual(response.status, 200)
        return response.body.decode()

    def test_every_upstream_is_there_in_each_of_several_at_once(self):
        self.start(50)
        pages = []
        scrapers = [threading.Thread(target=lambda: pages.append(self.page())) for _ in range(4)]
        for scraper in scrapers:
            scraper.start()
        for scraper in scrapers:
            scraper.join()
        self.assertEqual(len(pages), 4)
        for page in pages:
            lines = page.splitlines()
            self.assertTrue(page.endswith("\n"))
            told = [line for line in lines if line.startswith("fusegate_metric_series ")]
            series = sum(not line.startswith("#") for line in lines)
            self.assertEqual(told, [f"fusegate_metric_series {series}"])
            for number in range(50):
                self.assertIn(f'fusegate_upstream_connections{{upstream="up{number}",state="idle"}} 0', lines)

    @unittest.skipIf(os.environ.get("FUSEGATE_SANITIZE"), "a sanitizer keeps what was freed")
    def test_the_memory_of_a_large_page_goes_back_to_the_system(self):
        self.start(300)
        before = self.daemon.rss_kib()
        for _ in range(5):
            self.page()
        self.assertLess(self.daemon.rss_kib() - before, 8 * 1024)


if __name__ == "__main__":
    unittest.main()
