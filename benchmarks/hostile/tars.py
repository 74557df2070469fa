"""Archives that no tool writes: entries with every kind of name, link, size, extended header and end."""

from __future__ import annotations

import bz2
import gzip
import lzma
from collections.abc import Callable, Sequence
from random import Random

import zstandard

from benchmarks.hostile import raw

BLOCK = 512
NAMES = (
    b"", b".", b"..", b"/", b"../up", b"/etc/passwd", b"a/../../up", b"a/../b", b"./a", b"a//b", b"a/", b"a\0b",
    b"\xff\xfe",
    b"x" * 100, b"d/" * 49 + b"e", b"a\nb", b"\x1b[2J", b"manifest.json", b"index.json", b"oci-layout", b".wh.a",
    b".wh..wh..opq",
    b"blobs/sha256/" + b"0" * 64, b"blobs/sha256/../../../up", b"C:\\a", b"a/b/c/d", b"etc", b"usr/bin/x",
)  # fmt: skip
KINDS = b"0000000\0123456789SLKxgDMNVXA"
SIZES = (
    b"%011o\0" % 7, b"%011o\0" % (8 << 30), b"77777777777\0", b"\x80" + b"\xff" * 11,
    b"\x80" + b"\0" * 3 + b"\x7f" + b"\xff" * 7,
    b"\xff" * 12, b"-0000000001\0", b"0x0000000ff\0", b"            ", b"\0" * 12, b"999999999999",
    b"\xff" * 11 + b"\xf0",
)  # fmt: skip
"""Fields as a header has them: octal, base 256, negative, and none."""
_RECORDS = (
    b"path=../up", b"path=/etc/passwd", b"path=", b"path=\xff", b"path=a\0b", b"linkpath=../../up", b"size=7",
    b"size=-1",
    b"size=99999999999999999999", b"size=x", b"mtime=1e400", b"mtime=nan", b"mtime=-1.5", b"uid=x",
    b"gid=99999999999999999999",
    b"GNU.sparse.map=0,1,2", b"GNU.sparse.map=0,x", b"GNU.sparse.major=1", b"GNU.sparse.minor=0",
    b"GNU.sparse.realsize=x",
    b"GNU.sparse.realsize=9999999999999", b"GNU.sparse.size=1", b"GNU.sparse.name=../up", b"GNU.sparse.numblocks=9",
    b"GNU.sparse.offset=x", b"GNU.sparse.numbytes=7", b"SCHILY.xattr.user.a=b",
    b"SCHILY.xattr.trusted.overlay.opaque=y",
    b"hdrcharset=BINARY", b"comment=x", b"=", b"", b"atime=\n", b"ctime=x",
)  # fmt: skip


def header(
    name: bytes, size: int | bytes, kind: bytes = b"0", link: bytes = b"", magic: bytes = b"ustar\x0000"
) -> bytes:
    """A header whose checksum is right; a size that is bytes stands as it is."""
    field = size if isinstance(size, bytes) else b"%011o\0" % size
    head = b"".join(
        (name[:100].ljust(100, b"\0"), b"0000644\0", b"0000000\0", b"0000000\0", field[:12].ljust(12, b"\0"),
        b"%011o\0" % 1,
         b" " * 8, kind, link[:100].ljust(100, b"\0"), magic, b"\0" * 247)
    )  # fmt: skip
    return _summed(head)


def _summed(head: bytes) -> bytes:
    """With its checksum, for which spaces stand."""
    return head[:148] + b"%06o\0 " % sum(head[:BLOCK]) + head[156:BLOCK]


def prefixed(whole: bytes, prefix: bytes, magic: bytes) -> bytes:
    """An entry with something where ustar has the front of a long name."""
    head = (
        whole[:148] + b" " * 8 + whole[156:257] + magic + whole[265:345] + prefix.ljust(155, b"\0") + whole[500:BLOCK]
    )
    return _summed(head) + whole[BLOCK:]


def entry(name: bytes, content: bytes, kind: bytes = b"0") -> bytes:
    """A header with its content."""
    return header(name, len(content), kind) + padded(content)


def padded(content: bytes) -> bytes:
    """With zeros up to a whole block."""
    return content + b"\0" * (-len(content) % BLOCK)


def record(text: bytes) -> bytes:
    """A record of a PAX header, with its length in front."""
    length = len(text) + 3
    while length != len(str(length)) + 2 + len(text):
        length = len(str(length)) + 2 + len(text)
    return b"%d %s\n" % (length, text)


def odd_entry(random: Random) -> bytes:
    """An entry of any kind, alone or behind an extended header."""
    kind = bytes([random.choice(KINDS)])
    content = random.choice((b"", b"abc", b"x" * 513, b"../../up", b"\0" * 1024))
    size: int | bytes = random.choice(SIZES) if random.random() < 0.25 else len(content)
    magic = random.choice((b"ustar\x0000", b"ustar\x0000", b"ustar  \0", b"\0" * 8, b"ustar\x0001"))
    main = header(random.choice(NAMES), size, kind, random.choice(NAMES), magic) + padded(content)
    if random.random() < 0.15:
        main = prefixed(main, random.choice((b"d", b"../d", b"00000000001\0", b"d" * 155)), magic)
    return _extended(random) + main if random.random() < 0.4 else main


def _extended(random: Random) -> bytes:
    kind = random.choice((b"x", b"x", b"x", b"g", b"L", b"K"))
    if kind in (b"L", b"K"):
        content = random.choice(NAMES) * random.choice((1, 1, 40)) + b"\0"
    else:
        content = b"".join(record(random.choice(_RECORDS)) for _ in range(random.randrange(1, 5)))
        if random.random() < 0.2:
            content = random.choice(
                (b"0 ", b"9999999999 path=a\n", b"-5 a=b\n", b"x", b"3 \n", content[:-1], b"1" * 5000)
            )
    size: int | bytes = random.choice(SIZES) if random.random() < 0.15 else len(content)
    return header(b"././@LongLink", size, kind) + padded(content)


def archive(random: Random, files: Sequence[tuple[bytes, bytes]]) -> bytes:
    """These files, some of them missing, twice, as something else,
    or of another size; with odd entries between them."""
    parts = []
    for name, content in files:
        chance = random.random()
        if chance < 0.03:
            continue
        whole = entry(name, content)
        if chance < 0.06:
            whole = header(name, random.choice((0, len(content))), bytes([random.choice(KINDS)]), random.choice(NAMES))
        elif chance < 0.09:
            whole = header(name, random.choice(SIZES)) + padded(content)
        elif chance < 0.11:
            whole *= 2
        elif chance < 0.15:
            whole = _extended(random) + whole
        parts.append(whole)
        if random.random() < 0.1:
            parts.append(odd_entry(random))
    if random.random() < 0.1:
        random.shuffle(parts)
    end = random.choice(
        (b"\0" * 1024, b"\0" * 1024, b"\0" * 1024, b"", b"\0" * 512, b"\0" * 512 + b"x" * 512, b"\0" * 10240)
    )
    return b"".join(parts) + end


def packed(random: Random, content: bytes) -> bytes:
    """Compressed now and then, and then perhaps damaged, or with something behind its end."""
    chance = random.random()
    if chance < 0.75:
        return content
    pack: Callable[[bytes], bytes] = random.choice((gzip.compress, gzip.compress, bz2.compress, _xz, _zstd))
    whole = pack(content)
    if chance > 0.9:
        whole = raw.mutated(random, whole, [whole])
    return whole + random.choice((b"", b"", b"", b"\0" * 7, pack(b"more")))


def _xz(content: bytes) -> bytes:
    return lzma.compress(content, preset=0)


def _zstd(content: bytes) -> bytes:
    return zstandard.compress(content, 1)
