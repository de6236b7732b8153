"""What figures are made of: ratios within rounds, the model of scaling, and plots."""

import importlib.machinery
import importlib.util
import sys
import unittest
import unittest.mock
import xml.dom.minidom
from pathlib import Path
from types import SimpleNamespace

sys.dont_write_bytecode = True
BENCH = Path(__file__).resolve().parent
sys.path.insert(0, str(BENCH))

import gateways  # noqa: E402
import page  # noqa: E402
import plot  # noqa: E402
import scaling  # noqa: E402


def load_run():
    """`run` is a program without an ending."""
    loader = importlib.machinery.SourceFileLoader("run", str(BENCH / "run"))
    module = importlib.util.module_from_spec(importlib.util.spec_from_loader("run", loader))
    loader.exec_module(module)
    return module


run = load_run()


def rounds(figures, case="50:16:1"):
    return [
        {"case": case, "round": number, "server": server, "figure": figure}
        for server, of_server in figures.items()
        for number, figure in enumerate(of_server)
    ]


class Summary(unittest.TestCase):
    def test_a_round_that_is_slow_for_all_changes_no_ratio(self):
        measured = rounds({"realtime-smol": [200, 20, 202], "yawc": [100, 10, 101], "fastwebsockets": [50, 5, 50]})
        table = {line["server"]: line for line in run.summarize(SimpleNamespace(table="echo"), measured)}
        self.assertEqual(table["realtime-smol"]["median"], 200)
        self.assertEqual(table["realtime-smol"]["of_best_peer"], 2)
        self.assertEqual(table["yawc"]["of_ours"], 0.5)

    def test_where_less_is_better_the_best_peer_has_the_least(self):
        measured = rounds({"realtime-smol": [500], "yawc": [13_000], "fastwebsockets": [5_000]})
        table = run.summarize(SimpleNamespace(table="idle"), measured)
        self.assertEqual([line["of_best_peer"] for line in table], [0.1, 2.6, 1])

    def test_a_server_that_failed_is_left_out(self):
        measured = rounds({"realtime-smol": [500], "yawc": [float("nan")]})
        table = run.summarize(SimpleNamespace(table="echo"), measured)
        self.assertEqual([line["server"] for line in table], ["realtime-smol"])


class Servers(unittest.TestCase):
    def test_one_more_server_is_measured_beside_the_others(self):
        arguments = SimpleNamespace(table="echo", server=["mine=/a/server {address} --fast=yes"], only=None)
        servers = run.find_servers(arguments)
        self.assertEqual(servers["mine"], "/a/server {address} --fast=yes")
        self.assertIn("realtime-smol", servers)

    def test_an_unknown_name_is_refused(self):
        with self.assertRaises(SystemExit):
            run.find_servers(SimpleNamespace(table="echo", server=[], only="nobody"))


class Model(unittest.TestCase):
    """One broadcast to 10 subscribers costs 100 ns under the lock, and each delivery 110 ns, a tenth of the lock's in it."""

    measured = [
        {"case": scaling.MODELLED, "round": 0, "setting": setting, "ns": 110} for setting in scaling.SETTINGS
    ]

    def deliveries(self, drivers, broadcast_ns):
        serial = {}
        for n in {1, 2, drivers}:
            serial["broadcast under the lock", n] = broadcast_ns
            serial["take all orders under the lock", n] = 0
            serial["subscribe under the lock", n] = 50
        lines = scaling.model(self.measured, serial)
        return next(line["value"] for line in lines if line["case"] == "fanout to 10" and line["drivers"] == drivers)

    def test_cores_are_the_limit_while_there_are_few(self):
        beside = 10 * (110 - 100 / 1000)
        self.assertAlmostEqual(self.deliveries(4, 100), 1e9 / ((beside + 100) / 4) * 10)

    def test_the_lock_is_the_limit_in_the_end(self):
        self.assertAlmostEqual(self.deliveries(64, 1_000), 1e9 / 1_000 * 10)


class Plots(unittest.TestCase):
    def test_plots_are_xml_whatever_a_server_is_called(self):
        groups = {"a < b": [("x & y", 12_345.0, 1.5), ("failed", 0.0, float("nan"))]}
        text = plot.bars("bars", groups, ["x & y"])
        self.assertEqual(xml.dom.minidom.parseString(text).documentElement.tagName, "svg")
        self.assertIn("12.3k · 1.50", text)

    def test_lines_stay_within_their_panel(self):
        text = plot.lines("lines", {"ns, by x": {"one": [(10, 150.0), (15_000, 900.0)]}})
        path = next(e for e in xml.dom.minidom.parseString(text).getElementsByTagName("path") if "line" in e.getAttribute("class"))
        xs = [float(point.split(" ")[0]) for point in path.getAttribute("d")[1:].split("L")]
        self.assertTrue(plot.LEFT <= xs[0] < xs[1] <= plot.PANEL_WIDTH)


class Gateways(unittest.TestCase):
    def test_requests_are_signed_as_the_example_of_the_protocol_is(self):
        app = {"id": "3", "key": "278d425bdf160c739803", "secret": "7ad3773142a6692b25b8"}
        body = '{"name":"foo","channels":["project-3"],"data":"{\\"some\\":\\"data\\"}"}'
        signature = gateways.signed(app, body, 1353088179).rpartition("=")[2]
        self.assertEqual(signature, "da454824c97ba181a32ccc17a72625ba02771f50b50e1e7430e47a1f3f457e6c")


class Page(unittest.TestCase):
    def test_a_peer_that_is_ahead_in_memory_is_named_and_a_limit_is_none(self):
        row = lambda subject, ns, of_best: {  # noqa: E731
            "case": "encode", "subject": subject, "median_ns": ns, "min_ns": ns, "max_ns": ns, "of_best_peer": of_best
        }
        rows = [row("hand loop", "20", "0.9"), row("realtime", "33", "0.8"), row("yawc", "30", "1"), row("slow", "40", "0.7")]
        with unittest.mock.patch.object(page, "read", lambda _: rows):
            self.assertEqual(page.codec_peers_ahead(), [["micro", "encode", "yawc", "1.10", "in every round"]])

    def test_cases_behind_are_listed_from_the_worst(self):
        row = lambda case, ratio: {"case": case, "of_ours": str(ratio)}  # noqa: E731
        self.assertEqual(page.listed([row("echo 1", 0.8), row("echo 2", 0.9)]), "echo 1 (0.80), echo 2 (0.90)")
        self.assertEqual(page.listed([]), "none")


if __name__ == "__main__":
    unittest.main()
