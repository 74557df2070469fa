"""Credentials that cannot be mistaken for anything else, wherever and however they come up again.

All begin with one word that is new each time, so that one search finds all: as it is, in base64 wherever in it the word
begins (`auth` of a Docker login, an ECR token), in hexadecimal, compressed, or in a value of an SQLite database.
"""

from __future__ import annotations

import base64
import gzip
import json
import re
import secrets
import sqlite3
import zlib
from collections.abc import Iterable, Iterator
from dataclasses import dataclass, field
from pathlib import Path
from urllib.parse import quote

import zstandard

NAMES = (
    *("aws-id", "aws-secret", "aws-session", "registry-user", "registry-password", "ecr-token"),
    *("passphrase", "pulumi-token", "proxy-user", "proxy-password", "own-secret", "image-variable", "given-variable"),
    *("stack-secret", "index-password"),
)
GZIP, ZSTD = b"\x1f\x8b\x08", b"\x28\xb5\x2f\xfd"
SQLITE = b"SQLite format 3\0"


@dataclass(frozen=True)
class Marks:
    """One value for each kind of credential; letters and digits alone, for each has to go where it is used."""

    word: str = field(default_factory=lambda: f"Hush{secrets.token_hex(6)}")
    also: tuple[str, ...] = ()
    """Credentials that others have made, such as a token of ECR."""

    def __getitem__(self, name: str) -> str:
        return f"{self.word}x{NAMES.index(name):02d}{name.replace('-', '')}"

    @property
    def proxy(self) -> str:
        """A proxy that wants a login, where nobody listens."""
        return f"http://{self['proxy-user']}:{quote(self['proxy-password'])}@127.0.0.1:9"

    def environment(self) -> dict[str, str]:
        """What a user's shell may hold. Nothing on this machine goes through the proxy."""
        proxies = ("HTTP_PROXY", "HTTPS_PROXY", "http_proxy", "https_proxy")
        return {
            "AWS_ACCESS_KEY_ID": self["aws-id"],
            "AWS_SECRET_ACCESS_KEY": self["aws-secret"],
            "AWS_SESSION_TOKEN": self["aws-session"],
            "PULUMI_CONFIG_PASSPHRASE": self["passphrase"],
            "PULUMI_ACCESS_TOKEN": self["pulumi-token"],
            "SOCIOMETER_TEST_SECRET": self["own-secret"],
            "PIP_INDEX_URL": f"https://user:{self['index-password']}@127.0.0.1:9/simple",
            "UV_INDEX_URL": f"https://user:{self['index-password']}@127.0.0.1:9/simple",
            **dict.fromkeys(proxies, self.proxy),
            **dict.fromkeys(("NO_PROXY", "no_proxy"), "127.0.0.1,localhost"),
        }

    def docker_login(self, registry: str, folder: Path, name: str = "registry-password") -> Path:
        """A Docker configuration as `docker login` writes it."""
        folder.mkdir(mode=0o700)
        auth = base64.b64encode(f"{self['registry-user']}:{self[name]}".encode()).decode()
        (folder / "config.json").write_text(json.dumps({"auths": {registry: {"auth": auth}}}))
        (folder / "config.json").chmod(0o600)
        return folder

    def named(self, content: bytes) -> set[str]:
        """Which credentials are in it, and how."""
        return {f"{name}{how}" for name, how in self._seen(content)}

    def in_files(self, *places: Path, leave_out: Iterable[Path] = ()) -> dict[str, set[str]]:
        """Files at and below the places that show a credential, with its name: content, path, or a link's target."""
        left_out, found = tuple(leave_out), {}
        for path in (each for place in places for each in (place, *place.rglob("*"))):
            if any(path.is_relative_to(place) for place in left_out):
                continue
            if seen := self.named(str(path).encode()) | self._in_file(path):
                found[str(path)] = seen
        return found

    def planted(self, folder: Path) -> list[str]:
        """Files in ``folder`` that show a credential, each in another way."""
        secret = f"login:{self['aws-secret']}".encode()
        contents = {
            "plain": b"x" + secret,
            "hexadecimal": secret.hex().encode(),
            **{f"base64-{before}": base64.b64encode(b"y" * before + secret) for before in range(3)},
            "url": base64.urlsafe_b64encode(secret),
            "gzip": gzip.compress(secret) + gzip.compress(b"more"),
            "second.gzip": gzip.compress(b"more") + gzip.compress(secret),
            "zstd": zstandard.compress(secret),
        }
        for name, content in contents.items():
            (folder / name).write_bytes(content)
        (folder / "link").symlink_to(self["aws-secret"])
        database = sqlite3.connect(folder / "sqlite")
        with database:
            database.execute("CREATE TABLE t (value)")
            database.execute("INSERT INTO t VALUES (?)", ("z" * 100_000 + secret.decode() + "z" * 100_000,))
        database.close()
        return [str(folder / name) for name in (*contents, "link", "sqlite")]

    def _in_file(self, path: Path) -> set[str]:
        if path.is_symlink():
            return self.named(bytes(path.readlink()))
        try:
            content = path.read_bytes() if path.is_file() else b""
        except FileNotFoundError:  # of another process in the cache
            return set()
        found = self.named(content)
        if content.startswith(SQLITE):
            found |= self.named("\n".join(_values(path)).encode())
        return found

    def _seen(self, content: bytes) -> Iterator[tuple[str, str]]:
        for how, text in (("", content), (" compressed", _inflated(content))):
            for start in re.finditer(re.escape(self.word.encode()), text):
                number = text[start.end() + 1 : start.end() + 3]
                yield NAMES[int(number)] if number.isdigit() else "a part", how
            if any(token.encode() in text for token in self.also):
                yield "a token", how
            if any(needle in text for needle in _encoded(self.word.encode())):
                yield "something", f" encoded{how}"


def _encoded(word: bytes) -> Iterator[bytes]:
    """The word in hexadecimal, and as it stands in base64 that begins one, two or three bytes before it."""
    yield word.hex().encode()
    for before in range(3):
        whole = base64.b64encode(b"\0" * before + word)
        yield whole[-(-before * 8 // 6) : (before + len(word)) * 8 // 6]


def _inflated(content: bytes) -> bytes:
    """What a compressed file holds, up to where it is damaged; nothing of any other file."""
    if content.startswith(GZIP):
        return b"".join(_members(content))
    if content.startswith(ZSTD):
        return zstandard.ZstdDecompressor().decompressobj(read_across_frames=True).decompress(content)
    return b""


def _members(content: bytes) -> Iterator[bytes]:
    while content.startswith(GZIP):
        member = zlib.decompressobj(wbits=zlib.MAX_WBITS | 16)
        try:
            yield member.decompress(content)
        except zlib.error:
            return
        content = member.unused_data


def _values(database: Path) -> Iterator[str]:
    """Every value, also one that goes over several pages; of a copy in the memory, so that nothing is written."""
    source = sqlite3.connect(f"{database.absolute().as_uri()}?mode=ro", uri=True)
    try:
        tables = [row[0] for row in source.execute("SELECT name FROM sqlite_master WHERE type = 'table'")]
        for table in tables:
            for row in source.execute(f'SELECT * FROM "{table}"'):  # noqa: S608 - its name comes from the database
                yield from map(str, row)
    finally:
        source.close()
