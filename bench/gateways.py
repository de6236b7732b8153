"""The gateway program beside another one that speaks the Pusher protocol, both as their users run them."""

import hashlib
import hmac
import json
import shutil
import time

from harness import GATEWAY, ROOT

APP = {"id": "bench-app", "key": "bench-key", "secret": "bench-secret"}


def servers():
    """The commands, ours first; of what is not installed, what to do about it."""
    ours = ROOT / "target" / "release" / "realtime-server"
    found = {
        GATEWAY: f"{ours} --listen {{address}} --no-demo --threads 1 --app-id {APP['id']} --app-key {APP['key']} "
        f"--app-secret {APP['secret']}"
    }
    if sockudo := shutil.which("sockudo"):
        found["sockudo"] = f"env {' '.join(sockudo_settings())} {sockudo}"
    else:
        print("sockudo is not there: cargo install sockudo --locked (wants protobuf-compiler)")
    return found


def sockudo_settings():
    """One thread, drivers in memory, no limits on rates, and nothing that ours does not do either."""
    settings = {
        "HOST": "{host}",
        "PORT": "{port}",
        "TOKIO_WORKER_THREADS": 1,
        "LOG_COLORS_ENABLED": "false",
        "RUST_LOG": "error",
        "ADAPTER_DRIVER": "local",
        "CACHE_DRIVER": "memory",
        "QUEUE_DRIVER": "memory",
        "RATE_LIMITER_ENABLED": "false",
        "METRICS_ENABLED": "false",
        "CONNECTION_RECOVERY_ENABLED": "false",
        "IDEMPOTENCY_ENABLED": "false",
        "HISTORY_ENABLED": "false",
        "SOCKUDO_DEFAULT_APP_ID": APP["id"],
        "SOCKUDO_DEFAULT_APP_KEY": APP["key"],
        "SOCKUDO_DEFAULT_APP_SECRET": APP["secret"],
    }
    rates = ("CONNECTIONS", "BACKEND_EVENTS_PER_SECOND", "CLIENT_EVENTS_PER_SECOND", "READ_REQUESTS_PER_SECOND")
    settings |= {f"SOCKUDO_DEFAULT_APP_MAX_{rate}": 100_000_000 for rate in rates}
    return [f"{name}={value}" for name, value in settings.items()]


def publish_request(size):
    """A signed request, as the server libraries make it; it is good for ten minutes, as often as one likes."""
    data = "".join(chr(ord("a") + i % 26) for i in range(size))
    body = json.dumps({"name": "bench-event", "channels": ["bench"], "data": data})
    target = signed(APP, body, int(time.time()))
    head = (
        f"POST {target} HTTP/1.1\r\nHost: localhost\r\nConnection: close\r\nContent-Type: application/json\r\n"
        f"Content-Length: {len(body)}\r\n\r\n"
    )
    return (head + body).encode()


def signed(app, body, timestamp):
    """The path and query to post `body` to."""
    path = f"/apps/{app['id']}/events"
    query = (
        f"auth_key={app['key']}&auth_timestamp={timestamp}&auth_version=1.0"
        f"&body_md5={hashlib.md5(body.encode()).hexdigest()}"
    )
    signature = hmac.new(app["secret"].encode(), f"POST\n{path}\n{query}".encode(), hashlib.sha256).hexdigest()
    return f"{path}?{query}&auth_signature={signature}"
