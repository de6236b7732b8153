"""The gateway, spoken to by the pusher library of Python as an application's backend does."""

import contextlib
import http.server
import json
import os
import pathlib
import queue
import subprocess
import threading
import unittest

import pusher
from pusher.errors import PusherBadAuth, PusherBadRequest
from websockets.exceptions import ConnectionClosed
from websockets.sync.client import connect

ROOT = pathlib.Path(__file__).resolve().parents[2]
TARGET = pathlib.Path(os.environ.get("CARGO_TARGET_DIR", ROOT / "target"))
PROGRAM = os.environ.get("REALTIME_SERVER", TARGET / "release/realtime-server")
LIMIT_SECONDS = 10
ID, KEY, SECRET = "7", "demo-key", "demo-secret"  # the library takes a number only; the others are the program's own


class Gateway:
    """The program, at a free port of this machine until it is stopped."""

    def __init__(self, *flags):
        self.process = subprocess.Popen([PROGRAM, "--listen", "127.0.0.1:0", "--app-id", ID, *flags],
                                        stdin=subprocess.DEVNULL, stdout=subprocess.PIPE, text=True)
        for line in self.process.stdout:
            if "http://" in line:
                self.address = line.split("http://")[1].strip()
                return
        raise RuntimeError("the gateway did not say where it listens")

    def stop(self):
        self.process.terminate()
        self.process.communicate(timeout=LIMIT_SECONDS)
        assert self.process.returncode == 0, self.process.returncode

    def backend(self, secret=SECRET):
        host, port = self.address.split(":")
        return pusher.Pusher(app_id=ID, key=KEY, secret=secret, host=host, port=int(port), ssl=False,
                             timeout=LIMIT_SECONDS)


class Client:
    """A client that speaks the protocol frame by frame."""

    def __init__(self, gateway):
        self.backend = gateway.backend()
        self.socket = connect("ws://%s/app/%s?protocol=7" % (gateway.address, KEY), open_timeout=LIMIT_SECONDS)
        self.socket_id = self.expect("pusher:connection_established")["socket_id"]

    def __enter__(self):
        return self

    def __exit__(self, *_):
        self.socket.close()

    def say(self, event, data):
        self.socket.send(json.dumps({"event": event, "data": data}))

    def close_code(self):
        with contextlib.suppress(ConnectionClosed):
            while True:
                self.socket.recv(timeout=LIMIT_SECONDS)
        return self.socket.protocol.close_rcvd.code

    def expect(self, event):
        frame = json.loads(self.socket.recv(timeout=LIMIT_SECONDS))
        assert frame["event"] == event, frame
        return json.loads(frame["data"])

    def subscribe(self, channel, user_id=None):
        data = {"channel": channel}
        if user_id:
            data |= self.backend.authenticate(channel, self.socket_id, {"user_id": user_id})
        self.say("pusher:subscribe", data)
        return self.expect("pusher_internal:subscription_succeeded")


class PusherLibrary(unittest.TestCase):
    @classmethod
    def setUpClass(cls):
        cls.gateway = Gateway()
        cls.backend = cls.gateway.backend()

    @classmethod
    def tearDownClass(cls):
        cls.gateway.stop()

    def client(self):
        client = Client(self.gateway)
        self.addCleanup(client.socket.close)
        return client

    def test_an_event_reaches_all_subscribers_but_the_one_that_caused_it(self):
        cause, other = self.client(), self.client()
        for client in (cause, other):
            client.subscribe("orders")
        self.assertEqual(self.backend.trigger("orders", "created", {"id": 42, "note": "grün ✓"}, cause.socket_id), {})
        self.backend.trigger(["orders", "nobody"], "paid", {"id": 42})
        self.assertEqual(other.expect("created"), {"id": 42, "note": "grün ✓"})
        self.assertEqual(other.expect("paid"), {"id": 42})
        self.assertEqual(cause.expect("paid"), {"id": 42})

    def test_a_batch_arrives_in_order(self):
        client = self.client()
        client.subscribe("batch")
        events = [{"channel": "batch", "name": "tick", "data": {"n": n}} for n in range(10)]
        self.assertEqual(self.backend.trigger_batch(events), {})
        self.assertEqual([client.expect("tick")["n"] for _ in range(10)], list(range(10)))

    def test_the_limit_of_a_batch_is_named(self):
        events = [{"channel": "batch", "name": "tick", "data": {}}] * 11
        with self.assertRaisesRegex(PusherBadRequest, "the batch has 11 events; at most 10 are accepted at a time"):
            self.backend.trigger_batch(events)

    def test_channels_are_listed_and_described(self):
        for user_id in ("ada", "ada", "grace"):
            self.client().subscribe("presence-asked", user_id)
        self.client().subscribe("asked")
        self.assertEqual(self.backend.channels_info("asked"), {"channels": {"asked": {}}})
        self.assertEqual(self.backend.channels_info("presence-asked", ["user_count"]),
                         {"channels": {"presence-asked": {"user_count": 2}}})
        self.assertEqual(self.backend.channel_info("presence-asked", ["user_count", "subscription_count"]),
                         {"occupied": True, "user_count": 2, "subscription_count": 3})
        self.assertEqual(self.backend.channel_info("nobody"), {"occupied": False})
        self.assertEqual(self.backend.users_info("presence-asked"), {"users": [{"id": "ada"}, {"id": "grace"}]})

    def test_a_user_is_sent_to_and_all_its_connections_are_terminated(self):
        phone, laptop, other = self.client(), self.client(), self.client()
        for client, user_id in ((phone, "ada"), (laptop, "ada"), (other, "grace")):
            client.say("pusher:signin", self.backend.authenticate_user(client.socket_id, {"id": user_id}))
            client.expect("pusher:signin_success")
            client.subscribe("#server-to-user-" + user_id)
        self.backend.send_to_user("ada", "greeting", {"text": "hello"})
        for client in (phone, laptop):
            self.assertEqual(client.expect("greeting"), {"text": "hello"})
        self.assertEqual(self.backend.terminate_user_connections("ada"), {})
        for client in (phone, laptop):
            self.assertEqual(client.close_code(), 4009)
        self.backend.send_to_user("grace", "greeting", {})
        self.assertEqual(other.expect("greeting"), {})

    def test_a_wrong_secret_is_refused_with_what_had_to_be_signed(self):
        with self.assertRaisesRegex(PusherBadAuth, "auth_signature is not the HMAC-SHA256") as refused:
            self.gateway.backend(secret="guessed").trigger("orders", "created", {})
        self.assertNotIn(SECRET, str(refused.exception))


class Receiver(http.server.ThreadingHTTPServer):
    """A backend's HTTP server where webhooks come; it answers 500, then hangs up, and then accepts."""

    def __init__(self):
        super().__init__(("127.0.0.1", 0), self.Handler)
        self.failures = [self.Handler.refuse, lambda handler: None]
        self.received = queue.Queue()
        threading.Thread(target=self.serve_forever, daemon=True).start()

    class Handler(http.server.BaseHTTPRequestHandler):
        def do_POST(self):
            body = self.rfile.read(int(self.headers["Content-Length"]))
            if self.server.failures:
                self.server.failures.pop(0)(self)
                return
            self.server.received.put((self.headers["X-Pusher-Key"], self.headers["X-Pusher-Signature"], body))
            self.send_response(200)
            self.end_headers()

        def refuse(self):
            self.send_error(500)

        def log_message(self, *_):
            pass


class Webhooks(unittest.TestCase):
    def setUp(self):
        self.receiver = Receiver()
        self.addCleanup(self.receiver.server_close)
        self.addCleanup(self.receiver.shutdown)
        self.gateway = Gateway("--webhook", "http://127.0.0.1:%d/webhook" % self.receiver.server_port)
        self.addCleanup(self.gateway.stop)

    def test_the_library_verifies_what_comes_once_the_receiver_has_failed_twice(self):
        with Client(self.gateway) as client:
            client.subscribe("presence-room", "ada")
            received = self.receiver.received.get(timeout=LIMIT_SECONDS)
        key, signature, body = received
        webhook = self.gateway.backend().validate_webhook(key, signature, body.decode())
        self.assertEqual(webhook["events"], [
            {"name": "channel_occupied", "channel": "presence-room"},
            {"name": "member_added", "channel": "presence-room", "user_id": "ada"},
        ])
        self.assertIsNone(self.gateway.backend(secret="guessed").validate_webhook(key, signature, body.decode()))
        self.assertIsNone(self.gateway.backend().validate_webhook(key, signature, body.decode() + " "))


if __name__ == "__main__":
    unittest.main()
