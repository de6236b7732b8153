"""The gateway, spoken to by pysher: a client that says it speaks protocol 6, and pings before it is greeted."""

import json
import queue
import threading
import time
import unittest

import pysher

from test_pusher import KEY, LIMIT_SECONDS, SECRET, Gateway

ADA = {"user_id": "ada", "user_info": {"name": "Ada"}}
GRACE = {"user_id": "grace", "user_info": {"name": "Grace"}}


class Client:
    """A connected pysher client; what its channels are told waits in queues."""

    def __init__(self, gateway, user=None):
        self.backend = gateway.backend()
        host, port = gateway.address.split(":")
        self.pysher = pysher.Pusher(KEY, secure=False, secret=SECRET, custom_host=host, port=int(port), user_data=user)
        connected = threading.Event()
        self.pysher.connection.bind("pusher:connection_established", lambda _: connected.set())
        self.pysher.connect()
        assert connected.wait(LIMIT_SECONDS), "pysher was not greeted"

    def subscribe(self, name, subscribers=1):
        """Resolves once the channel has so many subscribers: what it is told of that may come before pysher knows it."""
        channel = self.pysher.subscribe(name)
        deadline = time.monotonic() + LIMIT_SECONDS
        while self.backend.channel_info(name, ["subscription_count"]).get("subscription_count") != subscribers:
            assert time.monotonic() < deadline, f"{name} did not get {subscribers} subscribers"
        return channel


def events(channel, event):
    """What `channel` is told of `event` from now on."""
    told = queue.Queue()
    channel.bind(event, lambda data: told.put(json.loads(data)))
    return told


class PysherLibrary(unittest.TestCase):
    @classmethod
    def setUpClass(cls):
        cls.gateway = Gateway()
        cls.backend = cls.gateway.backend()

    @classmethod
    def tearDownClass(cls):
        cls.gateway.stop()

    def client(self, user=None):
        client = Client(self.gateway, user)
        self.addCleanup(client.pysher.disconnect, LIMIT_SECONDS)
        return client

    def test_events_published_over_http_arrive_on_public_and_private_channels(self):
        client = self.client()
        for name in ("orders", "private-orders"):
            created = events(client.subscribe(name), "created")
            self.backend.trigger(name, "created", {"id": 42, "note": "grün ✓"})
            self.assertEqual(created.get(timeout=LIMIT_SECONDS), {"id": 42, "note": "grün ✓"})

    def test_a_member_is_told_who_comes_and_who_goes(self):
        ada, grace = self.client(ADA), self.client(GRACE)
        room = grace.subscribe("presence-room")
        added, removed = events(room, "pusher_internal:member_added"), events(room, "pusher_internal:member_removed")
        ada.subscribe("presence-room", subscribers=2)
        self.assertEqual(added.get(timeout=LIMIT_SECONDS), ADA)
        self.assertEqual(self.backend.users_info("presence-room"), {"users": [{"id": "grace"}, {"id": "ada"}]})
        ada.pysher.unsubscribe("presence-room")
        self.assertEqual(removed.get(timeout=LIMIT_SECONDS), {"user_id": "ada"})

    def test_a_client_event_reaches_the_others(self):
        ada, grace = self.client(ADA), self.client(GRACE)
        own = ada.subscribe("presence-talk")
        heard = events(grace.subscribe("presence-talk", subscribers=2), "client-message")
        own_messages, later = events(own, "client-message"), events(own, "later")
        own.trigger("client-message", json.dumps({"text": "hello"}))
        self.assertEqual(heard.get(timeout=LIMIT_SECONDS), {"text": "hello"})
        self.backend.trigger("presence-talk", "later", {})
        later.get(timeout=LIMIT_SECONDS)
        self.assertTrue(own_messages.empty(), "its own message came back")


if __name__ == "__main__":
    unittest.main()
