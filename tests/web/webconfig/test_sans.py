from __future__ import annotations

import ssl
from pathlib import Path

import pytest
from support.tls import Authority

from exporter.web.webconfig.sans import canonical_san, sans


@pytest.mark.parametrize(
    ("name", "compared"),
    [
        ("prometheus.example", "prometheus.example"),
        ("Prometheus.Example", "Prometheus.Example"),
        ("*.example", "*.example"),
        ("192.0.2.1", "192.0.2.1"),
        ("2001:DB8:0:0:0:0:0:1", "2001:db8::1"),
        ("2001:db8::1", "2001:db8::1"),
        ("me@example.org", "me@example.org"),
        ("spiffe://cluster/ns/monitoring", "spiffe://cluster/ns/monitoring"),
        ("", ""),
    ],
)
def test_names_are_compared_to_the_letter_and_addresses_by_what_they_are(name: str, compared: str) -> None:
    assert canonical_san(name) == compared


def test_a_certificate_has_names_of_four_kinds() -> None:
    told = {
        "subject": ((("commonName", "not.this.one"),),),
        "subjectAltName": (
            ("DNS", "a.example"),
            ("IP Address", "2001:DB8:0:0:0:0:0:1\n"),
            ("email", "me@example.org"),
            ("URI", "spiffe://x"),
            ("DirName", "not.this.either"),
            ("Registered ID", "1.2.3"),
        ),
    }
    assert sans(told) == {"a.example", "2001:db8::1", "me@example.org", "spiffe://x"}


@pytest.mark.parametrize("certificate", [None, {}])
def test_without_a_certificate_there_are_none(certificate: object) -> None:
    assert sans(certificate) == set()


def test_those_of_a_real_certificate_are_read(tmp_path: Path) -> None:
    pair = Authority(tmp_path).issue("client.example", "2001:db8::1", "192.0.2.7", "me@example.org")
    told = ssl._ssl._test_decode_cert(str(pair.cert))  # type: ignore[attr-defined]
    assert sans(told) == {"client.example", "2001:db8::1", "192.0.2.7", "me@example.org"}
