"""`configure`, in processes of their own: once, before first use, and inherited by children."""

from __future__ import annotations

import os
import subprocess
import sys

import pytest

import longshore as s3
from longshore import testing


def python(program: str, environment: dict[str, str] | None = None) -> str:
    done = subprocess.run(
        [sys.executable, "-c", program],
        capture_output=True,
        text=True,
        timeout=60,
        check=False,
        env={**os.environ, **(environment or {})},
    )
    assert (done.returncode, done.stderr) == (0, "")
    return done.stdout


# A thread gives itself its name, which takes a moment. A thread too many would have its name by then, too.
COUNT = """
import os, time
def count(expected):
    deadline = time.monotonic() + 5
    while True:
        names = [open(f"/proc/self/task/{task}/comm").read().strip() for task in os.listdir("/proc/self/task")]
        if names.count("longshore") >= expected or time.monotonic() > deadline:
            return names.count("longshore")
        time.sleep(0.05)
"""

THREADS = """
import longshore as s3
s3.configure(threads={threads})
s3.exists("memory:///a")
print(count({threads}))
"""

REFUSED = """
import longshore as s3
{before}
try:
    s3.configure(threads=2)
except s3.exceptions.InvalidArgumentError as error:
    print(error.operation, error)
"""

# The server's client is made before the key is looked at: how many connections there are is decided by then.
KEY_MISSING = """
try:
    s3.get("http://127.0.0.1:9/*")
except s3.exceptions.InvalidArgumentError:
    pass
"""

FORKED = """
import os
import longshore as s3
s3.configure(threads=3)
s3.put_bytes("memory:///a", b"data")
child = os.fork()
if child == 0:
    s3.get("memory:///a")
    print(count(3), flush=True)
    os._exit(0)
os.waitpid(child, 0)
"""

CONNECTIONS = """
import os
import longshore as s3
if {most}:
    s3.configure(connections={most})
uris = [f"s3://bucket/{{index}}" for index in range(200)]
s3.put_many([(uri, b"x" * 100) for uri in uris])
bodies = s3.get_many(uris, max_in_flight=100)
assert all(body == b"x" * 100 for _, body in bodies)
files = [f"/proc/self/fd/{{name}}" for name in os.listdir("/proc/self/fd")]
sockets = [os.readlink(name) for name in files if os.path.islink(name)]
print(sum(link.startswith("socket:") for link in sockets))
"""


@pytest.mark.parametrize("threads", [1, 5])
def test_the_runtime_has_as_many_threads_as_were_asked_for(threads: int) -> None:
    assert python(COUNT + THREADS.format(threads=threads)) == f"{threads}\n"


def test_a_forked_child_keeps_what_was_configured() -> None:
    assert python(COUNT + FORKED) == "3\n"


@pytest.mark.parametrize(
    ("before", "reason"),
    [
        ("s3.put_bytes('memory:///a', b'')", "in use already"),
        (KEY_MISSING, "in use already"),
        ("s3.configure(memory=1 << 20)", "configured already"),
    ],
)
def test_it_is_refused_afterwards(before: str, reason: str) -> None:
    said = python(REFUSED.format(before=before))
    assert said.startswith("configure ")
    assert reason in said


@pytest.mark.parametrize("value", [0, -1, 1.5, "8", True])
def test_a_number_that_cannot_be_meant_is_refused(value: object) -> None:
    program = (
        "import longshore as s3\n"
        "for name in ('threads', 'memory', 'connections'):\n"
        "    try:\n"
        f"        s3.configure(**{{name: {value!r}}})\n"
        "    except (s3.exceptions.InvalidArgumentError, s3.exceptions.ArgumentTypeError) as error:\n"
        "        print(name in str(error))\n"
    )
    assert python(program) == "True\n" * 3


def test_memory_is_a_number_of_bytes_and_a_few_of_them_are_refused() -> None:
    program = (
        "import longshore as s3\n"
        "for memory in (1, 256, (1 << 20) - 1):\n"
        "    try:\n"
        "        s3.configure(memory=memory)\n"
        "    except s3.exceptions.InvalidArgumentError as error:\n"
        "        print(error)\n"
        "s3.configure(memory=1 << 20)\n"
        "s3.put_bytes('memory:///a', b'x' * (3 << 20))\n"
        "print(len(s3.get('memory:///a')))\n"
    )
    *refused, size = python(program).splitlines()
    expected = "memory must be at least 1048576 bytes (1 MiB); it is a number of bytes, as in 256 << 20"
    assert (refused, size) == ([expected] * 3, str(3 << 20))


def test_a_thousand_requests_need_no_more_connections_than_were_allowed() -> None:
    with testing.server() as server:
        s3.create_bucket("s3://bucket", store=server.store_for("bucket"))
        # A connection is idle again a moment after its answer was read; meanwhile another one may have been opened.
        assert int(python(CONNECTIONS.format(most=4), server.environment)) <= 8
        # The control: without a limit there are many more.
        assert int(python(CONNECTIONS.format(most=0), server.environment)) > 20
