"""How the exporter is reached, where it serves HTTPS, asks for passwords, or stands under a path: all else follows."""

from __future__ import annotations

import json
import signal
import sys
from pathlib import Path
from typing import Any, get_args

import pytest
import yaml
from chart.rendering import HELMS, container, find, helm_test, manifests, notes, pod, template, the
from helm_chart.values import CHART
from support.processes import Child
from support.web import get

pytestmark = pytest.mark.xdist_group("helm")

FOLDER = "/etc/sagemaker-tuning-exporter-web"
HASH = "$2y$10$abcdefghijklmnopqrstuuVGZzhGZ1ZmVYC2cKqv2dPjcyQVCT8nK"
PREFIX = "/ml/tuning"


def rendered(tmp_path: Path, **given: Any) -> list[dict[str, Any]]:
    """Return the manifests of the demo with some values."""
    file = tmp_path / "values.yaml"
    file.write_text(yaml.safe_dump({"demo": {"enabled": True}, **given}), encoding="utf-8")
    done = template(HELMS[1], "--values", file)
    assert done.returncode == 0, done.stderr
    return [each for each in yaml.safe_load_all(done.stdout) if each]


def exporter(made: list[dict[str, Any]]) -> dict[str, Any]:
    """Return the exporter's container."""
    [workload] = [each for each in made if each["kind"] in {"Deployment", "StatefulSet"}]
    found: dict[str, Any] = workload["spec"]["template"]["spec"]["containers"][0]
    return found


def web_config(case: str) -> dict[str, Any]:
    """Return the web configuration that a case makes."""
    [secret] = [each for each in find(case, "Secret") if each["metadata"]["name"].endswith("-web")]
    [(name, text)] = secret["stringData"].items()
    assert name == "web-config.yaml"
    found: dict[str, Any] = yaml.safe_load(text)
    return found


def web_flags(case: str) -> list[str]:
    return [each for each in container(case)["args"] if each.startswith("--web.") and "listen-address" not in each]


def test_nothing_of_it_is_made_unless_asked_for() -> None:
    assert web_flags("minimal") == []
    assert not find("minimal", "Secret")
    assert [each["name"] for each in pod("minimal")["volumes"]] == ["config"]
    assert container("minimal")["readinessProbe"]["httpGet"] == {"path": "/-/ready", "port": "http"}
    assert the("minimal", "Service")["spec"]["ports"][0]["name"] == "http"
    [test] = find("minimal", "Pod")
    assert "volumes" not in test["spec"]


class TestPasswordsAndHttps:
    """The case protected."""

    def test_the_exporter_is_told(self) -> None:
        assert web_flags("protected") == [
            "--web.external-url=https://monitoring.example.internal/ml/tuning/",
            "--web.disable-pages",
            f"--web.config.file={FOLDER}/web-config.yaml",
        ]

    def test_the_web_configuration_is_a_secret_with_the_certificate_written_in(self) -> None:
        assert web_config("protected") == {
            "basic_auth_users": {"prometheus": HASH},
            "tls_server_config": {"min_version": "TLS13", "cert_file": "tls.crt", "key_file": "tls.key"},
            "http_server_config": {"headers": {"Strict-Transport-Security": "max-age=31536000"}},
            "rate_limit": {"interval": "100ms", "burst": 50},
        }
        for each in manifests("protected"):
            assert HASH not in yaml.safe_dump(each) or each["kind"] == "Secret"

    def test_it_lies_beside_the_certificate_in_one_folder_that_changes_as_a_whole(self) -> None:
        [volume] = [each for each in pod("protected")["volumes"] if each["name"] == "web"]
        [own] = [each["metadata"]["name"] for each in find("protected", "Secret")]
        assert volume["projected"] == {
            "defaultMode": 0o440,
            "sources": [
                {"secret": {"name": own, "items": [{"key": "web-config.yaml", "path": "web-config.yaml"}]}},
                {
                    "secret": {
                        "name": "tuning-tls",
                        "items": [{"key": "tls.crt", "path": "tls.crt"}, {"key": "tls.key", "path": "tls.key"}],
                    }
                },
                {"secret": {"name": "tuning-tls", "optional": True, "items": [{"key": "ca.crt", "path": "ca.crt"}]}},
            ],
        }
        [mount] = [each for each in container("protected")["volumeMounts"] if each["name"] == "web"]
        assert mount == {"name": "web", "mountPath": FOLDER, "readOnly": True}

    def test_probes_follow(self) -> None:
        own = container("protected")
        asked = {"startupProbe": "healthy", "livenessProbe": "healthy", "readinessProbe": "ready"}
        for probe, name in asked.items():
            assert own[probe]["httpGet"] == {"path": f"{PREFIX}/-/{name}", "port": "http", "scheme": "HTTPS"}
        assert own["livenessProbe"]["failureThreshold"] == 6
        assert own["ports"][0]["name"] == "http"

    def test_the_service_and_the_ingress_follow(self) -> None:
        [port] = the("protected", "Service")["spec"]["ports"]
        assert (port["name"], port["targetPort"]) == ("https", "http")
        [path] = the("protected", "Ingress")["spec"]["rules"][0]["http"]["paths"]
        assert path["path"] == PREFIX
        assert path["backend"]["service"]["port"] == {"name": "https"}

    def test_the_service_monitor_follows(self) -> None:
        [endpoint] = the("protected", "ServiceMonitor")["spec"]["endpoints"]
        service = the("protected", "Service")["metadata"]
        assert endpoint == {
            "port": "https",
            "path": f"{PREFIX}/metrics",
            "scheme": "https",
            "tlsConfig": {
                "serverName": f"{service['name']}.{service['namespace']}.svc",
                "ca": {"secret": {"name": "tuning-tls", "key": "ca.crt"}},
            },
            "basicAuth": {
                "username": {"name": "tuning-scrape", "key": "user"},
                "password": {"name": "tuning-scrape", "key": "pass"},
            },
            "honorLabels": True,
        }

    def test_helms_test_follows(self) -> None:
        spec = the("protected", "Pod")["spec"]
        service = the("protected", "Service")
        name = f"{service['metadata']['name']}.{service['metadata']['namespace']}.svc"
        url = f"https://{name}:{service['spec']['ports'][0]['port']}{PREFIX}/metrics"
        folder = spec["containers"][0]["volumeMounts"][0]["mountPath"]
        assert spec["containers"][0]["command"][3:] == [
            url, "90", f"--server-name={name}", f"--credentials={folder}",
        ]  # fmt: skip
        sources = [each["secret"] for each in spec["volumes"][0]["projected"]["sources"]]
        # A Secret that is not there must not keep the test from telling so.
        assert all(each["optional"] for each in sources)
        assert {each["name"]: [item["path"] for item in each["items"]] for each in sources} == {
            "tuning-tls": ["ca.crt"],
            "tuning-scrape": ["username", "password"],
        }


class TestClientCertificates:
    """The case certificates."""

    def test_they_are_written_into_the_web_configuration(self) -> None:
        assert web_config("certificates") == {
            "tls_server_config": {
                "cert_file": "tls.crt",
                "key_file": "tls.key",
                "client_ca_file": "ca.crt",
                "client_auth_type": "RequireAndVerifyClientCert",
                "client_allowed_sans": ["prometheus.monitoring.svc"],
            }
        }

    def test_probes_that_could_not_show_one_see_whether_the_port_is_open(self) -> None:
        own = container("certificates")
        assert own["livenessProbe"] == {
            "tcpSocket": {"port": 8443},
            "periodSeconds": 20,
            "timeoutSeconds": 5,
            "failureThreshold": 6,
        }

    def test_probes_of_something_else_stay(self) -> None:
        own = container("certificates")
        assert own["startupProbe"]["httpGet"] == {"path": "/started", "port": 9000}
        assert own["readinessProbe"]["exec"] == {"command": ["/bin/ready"]}

    def test_the_pod_monitor_shows_one(self) -> None:
        [endpoint] = the("certificates", "PodMonitor")["spec"]["podMetricsEndpoints"]
        assert endpoint == {
            "port": container("certificates")["ports"][0]["name"],
            "path": "/tuning/metrics",
            "scheme": "https",
            "tlsConfig": {
                "serverName": "tuning.example.internal",
                "ca": {"secret": {"name": "company-ca", "key": "bundle.pem"}},
                "cert": {"secret": {"name": "prometheus-tls", "key": "tls.crt"}},
                "keySecret": {"name": "prometheus-tls", "key": "tls.key"},
            },
        }

    def test_helms_test_shows_one(self) -> None:
        spec = the("certificates", "Pod")["spec"]
        flags = [each.partition("=")[0] for each in spec["containers"][0]["command"][5:]]
        assert flags == ["--server-name", "--client-certificates", "--credentials"]
        sources = [each["secret"] for each in spec["volumes"][0]["projected"]["sources"]]
        assert {each["name"]: [item["path"] for item in each["items"]] for each in sources} == {
            "company-ca": ["ca.crt"],
            "prometheus-tls": ["tls.crt", "tls.key"],
        }
        assert sources[0]["items"][0]["key"] == "bundle.pem"

    def test_they_are_seen_in_the_web_configuration(self, tmp_path: Path) -> None:
        section = {"cert_file": "/tls/tls.crt", "key_file": "/tls/tls.key", "client_ca_file": "/tls/ca.crt"}
        demanding = {"client_auth_type": "RequireAndVerifyClientCert"}
        for given, kind in ((section, "httpGet"), (section | demanding, "tcpSocket")):
            own = exporter(rendered(tmp_path, web={"config": {"tls_server_config": given}}))
            assert kind in own["readinessProbe"]


def test_certificates_that_may_be_left_out_are_checked_against_the_same_authority(tmp_path: Path) -> None:
    config = {"tls_server_config": {"client_auth_type": "VerifyClientCertIfGiven"}}
    made = rendered(tmp_path, web={"tls": {"secretName": "x"}, "config": config})
    [secret] = [each for each in made if each["kind"] == "Secret"]
    section = yaml.safe_load(secret["stringData"]["web-config.yaml"])["tls_server_config"]
    assert section["client_ca_file"] == "ca.crt"
    assert "httpGet" in exporter(made)["livenessProbe"]


def test_an_existing_secret_is_mounted_and_what_it_says_is_told_by_values() -> None:
    [volume] = [each for each in pod("existing")["volumes"] if each["name"] == "web"]
    items = [{"key": "web.yaml", "path": "web-config.yaml"}]
    assert volume["projected"]["sources"] == [{"secret": {"name": "tuning-web", "items": items}}]
    assert not find("existing", "Secret")
    assert f"--web.config.file={FOLDER}/web-config.yaml" in container("existing")["args"]
    assert container("existing")["livenessProbe"]["httpGet"]["scheme"] == "HTTPS"
    [endpoint] = the("existing", "ServiceMonitor")["spec"]["endpoints"]
    assert endpoint["tlsConfig"] == {"insecureSkipVerify": True}


def test_a_certificate_that_everyone_trusts_needs_no_authority(tmp_path: Path) -> None:
    made = rendered(
        tmp_path, web={"tls": {"secretName": "x"}}, scrape={"tls": {"caKey": ""}}, serviceMonitor={"enabled": True}
    )
    [monitor] = [each for each in made if each["kind"] == "ServiceMonitor"]
    assert "ca" not in monitor["spec"]["endpoints"][0]["tlsConfig"]
    [test] = [each for each in made if each["kind"] == "Pod"]
    assert "volumes" not in test["spec"]


def test_a_monitor_that_is_told_otherwise_does_otherwise(tmp_path: Path) -> None:
    own = {"authorization": {"credentials": {"name": "token", "key": "token"}}, "tlsConfig": {"serverName": "other"}}
    made = rendered(
        tmp_path,
        web={"tls": {"secretName": "x"}, "config": {"basic_auth_users": {"a": HASH}}},
        serviceMonitor={"enabled": True, "endpoint": own},
    )
    [monitor] = [each for each in made if each["kind"] == "ServiceMonitor"]
    [endpoint] = monitor["spec"]["endpoints"]
    assert endpoint["authorization"] == own["authorization"]
    assert "basicAuth" not in endpoint
    assert endpoint["tlsConfig"]["serverName"] == "other"


@pytest.mark.parametrize(
    ("probe", "expected"),
    [
        ({"path": "/-/ready", "port": "http"}, {"path": "/a/b/-/ready", "port": "http", "scheme": "HTTPS"}),
        ({"path": "/-/ready", "port": 10980}, {"path": "/a/b/-/ready", "port": 10980, "scheme": "HTTPS"}),
        ({"path": "/a/b/-/ready", "port": "http"}, {"path": "/a/b/-/ready", "port": "http", "scheme": "HTTPS"}),
        ({"path": "/a/bc", "port": "http"}, {"path": "/a/b/a/bc", "port": "http", "scheme": "HTTPS"}),
        (
            {"path": "/-/ready", "port": "http", "scheme": "HTTP"},
            {"path": "/a/b/-/ready", "port": "http", "scheme": "HTTP"},
        ),
        ({"path": "/x", "port": "side"}, {"path": "/x", "port": "side"}),
    ],
)
def test_a_probe_of_the_exporter_follows_and_no_other(
    probe: dict[str, Any], expected: dict[str, Any], tmp_path: Path
) -> None:
    web = {"routePrefix": "/a/b/", "tls": {"secretName": "x"}}
    assert (
        exporter(rendered(tmp_path, web=web, readinessProbe={"httpGet": probe}))["readinessProbe"]["httpGet"]
        == expected
    )


@pytest.mark.parametrize(
    ("web", "path"),
    [
        ({}, "/metrics"),
        ({"externalUrl": "https://example.com"}, "/metrics"),
        ({"externalUrl": "https://example.com/"}, "/metrics"),
        ({"externalUrl": "https://example.com:8443/a/b"}, "/a/b/metrics"),
        ({"externalUrl": "https://example.com/a", "routePrefix": "/"}, "/metrics"),
        ({"externalUrl": "https://example.com/a", "routePrefix": "b"}, "/b/metrics"),
        ({"routePrefix": "//a//"}, "/a/metrics"),
    ],
)
def test_the_prefix_is_what_the_exporter_makes_of_the_flags(web: dict[str, str], path: str, tmp_path: Path) -> None:
    made = rendered(tmp_path, web=web, serviceMonitor={"enabled": True}, ingress={"enabled": True})
    [monitor] = [each for each in made if each["kind"] == "ServiceMonitor"]
    assert monitor["spec"]["endpoints"][0]["path"] == path
    [ingress] = [each for each in made if each["kind"] == "Ingress"]
    [leads] = ingress["spec"]["rules"][0]["http"]["paths"]
    assert leads["path"] == (path.removesuffix("/metrics") or "/")
    arguments = ["--web.listen-address=127.0.0.1:0" if "listen" in each else each for each in exporter(made)["args"]]
    with Child([sys.executable, "-m", "exporter", *arguments], log=tmp_path / "log") as demo:
        demo.wait_until(lambda: "Press Ctrl-C" in demo.output())
        [url] = [line.split()[1] for line in demo.output().splitlines() if "Metrics:" in line]
        assert url.endswith(path)
        server = url.removesuffix(path)
        for probe in ("startupProbe", "livenessProbe", "readinessProbe"):
            assert get(server + exporter(made)[probe]["httpGet"]["path"]).status_code == 200
        assert helm_test(url).returncode == 0
        demo.send(signal.SIGTERM)
        assert demo.wait() == 0


USERS = f"config: {{basic_auth_users: {{a: '{HASH}'}}}}"
CONTRADICTIONS = {
    "web: {externalUrl: example.com/tuning}": "write it like https://example.com/tuning",
    "web: {externalUrl: 'https://example.com/?a'}": "write it like https://example.com/tuning",
    "web: {externalUrl: 'https://example.com/a%20b'}": "cannot serve under the path /a%20b, from",
    "web: {routePrefix: /a/../b}": "cannot serve under the path /a/../b, from",
    "web: {routePrefix: 'https://example.com'}": "write letters",
    "extraArgs: [--web.route-prefix=/a]": "extraArgs has --web.route-prefix: set web.routePrefix instead",
    "extraArgs: [--web.config.file, /a]": "extraArgs has --web.config.file: set web.config instead",
    "extraArgs: [--no-web.disable-pages]": "set web.disablePages instead",
    "extraEnv: [{name: SAGEMAKER_TUNING_EXPORTER_WEB_EXTERNAL_URL, value: x}]": "set web.externalUrl instead",
    "web: {config: {rate_limit: {}}, existingConfigSecret: {name: x}}": "remove one of them",
    "web: {config: {basic_auth_users: {ann: hunter2}}}": "basic_auth_users.ann is not a bcrypt hash: write what htpasswd",
    "web: {config: {basic_auth_users: {ann: 4711}}}": "basic_auth_users.ann is not a bcrypt hash: write what htpasswd",
    f"web: {{config: {{basic_auth_users: {{ann: '{HASH.replace('$10$', '$17$')}'}}}}}}": "whose cost is not from 4 to 16",
    "web: {config: {rate_limit: {interval: 1s}}}": "write for example burst: 20",
    "web: {config: {tls_server_config: {min_version: TLS13}}}": "set web.tls.secretName, or write both cert_file and key_file",
    "web: {config: {tls_server_config: {cert_file: z}}}": "set web.tls.secretName, or write both cert_file and key_file",
    "web: {tls: {secretName: x}, config: {tls_server_config: {client_allowed_sans: [a]}}}": (
        "clients need no certificate: set web.clientCertificatesRequired"
    ),
    "web: {tls: {secretName: x}, config: {tls_server_config: {cert_file: z}}}": "remove cert, cert_file, key and key_file",
    "web: {tls: {enabled: true}}": "there is no certificate: set web.tls.secretName",
    "web: {clientCertificatesRequired: true}": "client certificates need TLS: set web.tls.secretName",
    "web: {clientCertificatesRequired: true, existingConfigSecret: {name: x}}": "set web.tls.enabled",
    "web: {clientCertificatesRequired: true, tls: {secretName: x}, config: {tls_server_config: "
    "{client_auth_type: NoClientCert}}}": "client_auth_type is NoClientCert: remove one of them",
    "web: {clientCertificatesRequired: true, config: {tls_server_config: {cert_file: x, key_file: z}}}": (
        "set client_ca or client_ca_file"
    ),
    "scrape: {tls: {certSecretName: x}}": "the exporter serves without TLS: set web.tls.secretName",
    "scrape: {basicAuth: {secretName: x}}": "needs no password: set web.config.basic_auth_users",
    "{web: {clientCertificatesRequired: true, tls: {secretName: x}}, serviceMonitor: {enabled: true}}": (
        "serviceMonitor.enabled is set, but the exporter requires client certificates: set scrape.tls.certSecretName"
    ),
    f"{{web: {{{USERS}}}, podMonitor: {{enabled: true}}}}": (
        "podMonitor.enabled is set, but the exporter requires a password: set scrape.basicAuth.secretName"
    ),
    "{web: {tls: {secretName: x}}, serviceMonitor: {enabled: true, namespace: elsewhere}}": (
        "serviceMonitor.namespace is elsewhere, and the Prometheus operator reads Secrets only in that namespace: set scrape.tls.caSecretName"
    ),
}


@pytest.mark.parametrize("given", CONTRADICTIONS)
def test_what_does_not_go_together_is_refused_with_what_to_write(given: str, tmp_path: Path) -> None:
    file = tmp_path / "values.yaml"
    file.write_text(given, encoding="utf-8")
    done = template(HELMS[0], "--set", "demo.enabled=true", "--values", file)
    assert done.returncode != 0
    assert CONTRADICTIONS[given] in done.stderr
    assert "hunter2" not in done.stderr


MISTAKEN = """
demo: {enabled: true}
web:
  config:
    tls_server_confg: {}
    tls_server_config: {cert_fil: x, client_auth_type: RequireAnyClientCert}
    http_server_config: {http2: true, headers: {Server: x}}
    rate_limit: {burst: many}
"""
COMPLAINTS = [
    "at '/web/config': additional properties 'tls_server_confg' not allowed",
    "at '/web/config/tls_server_config': additional properties 'cert_fil' not allowed",
    "at '/web/config/tls_server_config/client_auth_type': value must be one of",
    "at '/web/config/http_server_config/http2': value must be",
    "at '/web/config/http_server_config/headers': additional properties 'Server' not allowed",
    "at '/web/config/rate_limit/burst': got string, want integer",
]


def test_the_schema_has_the_keys_that_the_exporter_reads() -> None:
    model = pytest.importorskip("exporter.web.webconfig.model", reason="the exporter has no --web.config.file yet")

    def compare(section: Any, known: dict[str, Any], path: str) -> None:
        fields = {field.alias or name: field.annotation for name, field in section.model_fields.items()}
        assert set(known) == set(fields), path
        for name, annotation in fields.items():
            [*inside] = [each for each in (annotation, *get_args(annotation)) if hasattr(each, "model_fields")]
            for each in inside:
                assert known[name]["additionalProperties"] is False
                compare(each, known[name]["properties"], f"{path}.{name}")

    schema = json.loads((CHART / "values.schema.json").read_text(encoding="utf-8"))
    compare(model.WebConfig, schema["properties"]["web"]["properties"]["config"]["properties"], "web.config")


@pytest.mark.parametrize("program", HELMS)
def test_misspelt_keys_of_the_web_configuration_are_refused(program: str, tmp_path: Path) -> None:
    file = tmp_path / "values.yaml"
    file.write_text(MISTAKEN, encoding="utf-8")
    done = template(program, "--values", file)
    assert done.returncode != 0
    for complaint in COMPLAINTS:
        assert complaint in done.stderr, complaint


def test_notes_tell_how_to_look_at_it() -> None:
    told = notes("protected")
    assert f"Look at the metrics: https://127.0.0.1:10980{PREFIX}/metrics while this runs" in told
    assert "the log says why" in told
    assert "the certificate is of tuning-sagemaker-tuning-exporter.watch.svc" in told
    assert "From outside it is https://monitoring.example.internal/ml/tuning/" in told
    assert "nginx.ingress.kubernetes.io/backend-protocol: HTTPS" in told
    assert "Nothing has told Prometheus" not in told
    assert "Passwords go over the network" not in told


def test_notes_tell_how_to_ask_with_a_certificate() -> None:
    told = notes("certificates")
    assert "--cacert ca.crt --cert tls.crt --key tls.key" in told
    assert "https://tuning.example.internal:8443/tuning/metrics" in told
    assert "Look at it: https://127.0.0.1:8443/tuning/ while this runs" in told
    assert "the page and the log say why" in told


def test_notes_tell_the_url_to_scrape_and_warn_of_passwords_in_the_clear(tmp_path: Path) -> None:
    file = tmp_path / "values.yaml"
    file.write_text(f"web: {{routePrefix: /a, {USERS}}}", encoding="utf-8")
    told = notes("minimal", "--values", str(file))
    assert "http://tuning-sagemaker-tuning-exporter.watch.svc:10980/a/metrics" in told
    assert "Passwords go over the network as they are: set web.tls.secretName" in told
