"""What the SDK is given to read, beside what it would read by itself."""

from __future__ import annotations

import gzip
import json
import tracemalloc
from pathlib import Path
from typing import Any

import botocore.loaders
import botocore.session
import pytest
from botocore.model import ServiceModel
from botocore.parsers import create_parser

from exporter.clock import SystemClock
from exporter.sagemaker.loader import OPERATIONS, create_loader
from exporter.simulator.scenario import SCENARIOS
from exporter.simulator.service import Simulator

SIGN_IN = ("sts", "sso", "sso-oidc", "signin")


@pytest.fixture(scope="module")
def whole() -> Any:
    return botocore.loaders.create_loader()


@pytest.fixture(scope="module")
def cut() -> Any:
    return create_loader(None)


def undocumented(value: Any) -> Any:
    """Return a model without its texts."""
    if isinstance(value, dict):
        return {
            name: undocumented(each)
            for name, each in value.items()
            if name != "documentation" or not isinstance(each, str)
        }
    return [*map(undocumented, value)] if isinstance(value, list) else value


def model(loader: Any, service: str) -> Any:
    return loader.load_service_model(service, "service-2")


def test_a_client_has_the_operations_that_are_called_and_no_others(cut: Any) -> None:
    session = botocore.session.Session()
    session.register_component("data_loader", cut)
    client = session.create_client(
        "sagemaker", region_name="eu-west-1", aws_access_key_id="AKIA", aws_secret_access_key="secret"
    )
    assert {*client.meta.method_to_api_mapping.values()} == {*OPERATIONS["sagemaker"]}


def test_of_sagemaker_only_what_the_operations_reach_is_kept_and_that_is_as_it_was(whole: Any, cut: Any) -> None:
    full, kept = undocumented(model(whole, "sagemaker")), model(cut, "sagemaker")
    assert kept["metadata"] == full["metadata"]
    assert kept["operations"] == {name: full["operations"][name] for name in OPERATIONS["sagemaker"]}
    found = full["shapes"]["SearchRecord"]["members"]
    full["shapes"]["SearchRecord"]["members"] = {
        name: found[name] for name in ("HyperParameterTuningJob", "TrainingJob")
    }
    assert kept["shapes"] == {name: full["shapes"][name] for name in kept["shapes"]}
    assert 100 < len(kept["shapes"]) < 300, "of some thousands"


@pytest.mark.parametrize("service", SIGN_IN)
def test_of_what_the_sdk_signs_in_with_only_texts_are_left_out(whole: Any, cut: Any, service: str) -> None:
    assert model(cut, service) == undocumented(model(whole, service))


def test_the_endpoints_of_all_that_is_called_are_kept(whole: Any) -> None:
    full, kept = whole.load_data("endpoints"), create_loader(None).load_data("endpoints")
    called = {model(whole, service)["metadata"]["endpointPrefix"] for service in (*OPERATIONS, *SIGN_IN)}
    for partition in full["partitions"]:
        partition["services"] = {name: each for name, each in partition["services"].items() if name in called}
    assert full["partitions"][0]["services"]
    assert kept == full


@pytest.mark.parametrize("name", ["partitions", "sdk-default-configuration", "_retry"])
def test_the_rest_is_read_whole(whole: Any, cut: Any, name: str) -> None:
    assert cut.load_data(name) == whole.load_data(name)


def test_what_is_not_there_is_not_found(cut: Any) -> None:
    with pytest.raises(botocore.loaders.DataNotFoundError):
        cut.load_data("nothing")


@pytest.mark.parametrize("scenario", SCENARIOS)
def test_answers_are_parsed_as_with_the_whole_model(whole: Any, cut: Any, scenario: str) -> None:
    clock = SystemClock()
    simulator = Simulator(clock)
    simulator.create(scenario, "churn", created=clock.time() - 7_200)
    simulator.search_lag = 0.0
    answers = {
        "DescribeHyperParameterTuningJob": simulator.describe("churn"),
        "Search": simulator.search(Resource="HyperParameterTuningJob"),
        "ListHyperParameterTuningJobs": simulator.list(),
    }
    for operation, answer in answers.items():
        body = json.dumps(answer).encode()
        parsed = [
            create_parser("json").parse(
                {"body": body, "headers": {}, "status_code": 200},
                ServiceModel(model(loader, "sagemaker")).operation_model(operation).output_shape,
            )
            for loader in (whole, cut)
        ]
        assert parsed[0] == parsed[1]
        assert len(parsed[0]) > 1, "not only the SDK's own member"


# A user's own models


def write(file: Path, content: Any, **options: Any) -> None:
    file.parent.mkdir(parents=True)
    text = content if isinstance(content, str) else json.dumps(content, **options)
    file.write_bytes(gzip.compress(text.encode()) if file.suffix == ".gz" else text.encode())


OWN = {
    "version": "2.0",
    "metadata": {"serviceId": "SageMaker", "protocols": ["json"], "nothing": {}, "none": []},
    "operations": {
        "Search": {"name": "Search", "input": {"shape": "In"}, "errors": [{"shape": "Gone"}], "http": {}},
        "Other": {"name": "Other", "input": {"shape": "Unwanted"}},
    },
    "shapes": {
        "In": {"type": "structure", "members": {"documentation": {"shape": "Text"}, "shape": {"shape": "Texts"}}},
        "Text": {"type": "string", "documentation": 'A \\ "text", [of] {mine}, — and {"shape": "Unwanted"}'},
        "Texts": {"type": "list", "member": {"shape": "Text"}},
        "Gone": {"type": "structure", "members": {}, "exception": True},
        "Unwanted": {"type": "string"},
    },
    "examples": {},
}


@pytest.mark.parametrize("ending", [".json", ".json.gz"])
@pytest.mark.parametrize("options", [{}, {"indent": 2}, {"separators": (",", ":")}], ids=["", "indented", "dense"])
def test_a_model_of_the_user_s_own_comes_first(tmp_path: Path, ending: str, options: dict[str, Any]) -> None:
    write(tmp_path / "sagemaker" / "2099-01-01" / f"service-2{ending}", OWN, **options)
    expected = undocumented(OWN)
    del expected["operations"]["Other"], expected["shapes"]["Unwanted"]
    assert model(create_loader(str(tmp_path)), "sagemaker") == expected


@pytest.mark.parametrize(
    "text", ["", "{", '{"version"', '{"shapes": {"In": {"a": 1}', '{"shapes": {"In": nothing}}', "[1"]
)
def test_a_model_that_is_broken_is_refused(tmp_path: Path, text: str) -> None:
    write(tmp_path / "sagemaker" / "2099-01-01" / "service-2.json", text)
    with pytest.raises(ValueError, match=r"Expecting|Unterminated"):
        model(create_loader(str(tmp_path)), "sagemaker")


def test_reading_leaves_little_in_memory_and_never_has_much_there(whole: Any) -> None:
    loader = create_loader(None)
    tracemalloc.start()
    try:
        for name in ("sagemaker", "sts"):
            model(loader, name)
        loader.load_data("endpoints")
        kept, peak = tracemalloc.get_traced_memory()
    finally:
        tracemalloc.stop()
    assert kept < 1_500_000
    # The text of SageMaker's model has 2.6 million letters, of which those of its texts take two bytes each.
    assert peak < 11_000_000
