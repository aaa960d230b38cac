"""Certificates, and a client over TLS that can do what the ssl module's own cannot."""

from __future__ import annotations

import io
import socket
import ssl
from contextlib import suppress
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, cast

import trustme
from cryptography import x509
from cryptography.hazmat.primitives import hashes
from cryptography.hazmat.primitives.serialization import Encoding, load_pem_private_key

if TYPE_CHECKING:
    from collections.abc import Callable
    from pathlib import Path

SERVER = "localhost"


@dataclass(frozen=True)
class Pair:
    """A certificate and its key, as files."""

    cert: Path
    key: Path


class Authority:
    """A CA whose certificate is in ``directory``, and what it issues."""

    def __init__(self, directory: Path, name: str = "ca") -> None:
        self._ca = trustme.CA()
        self._directory = directory
        self._count = 0
        self.file = directory / f"{name}.pem"
        self._ca.cert_pem.write_to_path(str(self.file))

    @property
    def pem(self) -> str:
        return self._ca.cert_pem.bytes().decode()

    def issue(self, *names: str) -> Pair:
        """Return a new certificate for names, which may be host names, IP addresses, e-mail addresses."""
        issued = self._ca.issue_cert(*(names or (SERVER, "127.0.0.1", "::1")))
        self._count += 1
        pair = Pair(*(self._directory / f"{self.file.stem}-{self._count}-{part}.pem" for part in ("cert", "key")))
        pair.cert.write_bytes(b"".join(pem.bytes() for pem in issued.cert_chain_pems))
        issued.private_key_pem.write_to_path(str(pair.key))
        return pair

    def issue_with_names(self, encoded: bytes) -> Pair:
        """Return a new certificate with just these bytes as its subject alternative names, whatever they are."""
        pair = self.issue()
        usual = x509.load_pem_x509_certificate(pair.cert.read_bytes())
        builder = x509.CertificateBuilder(usual.issuer, usual.subject, usual.public_key(), usual.serial_number)
        builder = builder.not_valid_before(usual.not_valid_before_utc).not_valid_after(usual.not_valid_after_utc)
        names = x509.UnrecognizedExtension(x509.SubjectAlternativeName.oid, encoded)
        key = load_pem_private_key(self._ca.private_key_pem.bytes(), None)
        odd = builder.add_extension(names, critical=False).sign(cast("Any", key), hashes.SHA256())
        pair.cert.write_bytes(odd.public_bytes(Encoding.PEM))
        return pair

    def context(self, own: Pair | None = None) -> ssl.SSLContext:
        """Return how a client connects that trusts the CA, with a certificate of its own or without."""
        context = ssl.create_default_context(cadata=self.pem)
        if own is not None:
            context.load_cert_chain(own.cert, own.key)
        return context


def tls_section(server: Pair, **keys: object) -> str:
    """Return the section of a web configuration file for a server's certificate, with more keys."""
    given = {"cert_file": server.cert, "key_file": server.key, **keys}
    return "tls_server_config:\n" + "".join(f"  {key}: {value}\n" for key, value in given.items())


class TlsSocket:
    """A client's connected socket, with TLS on it. It can close its own direction and go on reading."""

    def __init__(self, sock: socket.socket, context: ssl.SSLContext) -> None:
        self._sock = sock
        # As every client of HTTP does. Else the request waits until the end of the handshake is acknowledged.
        sock.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
        self._incoming, self._outgoing = ssl.MemoryBIO(), ssl.MemoryBIO()
        self._tls = context.wrap_bio(self._incoming, self._outgoing, server_hostname=SERVER)
        try:
            self._do(self._tls.do_handshake)
        except (ssl.SSLEOFError, ssl.SSLZeroReturnError) as error:
            raise ConnectionResetError("closed during the handshake") from error

    def _do(self, operation: Callable[..., Any], *arguments: Any) -> Any:
        while True:
            try:
                result = operation(*arguments)
            except ssl.SSLWantReadError:
                self._flush()
                data = self._sock.recv(1 << 16)
                if data:
                    self._incoming.write(data)
                else:
                    self._incoming.write_eof()
            else:
                self._flush()
                return result

    def _flush(self) -> None:
        if self._outgoing.pending:
            self._sock.sendall(self._outgoing.read())

    @property
    def tls(self) -> ssl.SSLObject:
        return self._tls

    def sendall(self, data: bytes) -> None:
        if data:
            self._do(self._tls.write, data)

    def recv(self, size: int) -> bytes:
        """Return what there is, waiting for the first of it only; nothing at the end."""
        data = b""
        with suppress(ssl.SSLEOFError, ssl.SSLZeroReturnError, ssl.SSLWantReadError):
            data = self._do(self._tls.read, size)
            while data and len(data) < size and (more := self._tls.read(size - len(data))):
                data += more
        return data

    def shutdown(self, how: int) -> None:
        with suppress(ssl.SSLWantReadError):
            self._tls.unwrap()
        self._flush()
        self._sock.shutdown(how)

    def makefile(self, mode: str) -> io.BufferedReader:
        assert mode == "rb"
        return io.BufferedReader(_Reader(self))

    def fileno(self) -> int:
        return self._sock.fileno()

    def setsockopt(self, *arguments: Any) -> None:
        self._sock.setsockopt(*arguments)

    def settimeout(self, seconds: float) -> None:
        self._sock.settimeout(seconds)

    def close(self) -> None:
        self._sock.close()


class _Reader(io.RawIOBase):
    def __init__(self, client: TlsSocket) -> None:
        self._client = client

    def readable(self) -> bool:
        return True

    def readinto(self, buffer: Any) -> int:
        data = self._client.recv(len(buffer))
        buffer[: len(data)] = data
        return len(data)
