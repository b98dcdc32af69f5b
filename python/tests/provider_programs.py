"""Programs that use credential providers, for processes of their own."""

from __future__ import annotations

import os
import sys
import threading
import time
from typing import Any

from longshore import obs
from longshore.store import S3Store


def store(endpoint: str, provider: Any) -> S3Store:
    return S3Store("bucket", endpoint=endpoint, credential_provider=provider, retry_config={"max_retries": 0})


def leave_while_a_provider_is_asked(endpoint: str) -> None:
    """Ends while a provider sleeps that was asked on behalf of a daemon thread's request."""
    asked = threading.Event()

    def sleepy() -> dict[str, Any]:
        asked.set()
        time.sleep(600)
        return {}

    target = store(endpoint, sleepy)
    threading.Thread(target=lambda: obs.get(target, "key"), daemon=True).start()
    assert asked.wait(20)
    print("leaving")


def a_child_asks_anew(endpoint: str, key: str, secret: str) -> None:
    """Uses a provider in a process and in its forked child."""
    asked: list[int] = []

    def provider() -> dict[str, Any]:
        asked.append(os.getpid())
        return {"access_key_id": key, "secret_access_key": secret, "expires_at": None}

    target = store(endpoint, provider)
    obs.put(target, "key", b"from the parent")
    child = os.fork()
    if child == 0:
        code = 1
        try:
            body = bytes(obs.get(target, "key").bytes())
            code = 0 if body == b"from the parent" and asked == [os.getppid(), os.getpid()] else 2
        finally:
            os._exit(code)
    _, status = os.waitpid(child, 0)
    print("child", os.waitstatus_to_exitcode(status), "parent", bytes(obs.get(target, "key").bytes()).decode())


if __name__ == "__main__":
    globals()[sys.argv[1]](*sys.argv[2:])
