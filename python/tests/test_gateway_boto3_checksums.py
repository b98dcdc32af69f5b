"""boto3 against our gateway: checksums that the client sends, the server checks and returns."""

from __future__ import annotations

import base64
import hashlib
import zlib
from collections.abc import Callable

import pytest

from servers.s3 import MIB, Box, client, pattern, refused, send, signed

pytest_plugins = ["servers.gateway_fixtures"]

BODY = b"a body with a checksum"
TRAILER = "STREAMING-UNSIGNED-PAYLOAD-TRAILER"


def reflected_crc(width: int, polynomial: int) -> Callable[[bytes], bytes]:
    """Returns a CRC of the kind S3 uses: reflected, all ones before and after, big endian."""
    ones = (1 << width) - 1

    def checksum(data: bytes) -> bytes:
        crc = ones
        for byte in data:
            crc ^= byte
            for _ in range(8):
                crc = crc >> 1 ^ (polynomial if crc & 1 else 0)
        return (crc ^ ones).to_bytes(width // 8, "big")

    return checksum


# boto3 itself computes CRC32C and CRC64NVME only with the awscrt package, which is not here.
CHECKSUMS: dict[str, Callable[[bytes], bytes]] = {
    "CRC32": lambda data: zlib.crc32(data).to_bytes(4, "big"),
    "CRC32C": reflected_crc(32, 0x82F63B78),
    "CRC64NVME": reflected_crc(64, 0x9A6C9329AC4BC9B5),
    "SHA1": lambda data: hashlib.sha1(data).digest(),
    "SHA256": lambda data: hashlib.sha256(data).digest(),
}
each_algorithm = pytest.mark.parametrize("algorithm", CHECKSUMS)


def checksum(algorithm: str, data: bytes) -> str:
    return base64.b64encode(CHECKSUMS[algorithm](data)).decode()


def md5(data: bytes) -> str:
    return base64.b64encode(hashlib.md5(data).digest()).decode()


def chunked(data: bytes, trailer: str) -> bytes:
    """The aws-chunked form of a body, in two chunks, with its checksum behind it."""
    half = len(data) // 2
    chunks = [b"%x\r\n%s\r\n" % (len(part), part) for part in (data[:half], data[half:])]
    return b"".join(chunks) + b"0\r\n" + trailer.encode() + b"\r\n\r\n"


def test_the_checksums_computed_here_have_their_published_check_values() -> None:
    found = {name: CHECKSUMS[name](b"123456789").hex() for name in ("CRC32C", "CRC64NVME")}
    assert found == {"CRC32C": "e3069283", "CRC64NVME": "ae8b14860a799888"}


def test_a_put_with_the_right_content_md5_is_taken(box: Box) -> None:
    box.put("key", BODY, ContentMD5=md5(BODY))
    assert box.read("key") == BODY


def test_a_put_with_a_wrong_content_md5_is_refused_and_writes_nothing(box: Box) -> None:
    with refused("BadDigest", 400):
        box.put("key", BODY, ContentMD5=md5(b"another body"))
    assert box.keys() == []


def test_a_put_with_a_content_md5_that_is_none_is_refused(box: Box) -> None:
    with refused("InvalidDigest", 400):
        box.put("key", BODY, ContentMD5="not-a-digest")
    assert box.keys() == []


@each_algorithm
def test_a_right_checksum_is_taken_kept_and_returned_on_request(box: Box, algorithm: str) -> None:
    name, value = f"Checksum{algorithm}", checksum(algorithm, BODY)
    assert box.put("key", BODY, **{name: value})[name] == value
    assert box.head("key", ChecksumMode="ENABLED")[name] == value
    answer = box.get("key", ChecksumMode="ENABLED")
    assert answer[name] == value
    assert answer["Body"].read() == BODY


@each_algorithm
def test_a_wrong_checksum_is_refused_and_writes_nothing(box: Box, algorithm: str) -> None:
    wrong = {f"Checksum{algorithm}": checksum(algorithm, b"another body")}
    with refused("BadDigest", 400):
        box.put("key", BODY, **wrong)
    assert box.keys() == []


@pytest.mark.parametrize("algorithm", ["CRC32", "SHA1", "SHA256"])
def test_the_checksum_that_boto3_computes_is_taken_and_verified(box: Box, algorithm: str) -> None:
    body = pattern(MIB)
    put = box.put("key", body, ChecksumAlgorithm=algorithm)
    assert put[f"Checksum{algorithm}"] == checksum(algorithm, body)
    answer = box.get("key", ChecksumMode="ENABLED")
    assert answer["Body"].read() == body
    # boto3 read to the end, and compared.
    assert answer["ResponseMetadata"]["HTTPHeaders"][f"x-amz-checksum-{algorithm.lower()}"]


def test_the_checksum_of_a_whole_put_is_of_the_full_object(box: Box) -> None:
    box.put("key", BODY, ChecksumCRC32=checksum("CRC32", BODY))
    assert box.head("key", ChecksumMode="ENABLED")["ChecksumType"] == "FULL_OBJECT"


def test_a_checksum_is_not_returned_unless_asked_for(box: Box) -> None:
    box.put("key", BODY, ChecksumSHA256=checksum("SHA256", BODY))
    plain = client(box.server, response_checksum_validation="when_required")
    for answer in (plain.head_object(**box.at("key")), plain.get_object(**box.at("key"))):
        assert [name for name in answer if name.startswith("Checksum")] == []


def test_a_range_carries_no_checksum_of_the_whole(box: Box) -> None:
    box.put("key", BODY, ChecksumCRC32=checksum("CRC32", BODY))
    answer = box.get("key", Range="bytes=2-5", ChecksumMode="ENABLED")
    assert answer["Body"].read() == BODY[2:6]
    headers = answer["ResponseMetadata"]["HTTPHeaders"]
    assert [name for name in headers if name.startswith("x-amz-checksum-crc")] == []


def test_a_new_put_does_not_keep_the_old_checksum(box: Box) -> None:
    box.put("key", BODY, ChecksumSHA256=checksum("SHA256", BODY))
    box.put("key", b"another", ChecksumSHA1=checksum("SHA1", b"another"))
    head = box.head("key", ChecksumMode="ENABLED")
    assert "ChecksumSHA256" not in head
    assert head["ChecksumSHA1"] == checksum("SHA1", b"another")


@each_algorithm
def test_a_checksum_in_the_trailer_of_a_chunked_body_is_verified(box: Box, algorithm: str) -> None:
    def put(key: str, value: str) -> tuple[int, str]:
        header = f"x-amz-checksum-{algorithm.lower()}"
        headers = {
            "content-encoding": "aws-chunked",
            "x-amz-decoded-content-length": str(len(BODY)),
            "x-amz-trailer": header,
        }
        body = chunked(BODY, f"{header}:{value}")
        path = f"/{box.name}/{key}"
        answer = send(
            box.server,
            signed(box.server, "PUT", path, headers=headers, body=body, digest=TRAILER),
        )
        return answer.status, answer.code

    assert put("right", checksum(algorithm, BODY)) == (200, "")
    assert put("wrong", checksum(algorithm, b"another body")) == (400, "BadDigest")
    assert box.keys() == ["right"]
    assert box.read("right") == BODY
    assert "ContentEncoding" not in box.head("right")


def test_a_body_other_than_the_one_signed_is_refused_and_writes_nothing(box: Box) -> None:
    digest = hashlib.sha256(b"another body").hexdigest()
    request = signed(box.server, "PUT", f"/{box.name}/key", body=BODY, digest=digest)
    answer = send(box.server, request)
    assert (answer.status, answer.code) == (400, "XAmzContentSHA256Mismatch")
    assert box.keys() == []
