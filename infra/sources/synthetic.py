"""Synthetic payload files: as large as asked for, incompressible, and the same bytes for the same seed.

Nothing here is a film or a conversation that anybody would want; only size, format and entropy are like the real ones.
"""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq

CHUNK_BYTES = 8 << 20
ROWS_PER_GROUP = 2048
EMBEDDING_BYTES = 4096
ROW_BYTES = EMBEDDING_BYTES + 96
"""What a row takes in the file, compressed and with its share of the headers (measured with pyarrow 26)."""

WORDS = ("how", "long", "does", "a", "container", "take", "before", "it", "answers", "when", "parts", "come", "late")
WORDS_PER_MESSAGE = 24
ROLES = ("user", "assistant")
SCHEMA = pa.schema(
    [
        ("id", pa.int64()),
        ("source", pa.string()),
        ("messages", pa.list_(pa.struct([("content", pa.string()), ("role", pa.string())]))),
        ("embedding", pa.binary(EMBEDDING_BYTES)),
    ]
)


def write_movie(path: Path, size_bytes: int, seed: int) -> None:
    """A file of exactly that many random bytes."""
    stream = _stream(path.name, seed)
    with path.open("wb") as file:
        for start in range(0, size_bytes, CHUNK_BYTES):
            file.write(_random_bytes(stream, min(CHUNK_BYTES, size_bytes - start)))


def write_parquet(path: Path, size_bytes: int, seed: int) -> None:
    """A Parquet file of that size within 2 %: conversations with a random embedding each, in row groups of 9 MB.

    One row group is in memory at a time. The bytes also depend on the version of pyarrow.
    """
    stream = _stream(path.name, seed)
    with path.open("wb") as file, _writer(file) as writer:
        first_row = 0
        while (rows := min(ROWS_PER_GROUP, (size_bytes - file.tell()) // ROW_BYTES)) > 0:
            writer.write_table(_rows(stream, first_row, rows), row_group_size=rows)
            first_row += rows


def _writer(file: object) -> pq.ParquetWriter:
    """Dictionaries and statistics would only cost time on random values."""
    return pq.ParquetWriter(file, SCHEMA, compression="snappy", use_dictionary=["source"], write_statistics=["id"])


def _rows(stream: np.random.SFC64, first: int, count: int) -> pa.Table:
    words = np.frombuffer(_random_bytes(stream, count * len(ROLES) * WORDS_PER_MESSAGE), np.uint8) % len(WORDS)
    texts = [" ".join(WORDS[word] for word in message) for message in words.reshape(-1, WORDS_PER_MESSAGE)]
    pairs = zip(texts[::2], texts[1::2], strict=True)
    columns = [
        pa.array(range(first, first + count), pa.int64()),
        pa.array(["synthetic"] * count, pa.string()),
        pa.array([_messages(*pair) for pair in pairs], SCHEMA.field("messages").type),
        _embeddings(stream, count),
    ]
    return pa.Table.from_arrays(columns, schema=SCHEMA)


def _messages(question: str, answer: str) -> list[dict[str, str]]:
    return [{"content": text, "role": role} for text, role in zip((question, answer), ROLES, strict=True)]


def _embeddings(stream: np.random.SFC64, count: int) -> pa.Array:
    data = pa.py_buffer(_random_bytes(stream, count * EMBEDDING_BYTES))
    return pa.Array.from_buffers(pa.binary(EMBEDDING_BYTES), count, [None, data])


def _stream(name: str, seed: int) -> np.random.SFC64:
    """A stream of its own for every file. NumPy promises that raw streams never change (its NEP 19)."""
    return np.random.SFC64(np.random.SeedSequence([seed, *name.encode()]))


def _random_bytes(stream: np.random.SFC64, count: int) -> bytes:
    words: np.ndarray[tuple[int], np.dtype[np.uint64]] = stream.random_raw(-(-count // 8))
    return words.astype("<u8").tobytes()[:count]
