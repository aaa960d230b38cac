"""What the pod of ``helm test`` runs: wait until AWS has answered a call for each target, or say for which it has not, and why."""

# ruff: noqa: INP001, T201

import http.client
import re
import socket
import sys
import time
import urllib.parse
import urllib.request

NEVER = "AWS has not answered one call for target {}: nobody watches its tuning jobs"


def pods(url: str) -> list[str]:
    """Return an address of each pod where the name leads to them all, as of shards, else the one that was given."""
    there = urllib.parse.urlsplit(url)
    found = socket.getaddrinfo(there.hostname, there.port, type=socket.SOCK_STREAM, flags=socket.AI_ADDRCONFIG)
    hosts = sorted({str(address[0]) for *_, address in found})
    hosts = [f"[{host}]" if ":" in host else host for host in hosts]
    return [f"http://{host}:{there.port}{there.path}" for host in hosts] if len(hosts) > 1 else [url]


def scrape(url: str) -> str:
    """Return what all pods serve. Exit when one of them serves something else; raise OSError when one does not answer."""
    texts = []
    for pod in pods(url):
        with urllib.request.urlopen(pod, timeout=5) as answer:  # noqa: S310 - the chart's own address
            texts.append(answer.read().decode())
        if "\nsagemaker_tuning_exporter_build_info{" not in texts[-1]:
            sys.exit(f"{pod} is not the exporter's: {texts[-1][:200]}")
    return "".join(texts)


def targets(text: str, family: str) -> set[str]:
    """Return the targets that have a series of a family."""
    return set(re.findall(rf'(?m)^sagemaker_tuning_exporter_{family}{{.*?target="((?:[^"\\]|\\.)*)"', text))


def main(url: str, seconds: float) -> str | None:
    """Wait for so long, print what fails, and return what is wrong, if anything is."""
    deadline = time.monotonic() + seconds
    while True:
        text = ""
        try:
            text = scrape(url)
        except (OSError, http.client.HTTPException) as error:
            trouble: str | None = f"{url} does not answer: {error}"
        else:
            # The counters of a target are there from the start.
            silent = targets(text, "polls_total") - targets(text, "target_last_success_timestamp_seconds")
            trouble = NEVER.format(", ".join(sorted(silent))) if silent else None
        if trouble is None or time.monotonic() > deadline:
            break
        time.sleep(1)
    up = re.findall(r"(?m)^sagemaker_tuning_job_up{.* ([01])$", text)
    print(f"{url}: {len(up)} tuning jobs, {up.count('1')} of them described; what fails:")
    for family in ("sagemaker_tuning_exporter_target_error_info", "sagemaker_tuning_job_error_info"):
        print("\n".join(re.findall(rf"(?m)^{family}{{.*", text)) or f"no {family}")
    return trouble


sys.exit(main(sys.argv[1], float(sys.argv[2])))
