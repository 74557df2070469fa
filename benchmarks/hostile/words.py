"""What breaks readers: values of JSON, pieces of text, and numbers at the edges of what machines hold."""

from __future__ import annotations

DEEP, DEEPER = 900, 60_000
"""Levels of nesting below and far above Python's own limit."""

DIGEST = "sha256:" + "0123456789abcdef" * 4
TEXTS = (
    "", " ", "0", "-1", "1e9999", "9" * 400, "nan", "inf", "true", "null", "a" * 300, "../../../etc/passwd",
    "/etc/passwd", "..", ".", "a/../../b", "C:\\x", "%s%n%x", "{0}", "${HOME}", "`id`", "$(id)", "'; DROP TABLE tasks",
    "line\nbreak", "tab\tbed", "bell\x07", "\x1b[31mred\x1b[0m", "nul\0byte", "\u202egnp.exe", "\ufeffbom",
    "ünïcödé", "\U0001f4a9", "٣", "²", "Ⅷ", DIGEST, DIGEST.upper(), "sha256:" + "0" * 63, "sha512:" + "0" * 128,
    "sha256:../../../../etc/passwd", "blobs/sha256/../../x", "0x10", "1_000", "+1", " 1", "1.0", "1e3", "0/0",
    "2027-13-45", "9999-12-31T23:59:59Z", "0000-00-00T00:00:00Z", "soci-v2(span=1MiB)", "linux/amd64", "arn:aws:ecs:",
)  # fmt: skip

VALUES = (
    "null", "true", "false", "0", "1", "-1", "1.5", "-0.0", "1e400", "-1e400", "1e-400", "NaN", "Infinity", "-Infinity",
    "2147483648", "4294967296", "9223372036854775807", "9223372036854775808", "-9223372036854775809",
    "18446744073709551616",
    "1" + "0" * 30, "1" + "0" * 400, "[]", "{}", "[[]]", "[null]", "[1]", '["a"]', '{"a":1}', '{"a":{"a":{"a":[]}}}',
    r'"\ud800"', r'"\udfff\ud800"', r'"\u0000"', r'"a\nb"', r'"\u001b[2J"', r'"\x"', '"\t"', "'a'", "01", ".5",
    "+1", "",
    "// no\n1", "[1,]", '{"a":1,"a":2}', "{1:2}", "undefined", "1 2", "]", "}", '"',
)  # fmt: skip
"""As JSON has them, or does not allow them."""

RARE = (
    "[" * DEEP + "]" * DEEP,
    '{"a":' * DEEP + "1" + "}" * DEEP,
    "[" * DEEPER,
    "[" * DEEPER + "]" * DEEPER,
    '{"a":' * DEEPER + "1" + "}" * DEEPER,
    "9" * 5000,
    "-" + "9" * 20_000,
    "1." + "3" * 5000,
    '"' + "x" * 100_000 + '"',
    '"' + "\\u0001" * 3000 + '"',
    "[" + ",".join(["0"] * 20_000) + "]",
    "{" + ",".join(f'"k{n}":{n}' for n in range(5000)) + "}",
)
"""Large: given now and then."""

NUMBERS = (0, 1, 2, 7, 8, 127, 128, 255, 256, 511, 512, 513, 4095, 4096, 32767, 32768, 65535, 65536, (1 << 31) - 1,
           1 << 31, (1 << 32) - 1, 1 << 32, (1 << 62), (1 << 63) - 1, 1 << 63, (1 << 64) - 1)  # fmt: skip
