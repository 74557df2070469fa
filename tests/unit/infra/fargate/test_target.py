"""The stack as a whole: its tree, its outputs, its look-ups, and what it refuses."""

from __future__ import annotations

import json
from pathlib import Path

import pulumi
import pytest

from infra.fargate.program import PREFETCH_NOTICE, V1_NOTICE
from infra.fargate.target import partition
from infra.forms import KINDS, FormSpec
from infra.outputs import StackOutputs
from kit.errors import SettingsError
from tests.support import fargate_stack
from tests.support.fargate_stack import ACCOUNT, HOST, MockedResource, of_type, only, resources, run_stack

Declared = list[MockedResource]


def test_every_component_is_a_child_of_the_stacks_one(declared: Declared) -> None:
    root = only(declared, "sociometer:fargate:Stack")
    rooms = [each for each in declared if each.type.startswith("sociometer:fargate:") and each is not root]
    assert {each.parent for each in rooms} == {root.urn}
    assert len(rooms) == 6 + 3 + 9


def test_every_resource_on_aws_is_a_child_of_a_component(declared: Declared) -> None:
    components = {each.urn for each in declared if each.type.startswith("sociometer:fargate:")}
    orphans = [
        each.name for each in declared if each.type.startswith(("aws:", "docker:")) and each.parent not in components
    ]
    assert orphans == []


def test_the_outputs_keep_the_contract(outputs: StackOutputs) -> None:
    fargate = outputs.fargate
    assert fargate is not None
    assert (outputs.target, outputs.platform, outputs.registry) == ("fargate", "linux/arm64", HOST)
    assert (fargate.account, fargate.region, fargate.container) == (ACCOUNT, "eu-west-2", "workload")
    assert fargate.load_balancer == "http://sociometer.eu-west-2.elb.amazonaws.com"
    assert (fargate.log_group, fargate.platform_version) == ("/sociometer/test", "1.4.0")
    assert (fargate.cpu_units, fargate.memory_mebibytes) == (256, 512)
    assert {name: variant.boot_report for name, variant in outputs.variants.items()} == {
        "movie": True,
        "parquet": True,
        "shop": True,
    }
    assert all(variant.image_bytes == 10**6 for variant in outputs.variants.values())


def test_one_variant_alone_is_a_stack_of_its_own() -> None:
    declared, outputs = run_stack(variants="parquet", forms="soci-v2")
    assert list(outputs.variants) == ["parquet"]
    assert [each.name for each in of_type(declared, "ecs/service:Service")] == ["parquet-soci-v2"]


def test_no_range_at_all_is_refused_before_anything_is_declared() -> None:
    with pytest.raises(pulumi.RunError, match="loadbalancerAllowCidrs: fargate needs at least one range"):
        resources(loadbalancerAllowCidrs="")


def test_a_region_of_one_zone_is_refused(monkeypatch: pytest.MonkeyPatch) -> None:
    call = "aws:index/getAvailabilityZones:getAvailabilityZones"
    monkeypatch.setitem(fargate_stack._CALLS, call, {"names": ["eu-west-2a"]})
    with pytest.raises(SettingsError, match=r"region: eu-west-2 has 1 zone\(s\)"):
        resources(variants="movie")


def test_soci_v1_is_made_with_a_warning_that_it_may_not_work(monkeypatch: pytest.MonkeyPatch) -> None:
    said: list[str] = []
    monkeypatch.setattr(pulumi.log, "warn", said.append)
    declared = resources(variants="movie", forms="plain,soci-v1")
    assert said == [V1_NOTICE]
    assert only(declared, "ecs/service:Service", "movie-soci-v1")


def test_forms_with_settings_have_short_names_and_keep_their_text_in_the_outputs() -> None:
    forms = "plain,soci-v2(span=1MiB,min-layer=0),zstd(level=19)"
    declared, outputs = run_stack(variants="movie", forms=forms)
    assert set(outputs.variants["movie"].treatments) == {
        "plain", "soci-v2(span=1MiB,min-layer=0)", "zstd(level=19)",
    }  # fmt: skip
    assert only(declared, "ecs/service:Service", "movie-soci-v2-a3057f")
    assert only(declared, "ecs/service:Service", "movie-zstd-level-19")
    repositories = {each.inputs["name"] for each in of_type(declared, "repository:Repository")}
    assert repositories >= {"sociometer/test/movie/soci-v2-a3057f", "sociometer/test/movie/zstd-level-19"}


def test_every_form_that_fargate_has_gets_an_image_and_a_service(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    monkeypatch.setenv("SOCIOMETER_DATA", str(tmp_path))
    files = {"files": tmp_path / "list.json", "trace": tmp_path / "trace.json"}
    files["files"].write_text('["/app"]')
    about = {"image": "x", "digest": f"sha256:{'0' * 64}", "platform": "linux/amd64", "ready": "exit:0", "ready_ms": 1}
    files["trace"].write_text(json.dumps({**about, "layers": [], "files": []}))
    forms = []
    for kind in (kind for kind in KINDS if not KINDS[kind].lab_only):
        needed = [key for key, setting in KINDS[kind].settings.items() if setting.required]
        forms.append(f"{kind}({needed[0]}={files[needed[0]]})" if needed else kind)
    declared, outputs = run_stack(variants="movie", forms=",".join(forms))
    treatments = outputs.variants["movie"].treatments
    assert [FormSpec.parse(form).kind for form in treatments] == [form.partition("(")[0] for form in forms]
    assert len(of_type(declared, "ecs/service:Service")) == len(of_type(declared, "SociImage")) == len(forms)


def test_a_form_of_the_lab_alone_is_refused_in_one_line() -> None:
    with pytest.raises(pulumi.RunError, match=r"parallel-pull is not available on fargate: .*measure it in the lab"):
        resources(variants="movie", forms="plain,parallel-pull")


def test_a_prefetch_list_is_deployed_with_a_warning_that_it_may_do_nothing(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    said: list[str] = []
    monkeypatch.setattr(pulumi.log, "warn", said.append)
    monkeypatch.setenv("SOCIOMETER_DATA", str(tmp_path))
    (tmp_path / "list.json").write_text('["/app"]')
    declared = resources(variants="movie", forms=f"soci-v2-prefetch(files={tmp_path / 'list.json'})")
    assert said == [PREFETCH_NOTICE]
    [image] = of_type(declared, "SociImage")
    assert image.inputs["attached"] == '["/app"]'
    assert str(tmp_path) not in str(image.inputs)


@pytest.mark.parametrize(
    ("region", "name"), [("eu-west-2", "aws"), ("cn-north-1", "aws-cn"), ("us-gov-west-1", "aws-us-gov")]
)
def test_arns_begin_with_the_regions_partition(region: str, name: str) -> None:
    assert partition(region) == name
