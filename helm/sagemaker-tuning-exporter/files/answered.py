"""What the pod of ``helm test`` runs: wait until AWS has answered a call for each target, or say for which it has not, and why."""

# ruff: noqa: INP001, T201

from __future__ import annotations

import argparse
import base64
import http.client
import re
import socket
import ssl
import sys
import time
import urllib.parse
from pathlib import Path
from typing import NamedTuple

MOST_BYTES = 512 * 1024 * 1024
# Only these lines of an answer are kept, and its first one: the pod has little memory.
READ = (
    b"sagemaker_tuning_exporter_build_info{",
    b"sagemaker_tuning_exporter_polls_total{",
    b"sagemaker_tuning_exporter_target_error_info{",
    b"sagemaker_tuning_exporter_target_last_success_timestamp_seconds{",
    b"sagemaker_tuning_job_error_info{",
    b"sagemaker_tuning_job_up{",
)
NEVER = "AWS has not answered one call for target {}: nobody watches its tuning jobs"
LOCKED = """\
{} asks for a password and this test has none: it saw that the exporter is ready, but not whether AWS answers it.
To see that too, set scrape.basicAuth.secretName to a Secret in this namespace."""
WRONG = (
    "{} refuses the user name and password in the Secret of scrape.basicAuth: are they those of the web configuration?"
)
DEMANDING = """\
{} demands client certificates and this test has none: it saw that the exporter has a good certificate, but not whether AWS answers it.
To see that too, set scrape.tls.certSecretName to a Secret in this namespace."""


class Locked(OSError):
    """The exporter asks for a password, and there is none."""


class Client(NamedTuple):
    """How the exporter is asked: by which URL, with which certificate and password, if any."""

    url: str
    context: ssl.SSLContext | None
    server_name: str
    authorization: str

    def addresses(self) -> list[tuple[str, int]]:
        """Return those that the name leads to: with shards, one for each pod."""
        there = urllib.parse.urlsplit(self.url)
        found = socket.getaddrinfo(there.hostname, there.port, type=socket.SOCK_STREAM, flags=socket.AI_ADDRCONFIG)
        return sorted({(str(address[0]), int(address[1])) for *_, address in found})

    def connect(self, address: tuple[str, int]) -> socket.socket:
        """Return a connection, over TLS if the URL says so. Raise OSError."""
        plain = socket.create_connection(address, timeout=5)
        return self.context.wrap_socket(plain, server_hostname=self.server_name) if self.context else plain

    def get(self, address: tuple[str, int], path: str) -> str:
        """Return what is served under a path. Raise OSError; it is Locked where there is no password to give."""
        there = urllib.parse.urlsplit(self.url)
        connection = http.client.HTTPConnection(there.hostname or "", there.port, timeout=5)
        try:
            connection.sock = self.connect(address)
            connection.request("GET", path, headers={"Authorization": self.authorization} if self.authorization else {})
            answer = connection.getresponse()
            text = kept(answer)
        finally:
            connection.close()
        if answer.status == 401:
            if not self.authorization:
                raise Locked("it asks for a password")
            sys.exit(WRONG.format(self.url))
        if answer.status != 200:
            raise OSError(f"{answer.status} {answer.reason}: {text[:200].strip()}")
        return text


def kept(answer: http.client.HTTPResponse) -> str:
    """Return the first line of an answer, and those that are read here. Raise OSError."""
    lines = [answer.readline(2**16)]
    left = MOST_BYTES
    while left > 0 and (line := answer.readline(2**16)):
        left -= len(line)
        if line.startswith(READ):
            lines.append(line)
    return b"".join(lines).decode(errors="replace")


def client(given: argparse.Namespace) -> Client:
    """Return a client with what lies in the folder of the credentials."""
    folder = given.credentials
    there = urllib.parse.urlsplit(given.url)
    context = None
    if there.scheme == "https":
        authority = folder / "ca.crt"
        has_one = authority.is_file() and authority.stat().st_size > 0
        context = ssl.create_default_context(cafile=authority if has_one else None)
        if given.insecure:
            context.check_hostname = False
            context.verify_mode = ssl.CERT_NONE
        if has_certificate(folder):
            context.load_cert_chain(folder / "tls.crt", folder / "tls.key")
    authorization = ""
    if (folder / "username").is_file():
        pair = (folder / "username").read_bytes() + b":" + (folder / "password").read_bytes()
        authorization = f"Basic {base64.b64encode(pair).decode()}"
    return Client(given.url, context, given.server_name or there.hostname or "", authorization)


def has_certificate(folder: Path) -> bool:
    """Whether there is a client certificate to show."""
    return (folder / "tls.crt").is_file()


def scrape(asked: Client) -> str:
    """Return what all pods serve. Exit when one of them serves something else; raise as ``get`` does."""
    texts = []
    for address in asked.addresses():
        texts.append(asked.get(address, urllib.parse.urlsplit(asked.url).path))
        if "\nsagemaker_tuning_exporter_build_info{" not in texts[-1]:
            sys.exit(f"{asked.url} at {address[0]} is not the exporter's: {visible(texts[-1][:200])}")
    return "".join(texts)


def see_ready(asked: Client) -> None:
    """Return if all pods are ready, which each tells without a password. Raise OSError if not."""
    for address in asked.addresses():
        asked.get(address, urllib.parse.urlsplit(asked.url).path.removesuffix("/metrics") + "/-/ready")


def see_certificate(asked: Client) -> None:
    """Return if all pods have a good certificate. Raise OSError if not."""
    for address in asked.addresses():
        try:
            asked.connect(address).close()
        except ssl.SSLCertVerificationError:
            raise
        except ssl.SSLError:
            pass  # it has seen ours, or rather that there is none


def targets(text: str, family: str) -> set[str]:
    """Return the targets that have a series of a family."""
    return set(re.findall(rf'(?m)^sagemaker_tuning_exporter_{family}{{.*?target="((?:[^"\\]|\\.)*)"', text))


def look(asked: Client, *, blindly: bool) -> tuple[str, str | None]:
    """Return what there is to tell, and what is wrong, if anything is."""
    try:
        if blindly:
            see_certificate(asked)
            return DEMANDING.format(asked.url), None
        # Before that, a pod that has just started may serve nothing of its targets yet.
        see_ready(asked)
        try:
            text = scrape(asked)
        except Locked:
            return LOCKED.format(asked.url), None
    except (OSError, http.client.HTTPException) as error:
        return "", f"{asked.url} does not answer: {error}"
    up = re.findall(r"(?m)^sagemaker_tuning_job_up{.* ([01])$", text)
    told = [f"{asked.url}: {len(up)} tuning jobs, {up.count('1')} of them described; what fails:"]
    told += (
        "\n".join(re.findall(rf"(?m)^{family}{{.*", text)) or f"no {family}"
        for family in ("sagemaker_tuning_exporter_target_error_info", "sagemaker_tuning_job_error_info")
    )
    # The counters of a target are there from the start.
    silent = targets(text, "polls_total") - targets(text, "target_last_success_timestamp_seconds")
    return "\n".join(told), NEVER.format(", ".join(sorted(silent))) if silent else None


def visible(text: str) -> str:
    """Return a text that cannot control a terminal."""
    return "".join(each if each.isprintable() or each == "\n" else ascii(each)[1:-1] for each in text)


def main() -> str | None:
    """Look until nothing is wrong or time is up, print what there is to tell, and return what is wrong."""
    parser = argparse.ArgumentParser()
    parser.add_argument("url", help="of the metrics")
    parser.add_argument("seconds", type=float, help="to wait at most")
    parser.add_argument("--server-name", help="that the certificate must have")
    parser.add_argument("--insecure", action="store_true", help="take any certificate")
    parser.add_argument("--client-certificates", action="store_true", help="the exporter demands one")
    parser.add_argument("--credentials", type=Path, default=Path("/nonexistent"), help="folder of what to show")
    given = parser.parse_args()
    asked = client(given)
    deadline = time.monotonic() + given.seconds
    while True:
        told, trouble = look(asked, blindly=given.client_certificates and not has_certificate(given.credentials))
        if trouble is None or time.monotonic() > deadline:
            break
        time.sleep(1)
    if told:
        print(visible(told))
    return trouble and visible(trouble)


sys.exit(main())
