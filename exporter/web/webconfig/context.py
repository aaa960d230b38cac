"""Makes the TLS context for connections from tls_server_config."""

from __future__ import annotations

import os
import ssl
import warnings
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING

from exporter.config.problem import quote
from exporter.web.webconfig.suites import CIPHERS, CURVES, VERSIONS

if TYPE_CHECKING:
    from collections.abc import Iterator

    from exporter.config.load import Document
    from exporter.config.problem import Problem
    from exporter.web.webconfig.files import Files
    from exporter.web.webconfig.model import TlsServerConfig

_AT = "tls_server_config"
_VERIFY = {
    "NoClientCert": ssl.CERT_NONE,
    "VerifyClientCertIfGiven": ssl.CERT_OPTIONAL,
    "RequireAndVerifyClientCert": ssl.CERT_REQUIRED,
}
_PRIVATE_KEY = b"PRIVATE KEY-----"
_CERTIFICATE = b"-----BEGIN CERTIFICATE-----"
_OLD = ("TLS10", "TLS11")


class ServerTls:
    """Makes a context from the section, and collects all problems."""

    def __init__(self, document: Document, config: TlsServerConfig, files: Files) -> None:
        self.problems: list[Problem] = []
        self._document = document
        self._config = config
        self._files = files

    def context(self) -> ssl.SSLContext | None:
        """Return the context. None if there is a problem."""
        certificate = self._pem("cert", _CERTIFICATE, "a certificate")
        key = self._pem("key", _PRIVATE_KEY, "a private key")
        for name in ("cert", "key"):
            if not self._given(name):
                message = f"neither {name} nor {name}_file is given: write both cert_file and key_file"
                self._complain("", f"{message}, or remove tls_server_config for plain HTTP")
        authorities = self._authorities()
        context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
        self._set_versions(context)
        self._set_ciphers(context)
        self._set_curves(context)
        self._set_options(context)
        if certificate is not None and key is not None:
            self._load_pair(context, certificate, key)
        if authorities is not None:
            self._load_authorities(context, authorities)
        return None if self.problems else context

    def _complain(self, key: str, message: str) -> None:
        self.problems.append(self._document.problem((_AT, key) if key else (_AT,), message))

    def _given(self, name: str) -> bool:
        return getattr(self._config, name) is not None or getattr(self._config, f"{name}_file") is not None

    def _where(self, name: str) -> str:
        """Return the key that is used: the one for a text, else the one for a file."""
        return name if getattr(self._config, name) is not None else f"{name}_file"

    def _pem(self, name: str, marker: bytes, what: str) -> bytes | None:
        """Return the value of ``name``, or the content of the file in ``name_file``. None if neither is given."""
        text, file = getattr(self._config, name), getattr(self._config, f"{name}_file")
        if text is not None and file is not None:
            self._complain(name, f"{name} and {name}_file are both given: remove one of them")
            return None
        if text is not None:
            content, place = text.encode(), "this"
        elif file is not None:
            path = Path(self._document.file).parent / file
            place = str(path)
            try:
                content = self._files.read(path)
            except ValueError as error:
                message = "write the path of a PEM file that the exporter can read, relative to the folder of this file"
                self._complain(f"{name}_file", f"{path} cannot be read ({error}): {message}")
                return None
        else:
            return None
        if marker not in content:
            self._complain(self._where(name), f"{place} contains no PEM of {what}: check that it is the right file")
            return None
        return bytes(content)

    def _authorities(self) -> bytes | None:
        """Return the CAs of client certificates. Report a problem if they contradict client_auth_type."""
        config = self._config
        verifies = config.client_auth_type != "NoClientCert"
        if verifies and not self._given("client_ca"):
            message = f"{config.client_auth_type} needs the CA of the clients' certificates: write client_ca_file"
            self._complain("client_auth_type", message)
        if not verifies and self._given("client_ca"):
            message = "this has no effect, because no client is asked for a certificate: write client_auth_type: RequireAndVerifyClientCert"
            self._complain(self._where("client_ca"), message)
        if config.client_allowed_sans and config.client_auth_type != "RequireAndVerifyClientCert":
            message = "client_allowed_sans needs a certificate from every client: write client_auth_type: RequireAndVerifyClientCert"
            self._complain("client_allowed_sans", message)
        return self._pem("client_ca", _CERTIFICATE, "a CA's certificate")

    def _set_versions(self, context: ssl.SSLContext) -> None:
        least, most = self._config.min_version, self._config.max_version
        names = list(VERSIONS)
        if names.index(least) > names.index(most):
            given = "min_version" if "min_version" in self._config.model_fields_set else "max_version"
            self._complain(given, f"the oldest version, {least}, is newer than the newest, {most}: swap or remove one")
            return
        with warnings.catch_warnings():
            # If you write TLS10 or TLS11, you know that it is old.
            warnings.simplefilter("ignore", DeprecationWarning)
            context.maximum_version = ssl.TLSVersion.MAXIMUM_SUPPORTED
            context.minimum_version = VERSIONS[least]
            context.maximum_version = VERSIONS[most]

    def _set_ciphers(self, context: ssl.SSLContext) -> None:
        wanted = self._config.cipher_suites
        names = [CIPHERS[name] for name in wanted if name in CIPHERS]
        if wanted and not names and self._config.min_version != "TLS13":
            message = "only cipher suites of TLS 1.3 are listed, and these are always on: list one of TLS 1.2 too, or write min_version: TLS13"
            self._complain("cipher_suites", message)
        # OpenSSL 3 supports TLS 1.0 and 1.1 only at security level 0, because their signatures use SHA-1.
        level = ["@SECLEVEL=0"] if self._config.min_version in _OLD else []
        if not names and not level:
            return
        try:
            context.set_ciphers(":".join([*(names or CIPHERS.values()), *level]))
        except ssl.SSLError:
            self._complain(
                "cipher_suites", "this machine's OpenSSL offers none of these: list others, or remove the key"
            )

    def _set_curves(self, context: ssl.SSLContext) -> None:
        wanted = [CURVES[name] for name in self._config.curve_preferences]
        set_groups = getattr(context, "set_groups", None)
        try:
            if len(wanted) == 1:
                context.set_ecdh_curve(wanted[0])
            elif wanted and set_groups is not None:
                set_groups(":".join(wanted))
            elif wanted:
                first = quote(self._config.curve_preferences[0])
                message = f"several curves can be set from Python 3.15 on: write one, for example {first}, or remove the key for all"
                self._complain("curve_preferences", message)
        except (ssl.SSLError, ValueError):
            self._complain(
                "curve_preferences", "this machine's OpenSSL does not offer it: write CurveP256, or remove the key"
            )

    def _set_options(self, context: ssl.SSLContext) -> None:
        context.verify_mode = _VERIFY[self._config.client_auth_type]
        # As in Go, an intermediate CA may be trusted without its root.
        context.verify_flags |= ssl.VERIFY_X509_PARTIAL_CHAIN
        context.options |= ssl.OP_NO_RENEGOTIATION
        if self._config.prefer_server_cipher_suites:
            context.options |= ssl.OP_CIPHER_SERVER_PREFERENCE
        else:
            context.options &= ~ssl.OP_CIPHER_SERVER_PREFERENCE
        context.set_alpn_protocols(["http/1.1"])
        # A resumed session does not check the client's certificate again. Scrapers keep their connections instead.
        context.num_tickets = 0

    def _load_pair(self, context: ssl.SSLContext, certificate: bytes, key: bytes) -> None:
        def passphrase() -> str:
            raise _EncryptedKeyError

        try:
            with _as_file(certificate) as certificate_file, _as_file(key) as key_file:
                context.load_cert_chain(certificate_file, key_file, passphrase)
        except _EncryptedKeyError:
            message = "the key has a passphrase, and the exporter cannot ask you for it: write the key without one, with `openssl pkey -in KEY -out NEW`"
            self._complain(self._where("key"), message)
        except ssl.SSLError as error:
            self._complain(*self._trouble_of_pair(error))
        except OSError as error:
            self._complain(
                self._where("cert"), f"certificate and key cannot be loaded ({error.strerror}): check the files"
            )

    def _trouble_of_pair(self, error: ssl.SSLError) -> tuple[str, str]:
        """Return the key that is wrong, and why."""
        certificate, key, reason = self._where("cert"), self._where("key"), error.reason or "broken"
        if reason in {"KEY_VALUES_MISMATCH", "KEY_TYPE_MISMATCH"}:
            return key, f"this is not the key of the certificate of {certificate}: give a pair that belongs together"
        if reason in {"EE_KEY_TOO_SMALL", "CA_MD_TOO_WEAK", "CA_KEY_TOO_SMALL"}:
            return certificate, f"OpenSSL finds it too weak ({reason}): have one made with a longer key and SHA-256"
        return certificate, f"certificate and key are not valid PEM ({reason}): write both again, complete"

    def _load_authorities(self, context: ssl.SSLContext, authorities: bytes) -> None:
        try:
            # There may be comments in any language between the certificates.
            context.load_verify_locations(cadata=authorities.decode("ascii", "ignore"))
        except ssl.SSLError as error:
            message = f"the CA is not valid PEM ({error.reason or 'broken'}): write the whole certificate"
            self._complain(self._where("client_ca"), message)


class _EncryptedKeyError(Exception):
    """A private key needs a passphrase."""


@contextmanager
def _as_file(content: bytes) -> Iterator[str]:
    """Return the path of a file in memory with this content, because the ssl module reads certificates only from files.

    So the loaded content is the one that was read and compared, and a key in the configuration is never written to disk.
    """
    descriptor = os.memfd_create("pem", os.MFD_CLOEXEC)
    try:
        with os.fdopen(os.dup(descriptor), "wb") as file:
            file.write(content)
        yield f"/proc/self/fd/{descriptor}"
    finally:
        os.close(descriptor)
