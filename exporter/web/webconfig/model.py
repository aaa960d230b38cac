"""The keys of a web configuration file: names, types, descriptions."""

# Pydantic reads these annotations at run time, so there is no "from __future__ import annotations".
import re
from collections.abc import Callable, Iterable, Mapping
from types import MappingProxyType
from typing import Annotated, Literal, TypeVar

from pydantic import AfterValidator, BeforeValidator, Field, PlainValidator, field_validator

from exporter.config import conversions, values
from exporter.config.duration import parse_duration
from exporter.config.model import Section
from exporter.config.problem import instead, quote
from exporter.web.webconfig.sans import canonical_san
from exporter.web.webconfig.suites import CIPHERS, CIPHERS_OF_TLS13, CURVES, OFFERED

T = TypeVar("T")

EXAMPLE = "tls_server_config: {cert_file: tls.crt, key_file: tls.key}"
"""The smallest useful file."""

HASHING = """make one with `htpasswd -nBC 10 "" | tr -d ':\\n'`"""

_HASH = re.compile(r"\$2[aby]\$([0-9]{2})\$[./A-Za-z0-9]{53}")
_END_OF_SALT = 28
# Only two bits of the salt's last character are used.
_ENDS_OF_SALTS = ".Oeu"
_LEAST_COST, _MOST_COST = 4, 16

_LONGEST_INTERVAL = 3600.0
_MOST_BURST = 1_000_000

_PEM = re.compile(r"-----BEGIN [A-Z0-9 ]+-----")

KEY_MATERIAL = re.compile(
    r"-----BEGIN (?:(?:RSA|DSA|EC|OPENSSH|ENCRYPTED|PGP|SSH2 ENCRYPTED) )?PRIVATE KEY[^\"]*"
    # The same in base64, as in a Kubernetes Secret, and the lines between BEGIN and END.
    r"|\bLS0tLS1CRUdJTi[A-Za-z0-9+/=]*|\bM[A-Z][A-Za-z0-9+/]{58,}=*"
)
"""Text that may be a private key, or a part of one. It is never shown."""

ClientAuthType = Literal["NoClientCert", "VerifyClientCertIfGiven", "RequireAndVerifyClientCert"]

_UNVERIFIED = "accepts certificates without verifying them, which protects nothing: write RequireAndVerifyClientCert"
_HTTP1_ONLY = "HTTP/2 is not supported: write false, or remove the line"


def _read(convert: Callable[[str], T]) -> PlainValidator:
    return PlainValidator(lambda value: convert(conversions.text(value)))


def _one_of(words: Iterable[str], refused: Mapping[str, str] = MappingProxyType({})) -> PlainValidator:
    known = tuple(words)

    def convert(value: str) -> str:
        if value in known:
            return value
        if value in refused:
            raise ValueError(f"{quote(value)} {refused[value]}")
        raise ValueError(f"{quote(value)} is unknown: {instead(value, known)}")

    return _read(convert)


def _http2(value: object) -> bool:
    if conversions.boolean(value):
        raise ValueError(_HTTP1_ONLY)
    return False


def _pem(value: str) -> str:
    if _PEM.search(value):
        return value
    raise ValueError("this is not PEM: write the whole text, from its line -----BEGIN …----- on, below 'key: |'")


def _san(value: str) -> str:
    """Return a name in the form in which names are compared."""
    if not value:
        raise ValueError("this is empty: write a DNS name, an IP address, an e-mail address or a URI")
    return canonical_san(value)


def _user(value: str) -> str:
    if not value:
        raise ValueError("the user's name is empty: write a name before the ':'")
    if _looks_like_a_hash(value):
        raise ValueError("this is a hash where a user's name belongs: write 'name: hash'")
    if ":" in value or not value.isprintable():
        raise ValueError(
            "a user's name cannot contain ':' or control characters, because HTTP cannot carry them: write another"
        )
    return value


def _hash(value: str) -> str:
    # Never quoted in a message, like a password.
    found = _HASH.fullmatch(value)
    if found is None or value[_END_OF_SALT] not in _ENDS_OF_SALTS:
        kind = "not a complete bcrypt hash" if _looks_like_a_hash(value) else "not a bcrypt hash"
        raise ValueError(f"this is {kind} ($2a$, $2b$ or $2y$, 60 characters in all): {HASHING}")
    if not _LEAST_COST <= int(found[1]) <= _MOST_COST:
        raise ValueError(
            f"the cost of this hash is {found[1]}, and can be from {_LEAST_COST} to {_MOST_COST}: {HASHING}"
        )
    return value


def _looks_like_a_hash(value: str) -> bool:
    return value.startswith("$2")


def _interval(value: str) -> float:
    seconds = 0.0 if value == "0" else parse_duration(value)
    if seconds > _LONGEST_INTERVAL:
        raise ValueError(f"{quote(value)} is too long: write at most 1h")
    return seconds


def _burst(value: str) -> int:
    if re.fullmatch("[0-9]{1,7}", value) and int(value) <= _MOST_BURST:
        return int(value)
    raise ValueError(f"{quote(value)} is not a whole number from 0 to {_MOST_BURST}: write for example 20")


def _header(*allowed: str) -> PlainValidator:
    """Return a validator of a header's value. An empty value means that the header is not set."""

    def convert(value: str) -> str:
        if not re.fullmatch("[ -~]*", value):
            raise ValueError(
                "a header's value is one line of ASCII: write letters, digits and signs without line breaks"
            )
        if value.strip() and allowed and value not in allowed:
            raise ValueError(f"{quote(value)} is not allowed here: write {' or '.join(allowed)}, or leave it blank")
        return value.strip()

    return _read(convert)


def versions(offered: Mapping[str, bool]) -> PlainValidator:
    """Return a validator of versions of TLS. ``offered`` says which of them OpenSSL has."""
    lacks = "is not offered by this machine's OpenSSL: write TLS12 or TLS13"
    return _one_of([name for name in offered if offered[name]], {name: lacks for name in offered if not offered[name]})


def _told_apart(names: list[str]) -> list[str]:
    for place, name in enumerate(names):
        if name in names[:place]:
            raise ValueError(f"{quote(name)} is listed twice: remove one of them")
    return names


def _no_pem(value: object) -> object:
    # If this is the text of a key, the message "no such file" must not show it.
    if isinstance(value, str) and ("-----BEGIN" in value or KEY_MATERIAL.match(value.strip())):
        raise ValueError(
            "this is PEM or base64, and not the path of a file: write PEM below the key without _file, or name a file"
        )
    return value


Pem = Annotated[str, _read(_pem)]
PemFile = Annotated[values.FilePath, BeforeValidator(_no_pem)]
Version = Annotated[str, versions(OFFERED)]
Cipher = Annotated[str, _one_of((*CIPHERS, *CIPHERS_OF_TLS13))]
Curve = Annotated[str, _one_of(CURVES)]
AuthType = Annotated[
    ClientAuthType,
    _one_of(
        ("NoClientCert", "VerifyClientCertIfGiven", "RequireAndVerifyClientCert"),
        {"RequestClientCert": _UNVERIFIED, "RequireAnyClientCert": _UNVERIFIED},
    ),
]
San = Annotated[str, _read(_san)]


class TlsServerConfig(Section):
    """TLS: the server's certificate, and what clients need."""

    cert: Pem | None = Field(None, description="The server's certificate, and those between it and its CA, as PEM.")
    key: Pem | None = Field(None, description="Its private key as PEM.")
    client_ca: Pem | None = Field(None, description="The CAs of client certificates as PEM.")
    cert_file: PemFile | None = Field(None, description="A file with what cert holds.")
    key_file: PemFile | None = Field(None, description="A file with what key holds.")
    client_ca_file: PemFile | None = Field(None, description="A file with what client_ca holds.")
    client_auth_type: AuthType = Field("NoClientCert", description="Whether clients need a certificate.")
    client_allowed_sans: list[San] = Field(
        [],
        description="Allowed names: a client's certificate must have one of them as DNS name, IP, e-mail address or URI.",
    )
    min_version: Version = Field("TLS12", description="The oldest version of TLS.")
    max_version: Version = Field("TLS13", description="The newest.")
    cipher_suites: Annotated[list[Cipher], AfterValidator(_told_apart)] = Field(
        [], description="Cipher suites of TLS up to 1.2, by their names in Go."
    )
    prefer_server_cipher_suites: values.Flag = Field(
        default=True, description="Whether the order of cipher_suites counts, instead of the client's."
    )
    curve_preferences: Annotated[list[Curve], AfterValidator(_told_apart)] = Field(
        [], description="Curves of the key exchange, by their names in Go."
    )


class Headers(Section):
    """Headers of all answers. An empty one is not set."""

    content_security_policy: Annotated[str, _header()] = Field("", alias="Content-Security-Policy")
    x_frame_options: Annotated[str, _header("deny", "sameorigin")] = Field("", alias="X-Frame-Options")
    x_content_type_options: Annotated[str, _header("nosniff")] = Field("", alias="X-Content-Type-Options")
    x_xss_protection: Annotated[str, _header()] = Field("", alias="X-XSS-Protection")
    strict_transport_security: Annotated[str, _header()] = Field("", alias="Strict-Transport-Security")

    @field_validator("*", mode="before")
    @classmethod
    def _not_null(cls, value: object) -> object:
        return "" if value is None else value

    def pairs(self) -> tuple[tuple[str, str], ...]:
        """Return the name and value of each header that is set."""
        return tuple(self.model_dump(by_alias=True, exclude_defaults=True).items())


class HttpServerConfig(Section):
    """HTTP."""

    http2: Annotated[bool, PlainValidator(_http2)] = Field(
        default=False, description="Must be false: HTTP/2 is not supported."
    )
    headers: Headers = Field(default_factory=Headers, description="Headers to add to every answer.")


class RateLimit(Section):
    """The limit of requests."""

    interval: Annotated[float, _read(_interval)] = Field(
        0.0, description="Time after which one more request is allowed. 0 means no limit."
    )
    burst: Annotated[int, _read(_burst)] = Field(0, description="How many requests may come at once.")


class WebConfig(Section):
    """A whole web configuration file."""

    tls_server_config: TlsServerConfig | None = Field(None, description="TLS. Default: plain HTTP.")
    http_server_config: HttpServerConfig = Field(default_factory=HttpServerConfig, description="HTTP.")
    basic_auth_users: dict[Annotated[str, _read(_user)], Annotated[str, _read(_hash)]] = Field(
        {}, description="Users by name, each with the bcrypt hash of the password. Default: no password is asked for."
    )
    rate_limit: RateLimit = Field(default_factory=RateLimit, description="How many requests are answered.")
