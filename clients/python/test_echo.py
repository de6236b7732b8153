"""The `echo` examples of both adapters, spoken to by the websockets library and, where a peer
misbehaves as no library does, by a bare socket."""

import os
import pathlib
import socket
import struct
import subprocess
import time
import unittest

from websockets.exceptions import ConnectionClosed
from websockets.sync.client import connect

ROOT = pathlib.Path(__file__).resolve().parents[2]
LIMIT_SECONDS = 10
KIB = 1024
MIB = 1024 * KIB


class EchoServer:
    """An example that listens on a free port of this machine until it is stopped."""

    def __init__(self, package):
        build = subprocess.run([ROOT / "checks/example", package, "echo"],
                               stdout=subprocess.PIPE, text=True, check=True)
        with socket.socket() as free:
            free.bind(("127.0.0.1", 0))
            self.address = free.getsockname()
        self.process = subprocess.Popen([build.stdout.strip(), "%s:%d" % self.address], stdin=subprocess.DEVNULL,
                                        stdout=subprocess.DEVNULL)
        deadline = time.monotonic() + LIMIT_SECONDS
        while True:
            try:
                socket.create_connection(self.address).close()
                return
            except ConnectionRefusedError:
                if self.process.poll() is not None or time.monotonic() > deadline:
                    self.stop()
                    raise
                time.sleep(0.02)

    def stop(self):
        self.process.kill()
        self.process.wait()


class RawPeer:
    """A client without a library: sends any bytes and reads frames as they stand."""

    def __init__(self, address):
        self.socket = socket.create_connection(address, LIMIT_SECONDS)
        self.host = "%s:%d" % address
        self.received = b""

    def __enter__(self):
        return self

    def __exit__(self, *_):
        self.socket.close()

    def request(self, version="13"):
        return (
            f"GET / HTTP/1.1\r\nHost: {self.host}\r\nUpgrade: websocket\r\nConnection: Upgrade\r\n"
            f"Sec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ==\r\nSec-WebSocket-Version: {version}\r\n\r\n"
        ).encode()

    def send(self, data):
        self.socket.sendall(data)

    def read_head(self):
        while b"\r\n\r\n" not in self.received:
            self.fill()
        head, _, self.received = self.received.partition(b"\r\n\r\n")
        return head.decode()

    def open(self):
        self.send(self.request())
        head = self.read_head()
        assert head.startswith("HTTP/1.1 101 "), head
        return self

    def read_frame(self):
        """The next frame as (first byte, payload); payloads of up to 125 bytes."""
        while len(self.received) < 2 or len(self.received) < 2 + self.received[1]:
            self.fill()
        first, length = self.received[0], self.received[1]
        payload, self.received = self.received[2:2 + length], self.received[2 + length:]
        return first, payload

    def fill(self):
        data = self.socket.recv(64 * KIB)
        if not data:
            raise EOFError("the server closed the connection; unread: %r" % self.received)
        self.received += data

    def is_closed_by_the_server(self):
        try:
            return self.socket.recv(1) == b""
        except ConnectionResetError:
            return True


def masked(first, payload, key=b"\x01\x02\x03\x04"):
    """A frame of up to 125 bytes as a client sends it."""
    body = bytes(byte ^ key[i % 4] for i, byte in enumerate(payload))
    return bytes([first, 0x80 | len(payload)]) + key + body


TEXT, PING, PONG, CLOSE = 0x81, 0x89, 0x8A, 0x88


class Echo:
    """What both adapters do alike. Subclasses name the package."""

    package = None

    @classmethod
    def setUpClass(cls):
        cls.server = EchoServer(cls.package)

    @classmethod
    def tearDownClass(cls):
        cls.server.stop()

    def tearDown(self):
        self.assertIsNone(self.server.process.poll(), "the server has ended")

    def connect(self, **options):
        url = "ws://%s:%d/" % self.server.address
        return connect(url, compression=None, max_size=None, open_timeout=LIMIT_SECONDS,
                       close_timeout=LIMIT_SECONDS, **options)

    def raw(self):
        return RawPeer(self.server.address)

    def assert_fails(self, code, data):
        """Bytes after the handshake that fail the connection with `code`, and only then close it."""
        with self.raw().open() as peer:
            peer.send(data)
            first, payload = peer.read_frame()
            self.assertEqual((first, payload[:2]), (CLOSE, struct.pack("!H", code)))
            try:
                peer.send(masked(CLOSE, payload[:2]))
            except ConnectionError:
                return  # closed without waiting for the answer, which is allowed after a failure
            self.assertTrue(peer.is_closed_by_the_server())

    def assert_echoes(self, ws, message):
        ws.send(message)
        echoed = ws.recv(timeout=LIMIT_SECONDS)
        self.assertIs(type(echoed), type(message))
        self.assertTrue(echoed == message, "%d bytes back for %d" % (len(echoed), len(message)))

    def test_messages_come_back_with_their_type(self):
        with self.connect() as ws:
            for message in ("hello", b"\x00\xff\x80", "", b"", "Zoë, 東京, 🦀, \u0000, e\u0301",
                            "x" * 125, "x" * 126, b"y" * 65_535, b"y" * 65_536):
                with self.subTest(length=len(message), type=type(message).__name__):
                    self.assert_echoes(ws, message)

    def test_large_messages_come_back(self):
        with self.connect() as ws:
            self.assert_echoes(ws, os.urandom(1 * MIB))
            self.assert_echoes(ws, "ü" * (MIB // 2))
            self.assert_echoes(ws, os.urandom(20 * MIB))

    def test_many_messages_come_back_in_order(self):
        with self.connect() as ws:
            for n in range(1_000):
                ws.send(str(n))
            self.assertEqual([ws.recv(timeout=LIMIT_SECONDS) for _ in range(1_000)], [str(n) for n in range(1_000)])

    def test_fragments_come_back_as_one_message(self):
        with self.connect() as ws:
            for parts in (["one ", "two ", "three"], [b"\x01", b"", b"\x02"], ["", "", ""], ["x"] * 10_000):
                whole = type(parts[0])().join(parts)
                ws.send(iter(parts))
                self.assertEqual(ws.recv(timeout=LIMIT_SECONDS), whole)

    def test_code_point_may_be_cut_between_fragments(self):
        first, second = "🦀".encode()[:2], "🦀".encode()[2:]
        with self.raw().open() as peer:
            peer.send(masked(0x01, first) + masked(0x80, second))
            self.assertEqual(peer.read_frame(), (TEXT, "🦀".encode()))

    def test_ping_is_answered_with_its_payload(self):
        with self.connect() as ws:
            for payload in (b"", b"are you there?", b"\xff" * 125):
                self.assertTrue(ws.ping(payload).wait(LIMIT_SECONDS), "no pong for %r" % payload)

    def test_ping_between_fragments_is_answered_at_once(self):
        with self.raw().open() as peer:
            peer.send(masked(0x01, b"one ") + masked(PING, b"now"))
            self.assertEqual(peer.read_frame(), (PONG, b"now"))
            peer.send(masked(0x80, b"two"))
            self.assertEqual(peer.read_frame(), (TEXT, b"one two"))

    def test_pong_without_a_ping_is_ignored(self):
        with self.connect() as ws:
            ws.pong(b"unasked")
            self.assert_echoes(ws, "still here")

    def test_close_is_answered_with_its_code(self):
        for code in (1000, 1001, 1011, 3000, 4999):
            with self.subTest(code=code), self.connect() as ws:
                ws.close(code, "that is all")
                self.assertEqual(ws.protocol.close_rcvd.code, code)

    def test_close_without_a_code_is_answered_and_the_connection_closed(self):
        with self.raw().open() as peer:
            peer.send(masked(CLOSE, b""))
            first, _ = peer.read_frame()
            self.assertEqual(first, CLOSE)
            self.assertTrue(peer.is_closed_by_the_server())

    def test_what_follows_a_close_is_not_echoed(self):
        with self.raw().open() as peer:
            peer.send(masked(CLOSE, struct.pack("!H", 1000)) + masked(TEXT, b"too late"))
            self.assertEqual(peer.read_frame()[0], CLOSE)
            self.assertTrue(peer.is_closed_by_the_server())

    def test_close_codes_that_must_not_be_sent_fail_the_connection(self):
        for code in (0, 999, 1004, 1005, 1006, 1015, 1016, 2999, 5000):
            with self.subTest(code=code):
                self.assert_fails(1002, masked(CLOSE, struct.pack("!H", code)))

    def test_bad_utf8_closes_with_1007(self):
        for payload in (b"\xff", b"fine \xc3", b"\xed\xa0\x80", b"\xc0\xaf", b"\xf4\x90\x80\x80"):
            with self.subTest(payload=payload), self.connect() as ws:
                ws.send(payload, text=True)
                with self.assertRaises(ConnectionClosed) as closed:
                    ws.recv(timeout=LIMIT_SECONDS)
                self.assertEqual(closed.exception.rcvd.code, 1007)

    def test_bad_utf8_closes_with_1007_before_its_frame_is_complete(self):
        frame = masked(TEXT, b"fine \xff and more that is never sent")
        self.assert_fails(1007, frame[:12])

    def test_frames_that_break_the_protocol_close_with_1002(self):
        broken = {
            "unmasked": b"\x81\x02hi",
            "a reserved bit": masked(0xC1, b"hi"),
            "a reserved opcode": masked(0x83, b"hi"),
            "a fragmented ping": masked(0x09, b""),
            "a ping of 126 bytes": b"\x89\xfe\x00\x7e",
            "a continuation of nothing": masked(0x80, b"hi"),
            "a message inside a message": masked(0x01, b"one") + masked(TEXT, b"two"),
            "a close of one byte": masked(CLOSE, b"\x03"),
            "a length with more bytes than it needs": b"\x81\xfe\x00\x05" + bytes(9),
            "a length with its top bit set": b"\x82\xff\x80" + bytes(11),
        }
        for name, data in broken.items():
            with self.subTest(name):
                self.assert_fails(1002, data)

    def test_message_above_64_mib_is_refused_by_its_header(self):
        self.assert_fails(1009, b"\x82\xff" + struct.pack("!Q", 64 * MIB + 1) + bytes(4))

    def test_handshake_may_arrive_a_byte_at_a_time(self):
        with self.raw() as peer:
            for byte in peer.request():
                peer.send(bytes([byte]))
            self.assertTrue(peer.read_head().startswith("HTTP/1.1 101 "))

    def test_frames_that_arrive_with_the_handshake_are_kept(self):
        with self.raw() as peer:
            peer.send(peer.request() + masked(TEXT, b"early"))
            head = peer.read_head()
            self.assertIn("s3pPLMBiTxaQ9kYGzzhZRbK+xOo=", head)
            self.assertEqual(peer.read_frame(), (TEXT, b"early"))

    def test_other_versions_are_told_which_one_is_spoken(self):
        with self.raw() as peer:
            peer.send(peer.request(version="8"))
            head = peer.read_head()
            self.assertTrue(head.startswith("HTTP/1.1 426 "), head)
            self.assertIn("sec-websocket-version: 13", head.lower())

    def test_subprotocols_that_are_offered_are_not_chosen(self):
        with self.connect(subprotocols=["chat", "superchat"]) as ws:
            self.assertIsNone(ws.subprotocol)
            self.assert_echoes(ws, "hello")

    def test_peer_that_never_reads_delays_nobody(self):
        with self.raw().open() as deaf, self.connect() as ws:
            frame = masked(TEXT, b"x" * 125)
            deaf.socket.settimeout(1)
            try:
                for _ in range(64):
                    deaf.send(frame * 1_000)
            except TimeoutError:
                pass  # the server stopped reading from it, as it may
            self.assert_echoes(ws, "hello")

    def test_peer_that_vanishes_in_mid_frame_harms_nobody(self):
        with self.connect() as ws:
            with self.raw().open() as peer:
                peer.send(masked(TEXT, b"cut off")[:8])
            self.assert_echoes(ws, "hello")


class StdEcho(Echo, unittest.TestCase):
    package = "realtime-std"


class SmolEcho(Echo, unittest.TestCase):
    package = "realtime-smol"


if __name__ == "__main__":
    unittest.main()
