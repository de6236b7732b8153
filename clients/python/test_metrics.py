"""What the gateway tells at /metrics, read by the parser of Prometheus' own Python library."""

import unittest
import urllib.request

from prometheus_client.parser import text_string_to_metric_families
from test_pusher import LIMIT_SECONDS, Client, Gateway


class Metrics(unittest.TestCase):
    @classmethod
    def setUpClass(cls):
        cls.gateway = Gateway("--metrics")

    @classmethod
    def tearDownClass(cls):
        cls.gateway.stop()

    def families(self):
        url = "http://%s/metrics" % self.gateway.address
        with urllib.request.urlopen(url, timeout=LIMIT_SECONDS) as answer:
            families = list(text_string_to_metric_families(answer.read().decode()))
        names = [family.name for family in families]
        self.assertEqual(len(names), len(set(names)), "each family comes once")
        return dict(zip(names, families))

    def test_each_family_has_a_type_and_says_what_it_is(self):
        for name, family in self.families().items():
            self.assertTrue(name.startswith("realtime_"), name)
            self.assertIn(family.type, ("counter", "gauge", "histogram"), name)
            self.assertTrue(family.documentation.endswith("."), name)
            samples = [(sample.name, *sorted(sample.labels.items())) for sample in family.samples]
            self.assertEqual(len(samples), len(set(samples)), name)
            if family.type == "counter":
                self.assertTrue(all(sample.name == name + "_total" for sample in family.samples), name)

    def test_deliveries_are_counted_into_a_histogram(self):
        client = Client(self.gateway)
        self.addCleanup(client.socket.close)
        client.subscribe("news")
        self.gateway.backend().trigger("news", "hello", {})
        client.expect("hello")
        family = self.families()["realtime_publish_to_write_seconds"]
        buckets = [sample for sample in family.samples if sample.name.endswith("_bucket")]
        bounds = [float(sample.labels["le"]) for sample in buckets]
        counts = [sample.value for sample in buckets]
        self.assertEqual((bounds, counts), (sorted(bounds), sorted(counts)))
        values = {sample.name.rsplit("_", 1)[1]: sample.value for sample in family.samples}
        self.assertEqual(counts[-1], values["count"])
        self.assertGreater(values["count"], 0)
        self.assertGreater(values["sum"], 0)

    def test_the_gateway_tells_that_it_is_ready_and_which_one_it_is(self):
        families = self.families()
        self.assertEqual(families["realtime_ready"].samples[0].value, 1)
        self.assertRegex(families["realtime_build_info"].samples[0].labels["version"], r"^\d+\.\d+\.\d+$")


if __name__ == "__main__":
    unittest.main()
