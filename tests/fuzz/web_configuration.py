"""A web configuration file, as ``--web.config.file`` reads it: a case is the file. What it names is there, in many states."""

from __future__ import annotations

import os
from typing import TYPE_CHECKING, Any

from fuzz.configuration import check_problems
from fuzz.target import Defect, Outcome, Target
from fuzz.yaml_text import YamlMutator, documented, keys_of
from support.tls import Authority

from exporter.clock import SystemClock
from exporter.config import ConfigError
from exporter.config.load import load
from exporter.web.webconfig.file import WebConfigFile
from exporter.web.webconfig.model import WebConfig

if TYPE_CHECKING:
    import random
    from collections.abc import Sequence
    from pathlib import Path

HASH = "$2b$04$" + "." * 53
SECRET = "0mYs3cr3tK3y"
"""In every key and hash here: no message may have it."""


class WebConfiguration(Target):
    """See above."""

    def __init__(self, directory: Path) -> None:
        os.chdir(directory)
        authority = Authority(directory)
        pair = authority.issue()
        names = {"cert.pem": pair.cert.read_text(), "key.pem": pair.key.read_text(), "ca.pem": authority.pem}
        names |= {
            "other-key.pem": authority.issue().key.read_text(),
            "empty.pem": "",
            "odd.pem": f"-----BEGIN {SECRET}",
        }
        for name, text in names.items():
            (directory / name).write_text(text)
        self._file = directory / "web.yaml"
        inline = "".join(f"\n    {line}" for line in names["cert.pem"].splitlines())
        key = "".join(f"\n    {line}" for line in names["key.pem"].splitlines())
        texts = [*_MORE, f"tls_server_config:\n  cert: |{inline}\n  key: |{key}\n", *documented("docs/serving.md")]
        self._key_lines = [line for line in names["key.pem"].splitlines() if len(line) == 64]
        self._seeds = [text.encode() for text in texts if _loads(text)]
        values: dict[str, list[Any]] = {
            f"{each}_file": [*names, "missing.pem", "."] for each in ("cert", "key", "client_ca")
        }
        self._mutator = YamlMutator(self._seeds, [*keys_of(WebConfig)], _VALUES | values)

    def seeds(self) -> Sequence[bytes]:
        """Return what the documentation shows, and more."""
        return self._seeds

    def mutate(self, rng: random.Random, case: bytes) -> bytes:
        """Change the tree, else the text."""
        return self._mutator.mutate(rng, case)

    def run(self, case: bytes) -> Outcome:
        """Have it read, as at the start."""
        self._file.write_bytes(case)
        deep = _loads(case.decode("utf-8", "replace"))
        try:
            found = WebConfigFile(self._file, SystemClock(), sleep=lambda _: None)
        except ConfigError as error:
            check_problems(error.problems)
            for secret in (SECRET, *self._key_lines):
                if secret in str(error):
                    raise Defect("a message holds a secret") from error
            return Outcome("mistakes" if deep else "not a mapping of YAML", deep)
        settings = found.settings
        return Outcome(
            f"{settings.scheme}{' with users' if settings.users else ''}{' and a rate' if settings.rate else ''}", deep
        )


def _loads(text: str) -> bool:
    try:
        load(text, "web.yaml")
    except ConfigError:
        return False
    return True


_VALUES: dict[str, list[Any]] = {
    "client_auth_type": [
        *(
            "NoClientCert",
            "RequestClientCert",
            "RequireAnyClientCert",
            "VerifyClientCertIfGiven",
            "RequireAndVerifyClientCert",
        )
    ],
    "min_version": ["TLS10", "TLS11", "TLS12", "TLS13"],
    "max_version": ["TLS10", "TLS11", "TLS12", "TLS13"],
}
_MORE = (
    "{}\n",
    f"basic_auth_users: {{alice: {HASH}, 'böb x': $2y$10${SECRET}{'.' * 41}}}\n",
    "rate_limit: {interval: 1s, burst: 20}\n",
    (
        "tls_server_config:\n  cert_file: cert.pem\n  key_file: key.pem\n  client_ca_file: ca.pem\n"
        "  client_auth_type: RequireAndVerifyClientCert\n  client_allowed_sans: [a.example.com, spiffe://x/y, 10.0.0.1]\n"
        "  min_version: TLS12\n  max_version: TLS13\n  cipher_suites: [TLS_ECDHE_RSA_WITH_AES_128_GCM_SHA256]\n"
        "  prefer_server_cipher_suites: true\n  curve_preferences: [X25519, CurveP256]\n"
    ),
    (
        "http_server_config:\n  http2: true\n  headers:\n    Strict-Transport-Security: max-age=31536000\n    X-Frame-Options: deny\n"
        "    Content-Security-Policy: default-src 'none'\n    X-XSS-Protection: '0'\n    X-Content-Type-Options: nosniff\n"
    ),
)
