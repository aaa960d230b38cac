"""Every place where the SDK looks for credentials. Run too on the image's reduced SDK: see test_image_slim.py."""

from __future__ import annotations

import hashlib
import json
from collections.abc import Callable
from datetime import UTC, datetime, timedelta
from pathlib import Path

import botocore.credentials
import botocore.tokens
import pytest
from sagemaker.conftest import MakeApi
from sagemaker.wire import ACCOUNT, REGION, Request, Wire, http, sts_credentials, sts_identity, tuning_job

from exporter.config.specs import Credentials
from exporter.errors import CallFailed

pytestmark = pytest.mark.usefixtures("no_keys")

ROLE = f"arn:aws:iam::{ACCOUNT}:role/tuning-metrics"
START_URL = "https://example.awsapps.com/start"


def later(hours: float) -> str:
    return (datetime.now(UTC) + timedelta(hours=hours)).strftime("%Y-%m-%dT%H:%M:%SZ")


def key(name: str) -> str:
    """Return a key as the places give it that speak JSON."""
    members = {"AccessKeyId": name, "SecretAccessKey": "hidden", "Token": "t", "SessionToken": "t"}
    return json.dumps(members | {"Expiration": later(1), "Code": "Success", "Version": 1})


def ini(section: str, **values: object) -> str:
    return "\n".join([f"[{section}]", *(f"{name} = {value}" for name, value in values.items()), ""])


def static(section: str, name: str) -> str:
    return ini(section, aws_access_key_id=name, aws_secret_access_key="hidden")


def services(request: Request) -> bytes:
    """Answer as all services and places at once; who is asked is told by the key that is given."""
    method, path, _ = request.line.split(" ")
    path = path.partition("?")[0]
    if "x-amz-target" in request.headers:
        return tuning_job()
    if (method, path) == ("POST", "/"):
        action = request.form["Action"]
        return sts_identity() if action == "GetCallerIdentity" else sts_credentials(f"AKID{action}", operation=action)
    if path == "/federation/credentials":
        name = f"AKIDSSO{request.headers['x-amz-sso_bearer_token']}"
        expiration = int((datetime.now(UTC) + timedelta(hours=1)).timestamp() * 1000)
        role = {"accessKeyId": name, "secretAccessKey": "hidden", "sessionToken": "t", "expiration": expiration}
        return http(json.dumps({"roleCredentials": role}), content_type="application/json")
    if path == "/token":
        return http(json.dumps({"accessToken": "RENEWED", "expiresIn": 3600}), content_type="application/json")
    if path == "/latest/api/token":
        return http("metadata-token")
    if path.startswith("/latest/meta-data/iam/security-credentials"):
        return http(key("AKIDINSTANCE") if path.endswith("/node") else "node")
    assert path == "/pod", path
    assert request.headers["authorization"] == "pod-token"
    return http(key("AKIDPOD"), content_type="application/json")


class Place:
    """Where things are put for the SDK to find them."""

    def __init__(self, wire: Wire, patch: pytest.MonkeyPatch, folder: Path) -> None:
        self.url = wire.url
        self.set = patch.setenv
        self.folder = folder
        for service in ("STS", "SSO", "SSO_OIDC"):
            self.set(f"AWS_ENDPOINT_URL_{service}", wire.url)
        for provider in (botocore.credentials.SSOProvider, botocore.tokens.SSOTokenProvider):
            patch.setattr(provider, "_SSO_TOKEN_CACHE_DIR", str(folder / "cache"))

    def write(self, name: str, text: str) -> str:
        file = self.folder / name
        file.parent.mkdir(exist_ok=True)
        file.write_text(text)
        return str(file)

    def remember_sso_token(self, name: str, **members: str) -> None:
        cached = {"accessToken": "CACHED", "expiresAt": later(1)} | members
        self.write(f"cache/{hashlib.sha1(name.encode()).hexdigest()}.json", json.dumps(cached))


def environment(place: Place) -> None:
    place.set("AWS_ACCESS_KEY_ID", "AKIDENVIRONMENT")
    place.set("AWS_SECRET_ACCESS_KEY", "hidden")


def shared_file(place: Place) -> None:
    place.write("credentials", static("default", "AKIDSHARED"))


def config_file(place: Place) -> None:
    place.write("config", static("default", "AKIDCONFIG"))


def role_of_profile(place: Place) -> None:
    place.write("config", ini("default", role_arn=ROLE, source_profile="keys") + static("profile keys", "AKIDSOURCE"))


def web_identity(place: Place) -> None:
    place.set("AWS_WEB_IDENTITY_TOKEN_FILE", place.write("token", "service-account"))
    place.set("AWS_ROLE_ARN", ROLE)


def web_identity_of_profile(place: Place) -> None:
    token = place.write("token", "service-account")
    place.write("config", ini("default", role_arn=ROLE, web_identity_token_file=token))


def sso(place: Place) -> None:
    account = {"sso_account_id": ACCOUNT, "sso_role_name": "reader"}
    place.write("config", ini("default", **account, sso_start_url=START_URL, sso_region=REGION))
    place.remember_sso_token(START_URL)


def sso_session(place: Place) -> None:
    profile = ini("default", sso_account_id=ACCOUNT, sso_role_name="reader", sso_session="corp")
    place.write("config", profile + ini("sso-session corp", sso_start_url=START_URL, sso_region=REGION))
    client = {"clientId": "c", "clientSecret": "s", "registrationExpiresAt": later(9), "refreshToken": "r"}
    place.remember_sso_token("corp", expiresAt=later(0.1), **client)


def process(place: Place) -> None:
    place.write("config", ini("default", credential_process="cat " + place.write("key", key("AKIDPROCESS"))))


def pod_identity(place: Place) -> None:
    place.set("AWS_CONTAINER_CREDENTIALS_FULL_URI", f"{place.url}/pod")
    place.set("AWS_CONTAINER_AUTHORIZATION_TOKEN_FILE", place.write("token", "pod-token"))


def instance(place: Place) -> None:
    place.set("AWS_EC2_METADATA_DISABLED", "false")
    place.set("AWS_EC2_METADATA_SERVICE_ENDPOINT", place.url)


def old_instance_file(place: Place) -> None:
    place.set("AWS_CREDENTIAL_FILE", place.write("old", "AWSAccessKeyId=AKIDOLD\nAWSSecretKey=hidden\n"))


def boto_file(place: Place) -> None:
    place.set("BOTO_CONFIG", place.write("boto", static("Credentials", "AKIDBOTO")))


@pytest.fixture
def place(wire: Wire, monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> Place:
    wire.answer = services
    return Place(wire, monkeypatch, tmp_path)


PLACES: dict[Callable[[Place], None], str] = {
    environment: "AKIDENVIRONMENT",
    shared_file: "AKIDSHARED",
    config_file: "AKIDCONFIG",
    role_of_profile: "AKIDAssumeRole",
    web_identity: "AKIDAssumeRoleWithWebIdentity",
    web_identity_of_profile: "AKIDAssumeRoleWithWebIdentity",
    sso: "AKIDSSOCACHED",
    sso_session: "AKIDSSORENEWED",
    process: "AKIDPROCESS",
    pod_identity: "AKIDPOD",
    instance: "AKIDINSTANCE",
    old_instance_file: "AKIDOLD",
    boto_file: "AKIDBOTO",
}


@pytest.mark.parametrize("prepare", PLACES, ids=lambda prepare: prepare.__name__)
def test_a_place_gives_its_key(wire: Wire, place: Place, make_api: MakeApi, prepare: Callable[[Place], None]) -> None:
    prepare(place)
    make_api(wire.url).describe("churn")
    assert wire.requests[-1].access_key == PLACES[prepare]


def test_a_profile_takes_the_key_of_the_environment(wire: Wire, place: Place, make_api: MakeApi) -> None:
    environment(place)
    place.write("config", ini("profile role", role_arn=ROLE, credential_source="Environment"))
    make_api(wire.url, credentials=Credentials(profile="role")).describe("churn")
    assert [request.access_key for request in wire.requests] == ["AKIDENVIRONMENT", "AKIDAssumeRole"]


def test_a_role_on_top_of_a_place(wire: Wire, place: Place, make_api: MakeApi, monkeypatch: pytest.MonkeyPatch) -> None:
    pod_identity(place)
    api = make_api(wire.url, credentials=Credentials(role_arn=ROLE))
    api.describe("churn")
    assert [request.access_key for request in wire.requests[-2:]] == ["AKIDPOD", "AKIDAssumeRole"]
    assert api.caller_account() == ACCOUNT


def test_a_console_login_needs_what_is_not_installed(place: Place, make_api: MakeApi) -> None:
    place.write("config", ini("default", login_session="arn:aws:iam::111122223333:user/ann"))
    with pytest.raises(CallFailed, match=r"botocore\[crt\]"):
        make_api(place.url).describe("churn")


def test_every_provider_of_the_sdk_is_known_here() -> None:
    """A new one may need the description of one more service."""
    providers = {
        name
        for name, value in vars(botocore.credentials).items()
        if isinstance(value, type) and issubclass(value, botocore.credentials.CredentialProvider)
    }
    assert providers == {
        "AssumeRoleProvider",
        "AssumeRoleWithWebIdentityProvider",
        "BotoProvider",
        "ConfigProvider",
        "ContainerProvider",
        "CredentialProvider",
        "EnvProvider",
        "InstanceMetadataProvider",
        "LoginProvider",
        "OriginalEC2Provider",
        "ProcessProvider",
        "SSOProvider",
        "SharedCredentialProvider",
    }
