"""Each key of tls_server_config, by the handshakes that it lets come about."""

from __future__ import annotations

import ssl
import subprocess
import warnings
from datetime import UTC, datetime, timedelta
from pathlib import Path
from types import SimpleNamespace
from typing import Annotated

import pytest
import trustme
from cryptography import x509
from cryptography.hazmat.primitives import hashes
from cryptography.hazmat.primitives.asymmetric import rsa
from cryptography.hazmat.primitives.serialization import Encoding, NoEncryption, PrivateFormat
from pydantic import TypeAdapter, ValidationError
from support.tls import SERVER, Authority
from support.tools import require

from exporter.config.load import load
from exporter.web.webconfig import context as module
from exporter.web.webconfig.context import ServerTls
from exporter.web.webconfig.files import Files
from exporter.web.webconfig.model import TlsServerConfig, versions
from exporter.web.webconfig.sans import sans
from exporter.web.webconfig.suites import CIPHERS, CURVES

CERTIFICATE = "  cert_file: cert.pem\n  key_file: key.pem\n"
TLS = "tls_server_config:\n" + CERTIFICATE
CLIENTS = TLS + "  client_ca_file: ca.pem\n  client_auth_type: RequireAndVerifyClientCert\n"


def handshake(server: ssl.SSLContext, client: ssl.SSLContext) -> tuple[ssl.SSLObject, ssl.SSLObject]:
    """Return both ends after a handshake in memory. Raise ssl.SSLError when it comes to nothing."""
    up, down = ssl.MemoryBIO(), ssl.MemoryBIO()
    ours = server.wrap_bio(up, down, server_side=True)
    theirs = client.wrap_bio(down, up, server_hostname=SERVER)
    waiting = [theirs, ours]
    for _ in range(20):
        for end in list(waiting):
            try:
                end.do_handshake()
            except ssl.SSLWantReadError:
                continue
            waiting.remove(end)
        if not waiting:
            return ours, theirs
    raise AssertionError("the handshake does not end")


def chosen(server: ssl.SSLContext, client: ssl.SSLContext) -> str:
    """Return the cipher suite that a handshake agrees on."""
    cipher = handshake(server, client)[0].cipher()
    assert cipher is not None
    return cipher[0]


@pytest.fixture
def authority(tmp_path: Path) -> Authority:
    return Authority(tmp_path)


@pytest.fixture
def trusting(folder: Path):
    """Make contexts of clients that trust the CA of the prepared folder."""

    def make(cert: tuple[Path, Path] | None = None) -> ssl.SSLContext:
        context = ssl.create_default_context(cafile=folder / "ca.pem")
        if cert is not None:
            context.load_cert_chain(*cert)
        return context

    return make


def test_cert_file_and_key_file(settings, trusting) -> None:
    ours, theirs = handshake(settings(TLS).context, trusting())
    assert theirs.version() == ours.version() == "TLSv1.3"
    assert sans(theirs.getpeercert()) == {SERVER, "127.0.0.1", "::1"}


def test_cert_and_key_inline(folder: Path, settings, trusting) -> None:
    def inline(name: str, file: str) -> str:
        lines = (folder / file).read_text().splitlines()
        return f"  {name}: |\n" + "".join(f"    {line}\n" for line in lines)

    text = "tls_server_config:\n" + inline("cert", "cert.pem") + inline("key", "key.pem")
    handshake(settings(text).context, trusting())
    text = CLIENTS.replace("  client_ca_file: ca.pem\n", inline("client_ca", "ca.pem"))
    assert settings(text).context.get_ca_certs()


def test_a_key_leaves_no_file_behind(folder: Path, settings) -> None:
    before = set(Path("/proc/self/fd").iterdir())
    settings(CLIENTS)
    assert len(set(Path("/proc/self/fd").iterdir()) - before) <= 1  # that of listing them


@pytest.mark.parametrize(
    ("kind", "without", "stranger"),
    [
        ("NoClientCert", True, True),
        ("VerifyClientCertIfGiven", True, False),
        ("RequireAndVerifyClientCert", False, False),
    ],
)
def test_client_auth_type(
    folder: Path, settings, trusting, authority: Authority, kind: str, without: bool, stranger: bool
) -> None:
    ca = "" if kind == "NoClientCert" else "  client_ca_file: clients.pem\n"
    (folder / "clients.pem").write_text(authority.pem)
    server = settings(TLS + ca + f"  client_auth_type: {kind}\n").context
    own, other = authority.issue("client.example"), Authority(folder, "stranger").issue("client.example")
    ours, _ = handshake(server, trusting((own.cert, own.key)))
    assert sans(ours.getpeercert()) == (set() if kind == "NoClientCert" else {"client.example"})
    for client, passes in ((trusting(), without), (trusting((other.cert, other.key)), stranger)):
        if passes:
            handshake(server, client)
        else:
            with pytest.raises(ssl.SSLError):
                handshake(server, client)


def test_client_allowed_sans(settings) -> None:
    found = settings(CLIENTS + "  client_allowed_sans: [prometheus.example, '2001:DB8:0::1', spiffe://x/y]\n")
    assert found.allowed_sans == {"prometheus.example", "2001:db8::1", "spiffe://x/y"}
    assert found.summary() == "https, client certificates required, allowed SANs: 3, no passwords"


@pytest.mark.parametrize(
    ("least", "most", "offers"),
    [
        ("TLS12", "TLS13", {"TLSv1_2", "TLSv1_3"}),
        ("TLS13", "TLS13", {"TLSv1_3"}),
        ("TLS12", "TLS12", {"TLSv1_2"}),
        ("TLS10", "TLS13", {"TLSv1", "TLSv1_1", "TLSv1_2", "TLSv1_3"}),
        ("TLS11", "TLS12", {"TLSv1_1", "TLSv1_2"}),
        ("TLS10", "TLS11", {"TLSv1", "TLSv1_1"}),
    ],
)
def test_min_version_and_max_version(settings, trusting, least: str, most: str, offers: set[str]) -> None:
    if not ssl.HAS_TLSv1 and least == "TLS10":
        pytest.skip("this machine's OpenSSL has no TLS 1.0")
    server = settings(TLS + f"  min_version: {least}\n  max_version: {most}\n").context
    for name in ("TLSv1", "TLSv1_1", "TLSv1_2", "TLSv1_3"):
        client = trusting()
        with warnings.catch_warnings():
            warnings.simplefilter("ignore", DeprecationWarning)
            client.maximum_version = ssl.TLSVersion.MAXIMUM_SUPPORTED
            client.minimum_version = client.maximum_version = ssl.TLSVersion[name]
        client.set_ciphers("ALL:@SECLEVEL=0")
        if name in offers:
            handshake(server, client)
        else:
            with pytest.raises(ssl.SSLError):
                handshake(server, client)


@pytest.mark.parametrize("name", CIPHERS)
def test_cipher_suites(settings, name: str) -> None:
    server = settings(TLS + f"  cipher_suites: [{name}]\n").context
    assert [each["name"] for each in server.get_ciphers() if each["protocol"] != "TLSv1.3"] == [CIPHERS[name]]


def test_a_cipher_suite_that_is_not_listed_is_not_taken(settings, trusting) -> None:
    server = settings(
        TLS + "  max_version: TLS12\n  cipher_suites: [TLS_ECDHE_ECDSA_WITH_AES_256_GCM_SHA384]\n"
    ).context
    client = trusting()
    client.set_ciphers("ECDHE-ECDSA-AES128-GCM-SHA256")
    with pytest.raises(ssl.SSLError):
        handshake(server, client)
    client.set_ciphers("ECDHE-ECDSA-AES128-GCM-SHA256:ECDHE-ECDSA-AES256-GCM-SHA384")
    assert chosen(server, client) == "ECDHE-ECDSA-AES256-GCM-SHA384"


@pytest.mark.parametrize(
    ("prefer", "taken"), [("true", "ECDHE-ECDSA-AES256-GCM-SHA384"), ("false", "ECDHE-ECDSA-AES128-GCM-SHA256")]
)
def test_prefer_server_cipher_suites(settings, trusting, prefer: str, taken: str) -> None:
    suites = "TLS_ECDHE_ECDSA_WITH_AES_256_GCM_SHA384, TLS_ECDHE_ECDSA_WITH_AES_128_GCM_SHA256"
    server = settings(
        TLS + f"  max_version: TLS12\n  cipher_suites: [{suites}]\n  prefer_server_cipher_suites: {prefer}\n"
    ).context
    client = trusting()
    client.set_ciphers("ECDHE-ECDSA-AES128-GCM-SHA256:ECDHE-ECDSA-AES256-GCM-SHA384")
    assert chosen(server, client) == taken


@pytest.mark.parametrize("name", CURVES)
def test_one_of_curve_preferences(settings, trusting, name: str) -> None:
    server = settings(TLS + f"  curve_preferences: [{name}]\n").context
    client = trusting()
    handshake(server, client)
    other = next(each for each in ("prime256v1", "secp384r1") if each != CURVES[name])
    client.set_ecdh_curve(other)
    with pytest.raises(ssl.SSLError):
        handshake(server, client)


def test_several_of_curve_preferences(reading) -> None:
    text = TLS + "  curve_preferences: [X25519, CurveP256]\n"
    if not hasattr(ssl.SSLContext, "set_groups"):
        [problem] = reading(text).problems
        assert problem.path == "tls_server_config.curve_preferences"
        assert 'write one, for example "X25519", or remove the key for all' in problem.message
    else:
        assert reading(text).problems == ()


def test_nobody_renegotiates_and_no_session_is_resumed(settings) -> None:
    server = settings(TLS).context
    assert server.options & ssl.OP_NO_RENEGOTIATION
    assert server.num_tickets == 0


def test_a_ca_in_between_may_be_trusted_alone(folder: Path, settings, trusting) -> None:
    middle = trustme.CA().create_child_ca()
    (folder / "middle.pem").write_bytes(middle.cert_pem.bytes())
    issued = middle.issue_cert("client.example")
    (folder / "c.pem").write_bytes(issued.cert_chain_pems[0].bytes())
    issued.private_key_pem.write_to_path(str(folder / "k.pem"))
    server = settings(CLIENTS.replace("ca.pem", "middle.pem")).context
    handshake(server, trusting((folder / "c.pem", folder / "k.pem")))


@pytest.mark.parametrize(
    ("text", "path", "told"),
    [
        ("tls_server_config: {cert_file: cert.pem}\n", "tls_server_config", "neither key nor key_file is given"),
        ("tls_server_config: {key_file: key.pem}\n", "tls_server_config", "neither cert nor cert_file is given"),
        (TLS + '  cert: "-----BEGIN CERTIFICATE-----"\n', "tls_server_config.cert", "both given: remove one"),
        (TLS + '  key: "-----BEGIN PRIVATE KEY-----"\n', "tls_server_config.key", "both given: remove one"),
        (CLIENTS + '  client_ca: "-----BEGIN CERTIFICATE-----"\n', "tls_server_config.client_ca", "both given"),
        (TLS.replace("cert.pem", "none.pem"), "tls_server_config.cert_file", "none.pem cannot be read (No such file"),
        (TLS.replace("cert.pem", "."), "tls_server_config.cert_file", "cannot be read (Is a directory)"),
        (TLS.replace("cert.pem", "key.pem"), "tls_server_config.cert_file", "contains no PEM of a certificate"),
        (TLS.replace("key.pem", "cert.pem"), "tls_server_config.key_file", "contains no PEM of a private key"),
        (TLS.replace("key.pem", "other.pem"), "tls_server_config.key_file", "not the key of the certificate of cert_file"),
        (TLS.replace("key.pem", "broken.pem"), "tls_server_config.cert_file", "not valid PEM"),
        (TLS.replace("key.pem", "locked.pem"), "tls_server_config.key_file", "has a passphrase"),
        (CLIENTS.replace("ca.pem", "broken-ca.pem"), "tls_server_config.client_ca_file", "the CA is not valid PEM"),
        (TLS + "  client_auth_type: RequireAndVerifyClientCert\n", "tls_server_config.client_auth_type",
         "needs the CA of the clients' certificates: write client_ca_file"),
        (TLS + "  client_auth_type: VerifyClientCertIfGiven\n", "tls_server_config.client_auth_type", "needs the CA"),
        (TLS + "  client_ca_file: ca.pem\n", "tls_server_config.client_ca_file",
         "write client_auth_type: RequireAndVerifyClientCert"),
        (CLIENTS.replace("RequireAndVerifyClientCert", "NoClientCert"), "tls_server_config.client_ca_file", "write client_auth"),
        (CLIENTS.replace("RequireAndVerify", "Verify").replace("Cert\n", "CertIfGiven\n") + "  client_allowed_sans: [a]\n",
         "tls_server_config.client_allowed_sans", "write client_auth_type: RequireAndVerifyClientCert"),
        (TLS + "  min_version: TLS13\n  max_version: TLS12\n", "tls_server_config.min_version", "swap or remove one"),
        (TLS + "  max_version: TLS11\n", "tls_server_config.max_version", "swap or remove one"),
        (TLS + "  cipher_suites: [TLS_AES_128_GCM_SHA256]\n", "tls_server_config.cipher_suites",
         "list one of TLS 1.2 too, or write min_version: TLS13"),
    ],
)  # fmt: skip
def test_what_contradicts_itself_or_cannot_be_loaded_is_told(
    folder: Path, reading, text: str, path: str, told: str
) -> None:
    key = (folder / "key.pem").read_text()
    (folder / "broken.pem").write_text(key.replace("\n", "\n!!!!", 2))
    (folder / "broken-ca.pem").write_text("-----BEGIN CERTIFICATE-----\nAAAA\n-----END CERTIFICATE-----\n")
    if "locked" in text:
        lock(folder)
    found = reading(text)
    assert found.settings is None
    [problem] = found.problems
    assert problem.path == path
    assert told in problem.message


def test_a_section_without_certificate_and_key_is_not_plain_http(reading) -> None:
    found = reading("tls_server_config: {}\n")
    assert found.settings is None
    assert [problem.message.partition(":")[0] for problem in found.problems] == [
        "neither cert nor cert_file is given",
        "neither key nor key_file is given",
    ]


def test_http_1_1_is_what_is_agreed_on(settings, trusting) -> None:
    client = trusting()
    client.set_alpn_protocols(["h2", "http/1.1"])
    assert handshake(settings(TLS).context, client)[0].selected_alpn_protocol() == "http/1.1"
    client.set_alpn_protocols(["h2"])
    assert handshake(settings(TLS).context, client)[0].selected_alpn_protocol() is None


def lock(folder: Path) -> None:
    openssl = require("openssl")
    subprocess.run(
        [openssl, "pkey", "-in", folder / "key.pem", "-aes256", "-passout", "pass:x", "-out", folder / "locked.pem"],
        check=True,
        capture_output=True,
    )


def test_a_version_that_openssl_lacks_is_refused_by_name() -> None:
    adapter = TypeAdapter(Annotated[str, versions({"TLS10": False, "TLS11": False, "TLS12": True, "TLS13": True})])
    assert adapter.validate_python("TLS12") == "TLS12"
    with pytest.raises(
        ValidationError, match='"TLS11" is not offered by this machine\'s OpenSSL: write TLS12 or TLS13'
    ):
        adapter.validate_python("TLS11")


def test_comments_between_the_cas_may_be_in_any_language(folder: Path, settings) -> None:
    (folder / "ca.pem").write_text("# für Prometheus\n" + (folder / "ca.pem").read_text())
    assert len(settings(CLIENTS).context.get_ca_certs()) == 1


def test_from_python_3_15_on_several_curves_are_set_in_their_order() -> None:
    document = load("tls_server_config: {}\n", "c")
    config = TlsServerConfig(curve_preferences=["X25519", "CurveP256"])
    groups: list[str] = []
    tls = ServerTls(document, config, Files())
    tls._set_curves(SimpleNamespace(set_groups=groups.append))  # type: ignore[arg-type]
    assert groups == ["X25519:prime256v1"]
    assert tls.problems == []


def test_what_this_openssl_does_not_offer_is_told(reading, monkeypatch: pytest.MonkeyPatch) -> None:
    name = next(iter(CIPHERS))
    monkeypatch.setattr(module, "CIPHERS", {name: "NO-SUCH-CIPHER"})
    monkeypatch.setattr(module, "CURVES", {"X25519": "no-such-curve"})
    found = reading(TLS + f"  cipher_suites: [{name}]\n  curve_preferences: [X25519]\n")
    assert [(each.path, each.message.partition(":")[0]) for each in found.problems] == [
        ("tls_server_config.cipher_suites", "this machine's OpenSSL offers none of these"),
        ("tls_server_config.curve_preferences", "this machine's OpenSSL does not offer it"),
    ]


def test_a_key_that_is_too_short_is_told(folder: Path, reading) -> None:
    key = rsa.generate_private_key(65537, 1024)
    name = x509.Name([x509.NameAttribute(x509.NameOID.COMMON_NAME, SERVER)])
    began = datetime(2026, 1, 1, tzinfo=UTC)
    builder = x509.CertificateBuilder(name, name, key.public_key(), 1, began, began + timedelta(days=3650))
    (folder / "cert.pem").write_bytes(builder.sign(key, hashes.SHA256()).public_bytes(Encoding.PEM))
    (folder / "key.pem").write_bytes(key.private_bytes(Encoding.PEM, PrivateFormat.PKCS8, NoEncryption()))
    [problem] = reading(TLS).problems
    assert problem.path == "tls_server_config.cert_file"
    assert "too weak (EE_KEY_TOO_SMALL)" in problem.message
