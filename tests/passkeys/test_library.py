"""The library that verifies passkeys is in memory only where passkeys are used: it takes 7 MB."""

from __future__ import annotations

import subprocess
import sys


def test_a_server_starts_without_it() -> None:
    program = "import sys, hexclave_server.app; sys.exit('webauthn' in sys.modules)"
    assert subprocess.run([sys.executable, "-c", program], check=False).returncode == 0
