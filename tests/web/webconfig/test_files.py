from __future__ import annotations

import os
import socket
from pathlib import Path

import pytest

from exporter.web.webconfig.files import Files, looks


def test_a_change_shows_however_it_is_made(tmp_path: Path) -> None:
    file = tmp_path / "a"
    file.write_text("one")
    seen = {looks(file)}
    os.utime(file, ns=(1, 1))
    file.write_text("two")
    os.utime(file, ns=(1, 1))  # the same time and length as before
    seen.add(looks(file))
    (tmp_path / "b").write_text("two")
    os.utime(tmp_path / "b", ns=(1, 1))
    (tmp_path / "b").rename(file)
    seen.add(looks(file))
    file.unlink()
    seen.add(looks(file))
    assert len(seen) == 4
    assert None in seen


def test_a_link_looks_as_what_it_leads_to(tmp_path: Path) -> None:
    for version in ("1", "2"):
        (tmp_path / version).mkdir()
        (tmp_path / version / "tls.crt").write_text(version)
    (tmp_path / "data").symlink_to("1")
    (tmp_path / "tls.crt").symlink_to("data/tls.crt")
    before = looks(tmp_path / "tls.crt")
    assert before == looks(tmp_path / "1" / "tls.crt")
    (tmp_path / "new").symlink_to("2")
    (tmp_path / "new").rename(tmp_path / "data")
    assert looks(tmp_path / "tls.crt") == looks(tmp_path / "2" / "tls.crt") != before


def test_what_was_read_is_remembered_as_it_looked_before(tmp_path: Path) -> None:
    file = tmp_path / "a"
    file.write_bytes(b"one")
    files = Files()
    before = looks(file)
    assert files.read(file) == b"one"
    file.write_bytes(b"more")
    assert files.seen == {file: before} != {file: looks(file)}


def digest(*contents: tuple[Path, bytes]) -> bytes:
    files = Files()
    for path, content in contents:
        path.write_bytes(content)
        files.read(path)
    return files.digest


def test_the_digest_tells_any_difference(tmp_path: Path) -> None:
    a, b = tmp_path / "a", tmp_path / "b"
    assert digest((a, b"1"), (b, b"2")) == digest((a, b"1"), (b, b"2"))
    different = [digest((a, b"1"), (b, b"2")), digest((a, b"12"), (b, b"")), digest((a, b"1")), digest((b, b"1"))]
    assert len(set(different)) == 4


@pytest.mark.parametrize("kind", ["missing", "folder", "pipe", "socket", "long"])
def test_what_cannot_be_read_says_why_and_differs_from_all_else(tmp_path: Path, kind: str) -> None:
    file = tmp_path / "a"
    server = socket.socket(socket.AF_UNIX)
    if kind == "folder":
        file.mkdir()
    elif kind == "pipe":
        os.mkfifo(file)
    elif kind == "socket":
        server.bind(str(file))
    elif kind == "long":
        file.touch()
        os.truncate(file, (16 << 20) + 1)
    files, untouched = Files(), Files()
    with pytest.raises(ValueError, match=r"No such file|Is a directory|it is a pipe|it has more than|No such device"):
        files.read(file)
    server.close()
    assert file in files.seen
    assert files.digest != untouched.digest
