"""`get`, `get_many` and `get_many_stats`: whole objects, in order, or an error that names the one that failed."""

from __future__ import annotations

import subprocess
import sys
import textwrap
import time
from collections import Counter
from collections.abc import Iterator

import pytest

import longshore as s3
from backends import MissingBucket, Place
from longshore.exceptions import InvalidArgumentError, NotFoundError
from servers.s3 import pattern
from ways import WAYS, Way

KIB, MIB = 1 << 10, 1 << 20
SIZES = [0, 1, 64 * KIB - 1, 64 * KIB, 64 * KIB + 1, 8 * MIB, 8 * MIB + 1]


@pytest.mark.parametrize("size", SIZES)
def test_get_returns_the_bytes_of_an_object_of_any_size(readable_place: Place, size: int, way: Way) -> None:
    body = pattern(size)
    readable_place.write({"object": body})
    read = way.get(readable_place.uri("object"))
    assert (type(read), len(read)) == (bytes, size)
    assert read == body


def test_get_many_returns_objects_of_all_sizes_at_once(readable_place: Place) -> None:
    readable_place.write({f"{size}": pattern(size, seed=size) for size in SIZES})
    bodies = {readable_place.uri(f"{size}"): pattern(size, seed=size) for size in SIZES}
    read = s3.get_many(list(bodies))
    assert [(uri, len(body)) for uri, body in read] == [(uri, len(body)) for uri, body in bodies.items()]
    assert read == list(bodies.items())


def test_get_many_returns_a_list_of_tuples_of_str_and_bytes(readable_place: Place) -> None:
    readable_place.fill("one")
    read = s3.get_many([readable_place.uri("one")])
    assert (type(read), type(read[0]), *map(type, read[0])) == (list, tuple, str, bytes)


def test_a_missing_object_is_not_found_in_every_way_one_may_ask(readable_place: Place, way: Way) -> None:
    readable_place.fill("there")
    for kind in (NotFoundError, FileNotFoundError, RuntimeError, OSError):
        with pytest.raises(kind):
            way.get(readable_place.uri("missing"))


# The others begin with a HEAD, whose answer has no code.
@pytest.mark.parametrize("way", [name for name in WAYS if "pieces" not in name], indirect=True)
def test_an_object_in_a_missing_bucket_is_not_found(missing_bucket: MissingBucket, way: Way) -> None:
    with pytest.raises(NotFoundError) as caught:
        way.get(missing_bucket.uri + "/key")
    assert caught.value.uri == missing_bucket.uri + "/key"
    assert caught.value.code in missing_bucket.codes


def test_get_reads_what_was_written_last_and_not_what_it_saw_before(readable_place: Place, way: Way) -> None:
    for size in (100_000, 7, 0, 300_000):
        readable_place.write({"object": pattern(size, seed=size)})
        assert way.get(readable_place.uri("object")) == pattern(size, seed=size), size


def test_get_of_a_wildcard_is_an_error_that_names_get_many(readable_place: Place) -> None:
    readable_place.fill("one")
    with pytest.raises(InvalidArgumentError, match="get_many"):
        s3.get(readable_place.uri("*"))


def test_get_of_an_escaped_star_reads_that_object(readable_place: Place, way: Way) -> None:
    readable_place.fill("a*b")
    assert way.get(readable_place.uri(r"a\*b")) == b"a*b"


def test_no_uris_are_no_objects() -> None:
    assert s3.get_many([]) == []
    assert s3.get_many_stats([]) == (0, 0)


@pytest.mark.parametrize("max_in_flight", [1, 3, 64, 10_000])
def test_results_come_in_input_order_with_duplicates(readable_place: Place, max_in_flight: int) -> None:
    readable_place.fill(*"abcdefgh")
    order = readable_place.uris(list("hgabacdefha") + ["h"] * 5)
    read = s3.get_many(order, max_in_flight)
    assert [uri for uri, _ in read] == order
    assert [body.decode() for _, body in read] == [uri[-1] for uri in order]


def test_large_and_small_duplicates_keep_their_places(readable_place: Place) -> None:
    sizes = {"empty": 0, "small": 100, "edge": 64 * KIB, "large": 3 * MIB}
    bodies = {name: pattern(size, seed=size) for name, size in sizes.items()}
    readable_place.write(bodies)
    order = ["large", "small", "edge", "large", "empty", "edge", "small", "large", "empty"] * 2
    read = s3.get_many(readable_place.uris(order), max_in_flight=5)
    assert [(uri, len(body)) for uri, body in read] == [(readable_place.uri(name), sizes[name]) for name in order]
    assert all(body == bodies[name] for name, (_, body) in zip(order, read, strict=True))


@pytest.mark.parametrize("kind", [list, tuple, iter, dict.fromkeys])
def test_uris_may_be_any_iterable(quick_place: Place, kind: type) -> None:
    quick_place.fill("a", "b")
    uris = quick_place.uris(["b", "a"])
    assert s3.get_many(kind(uris)) == [(uris[0], b"b"), (uris[1], b"a")]
    assert s3.get_many_stats(kind(uris)) == (2, 2)


def test_uris_may_come_from_a_generator_whose_error_comes_through(quick_place: Place) -> None:
    quick_place.fill("a")

    def uris() -> Iterator[str]:
        yield quick_place.uri("a")
        raise ZeroDivisionError

    with pytest.raises(ZeroDivisionError):
        s3.get_many(uris())


def test_the_uris_of_one_call_may_be_of_different_stores(readable_place: Place) -> None:
    readable_place.fill("a")
    s3.put_bytes("memory://other/b", b"b")
    assert [body for _, body in s3.get_many(["memory://other/b", readable_place.uri("a")])] == [b"b", b"a"]


@pytest.mark.parametrize("read", [s3.get_many, s3.get_many_stats])
@pytest.mark.parametrize("max_in_flight", [1, 16])
def test_one_missing_object_fails_the_call_and_is_named(
    readable_place: Place, read: object, max_in_flight: int
) -> None:
    assert callable(read)
    readable_place.fill("a", "b", "c")
    with pytest.raises(NotFoundError, match="missing") as caught:
        read(readable_place.uris(["a", "b", "missing", "c"]), max_in_flight)
    assert caught.value.uri == readable_place.uri("missing")


def test_the_first_failure_stops_the_rest(gateway_place: Place) -> None:
    place = gateway_place
    names = [f"{number:03d}" for number in range(200)]
    place.fill(*names)
    server = place.backend.gateway
    assert server is not None
    server.reset_stats()
    server.faults.latency(0.05, method="GET", path="/1")
    started = time.monotonic()
    try:
        with pytest.raises(NotFoundError):
            s3.get_many([place.uri("missing"), *place.uris(names)], max_in_flight=4)
    finally:
        server.faults.clear()
    assert place.count("GetObject") < 100, "requests went on after the failure"
    assert time.monotonic() - started < 2


def test_wildcards_expand_in_place_in_key_order_to_full_uris(readable_place: Place) -> None:
    readable_place.fill("a/1", "a/2", "a/10", "b/1", "a/x/1")
    read = s3.get_many(readable_place.uris(["b/1", "a/*", "a/1", "**/1"]))
    names = ["b/1", "a/1", "a/10", "a/2", "a/1", "a/1", "a/x/1", "b/1"]
    assert read == [(readable_place.uri(name), name.encode()) for name in names]


def test_the_uris_of_expanded_stars_read_the_same_objects_again(readable_place: Place) -> None:
    readable_place.fill("a*1", "aX1", "a b%41+#?é")
    read = s3.get_many([readable_place.uri("a*")])
    assert sorted(body.decode() for _, body in read) == sorted(["a*1", "aX1", "a b%41+#?é"])
    assert s3.get_many([uri for uri, _ in read]) == read
    assert [s3.get(uri) for uri, _ in read] == [body for _, body in read]


def test_an_escaped_star_names_one_object_of_get_many(readable_place: Place) -> None:
    readable_place.fill("a*b", "aXb")
    assert s3.get_many([readable_place.uri(r"a\*b")]) == [(readable_place.uri(r"a\*b"), b"a*b")]


def test_a_wildcard_that_matches_nothing_is_not_found_and_named(readable_place: Place) -> None:
    readable_place.fill("a")
    with pytest.raises(NotFoundError) as caught:
        s3.get_many(readable_place.uris(["a", "b*"]))
    assert caught.value.uri == readable_place.uri("b*")


def test_stats_count_objects_and_bytes_of_wildcards_and_duplicates_too(readable_place: Place) -> None:
    readable_place.fill("a", "bb", "ccc")
    assert s3.get_many_stats(readable_place.uris(["a", "a", "*"])) == (5, 1 + 1 + 6)


def test_stats_are_a_tuple_of_ints(readable_place: Place) -> None:
    readable_place.fill("a")
    stats = s3.get_many_stats([readable_place.uri("a")])
    assert (type(stats), *map(type, stats)) == (tuple, int, int)


def test_each_object_costs_one_get_and_no_head(gateway_place: Place) -> None:
    place = gateway_place
    bodies = {place.uri(f"{size}"): pattern(size) for size in (0, 10, 100 * KIB, 5 * MIB)}
    s3.put_many(bodies.items())
    place.reset()
    assert s3.get_many(list(bodies)) == list(bodies.items())
    assert s3.get_many_stats(list(bodies))[0] == 4
    assert Counter({"GetObject": place.count("GetObject"), "HeadObject": place.count("HeadObject")}) == Counter(
        GetObject=8
    )


def test_reading_for_stats_holds_no_bodies_in_memory() -> None:
    # A process of its own: the high-water mark of this one says nothing. The server is in it too, and holds the one object.
    program = """
        import os, resource
        import longshore as s3
        from longshore.testing import server

        def peak():
            return resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024

        with server() as aws:
            os.environ.update(aws.environment)
            s3.create_bucket("s3://bucket")
            s3.put_bytes("s3://bucket/key", os.urandom(5 << 20))
            uris = ["s3://bucket/key"] * 200
            assert s3.get_many_stats(uris[:8]) == (8, 8 * (5 << 20))
            before = peak()
            assert s3.get_many_stats(uris) == (200, 200 * (5 << 20))
            print(peak() - before)
    """
    command = [sys.executable, "-c", textwrap.dedent(program)]
    done = subprocess.run(command, capture_output=True, text=True, timeout=60, check=False)
    assert done.returncode == 0, done.stderr
    grown = float(done.stdout)
    assert grown < 100, f"reading 1000 MiB for their size took {grown:.0f} MiB more memory"
