"""The scene of docker/compose.yaml, as far as it can be held without an engine."""

import shutil
import subprocess
import unittest

import yaml

from support import CommandCase
from support.daemon import ROOT

DOCKER = ROOT / "docker"
SCENE = yaml.safe_load((DOCKER / "compose.yaml").read_text())["services"]


class Scene(CommandCase):
    def test_what_is_built_and_mounted_is_there(self):
        for name, service in SCENE.items():
            with self.subTest(name):
                build = service["build"]
                self.assertTrue((DOCKER / build["context"] / build.get("dockerfile", "Dockerfile")).is_file())
                for volume in service.get("volumes", []):
                    source, _, mode = volume.split(":")
                    self.assertTrue((DOCKER / source).is_file(), source)
                    self.assertEqual(mode, "ro")

    def test_services_name_each_other(self):
        for name, service in SCENE.items():
            self.assertLessEqual(set(service.get("depends_on", [])), set(SCENE), name)
        config = yaml.safe_load((DOCKER / "fusegate.yaml").read_text())
        for endpoint in config["upstreams"]["shop"]["endpoints"]:
            self.assertIn(endpoint.removeprefix("http://").partition(":")[0], SCENE)
        targets = yaml.safe_load((DOCKER / "prometheus.yml").read_text())["scrape_configs"][0]["static_configs"][0]["targets"]
        self.assertEqual([target.partition(":")[0] for target in targets], ["fusegate"])

    def test_no_service_has_more_rights_than_it_needs(self):
        for name, service in SCENE.items():
            with self.subTest(name):
                self.assertIs(service["read_only"], True)
                self.assertEqual(service["cap_drop"], ["ALL"])
                self.assertEqual(service["security_opt"], ["no-new-privileges:true"])
                for port in service.get("ports", []):
                    self.assertTrue(port.startswith("127.0.0.1:"), port)

    def test_its_configurations_are_valid(self):
        self.assertIn("0 warnings", self.result(*SCENE["fusegate"]["command"][1:2], DOCKER / "fusegate.yaml", "check"))
        if shutil.which("promtool"):
            done = subprocess.run(["promtool", "check", "config", str(DOCKER / "prometheus.yml")], capture_output=True, check=False)
            self.assertEqual(done.returncode, 0, done.stderr)


if __name__ == "__main__":
    unittest.main()
