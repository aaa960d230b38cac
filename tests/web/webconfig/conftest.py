"""A folder with a web configuration file, and certificates beside it under short names."""

from __future__ import annotations

import shutil
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest
from support.tls import Authority

from exporter.web.webconfig.read import Reading, read
from exporter.web.webconfig.settings import Settings

HASH = "$2b$04$lKYCpbeO1VK5XXNYXBLPdOnS.n6Kcnnziy2BP58tySxeOARvZq10y"
"""Of the password "right"."""

CERTIFICATE = "  cert_file: cert.pem\n  key_file: key.pem\n"
TLS = "tls_server_config:\n" + CERTIFICATE


@pytest.fixture(scope="session")
def prepared(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Return a folder with a CA, a server's certificate, and another key."""
    folder = tmp_path_factory.mktemp("web")
    authority = Authority(folder)
    pair, other = authority.issue(), authority.issue()
    shutil.copy(pair.cert, folder / "cert.pem")
    shutil.copy(pair.key, folder / "key.pem")
    shutil.copy(other.key, folder / "other.pem")
    return folder


@pytest.fixture
def folder(prepared: Path, tmp_path: Path) -> Iterator[Path]:
    """Return a copy of it that is the test's own."""
    own = tmp_path / "own"
    shutil.copytree(prepared, own)
    yield own
    shutil.rmtree(own)


Read = Callable[[str], Reading]


@pytest.fixture
def reading(folder: Path) -> Read:
    def make(text: str) -> Reading:
        (folder / "web.yaml").write_text(text)
        return read(folder / "web.yaml")

    return make


@pytest.fixture
def settings(reading: Read) -> Callable[[str], Settings]:
    """Return what a text comes to, which must be without a mistake."""

    def make(text: str) -> Settings:
        found = reading(text)
        assert found.problems == ()
        assert found.settings is not None
        return found.settings

    return make
