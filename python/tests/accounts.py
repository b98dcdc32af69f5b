"""What a developer's machine says about accounts of clouds, and no test may see: variables, and files in the home folder."""

from __future__ import annotations

import os
from pathlib import Path

import pytest

PREFIXES = (
    "AWS_",
    "AZURE_",
    "AZURITE_",
    "GOOGLE_",
    "GCP_",
    "GCS_",
    "GCE_",
    "GCLOUD_",
    "CLOUDSDK_",
    "IDENTITY_",
    "MSI_",
)
"""How such variables begin. The Makefile keeps the same ones out."""
NAMES = ("STORAGE_EMULATOR_HOST", "XDG_CONFIG_HOME")
"""Further variables, by their whole names. Some clients look for their files in the second one."""
GUARDS = {"GCE_METADATA_HOST": "127.0.0.1:9"}
"""Variables that every test has instead. Where there are no credentials for Google, clients ask a machine of its network;
here they ask where nobody listens."""


def found() -> list[str]:
    """The variables of accounts in the environment of this process."""
    names = [name for name in os.environ if name.upper().startswith(PREFIXES) or name.upper() in NAMES]
    return [name for name in names if GUARDS.get(name) != os.environ[name]]


def hide(monkeypatch: pytest.MonkeyPatch, home: Path) -> None:
    """Takes them all away for the length of a test, with the files `~/.aws`, `~/.azure` and `~/.config/gcloud`."""
    for name in found():
        monkeypatch.delenv(name)
    for name, value in GUARDS.items():
        monkeypatch.setenv(name, value)
    monkeypatch.setenv("HOME", str(home))
