"""ECR: tokens that are in one private file and nowhere else, and images that are deleted its own way."""

from __future__ import annotations

import json
import stat
from collections.abc import Iterator
from pathlib import Path

import pytest

from infra.oci import ecr
from infra.oci.entry import entered
from infra.oci.manifest import Reference
from infra.oci.regctl import Access, Deadline, Regctl
from kit.errors import AwsError, CredentialsError, RegistryUnreachable, SettingsError
from tests.support.ecr_api import REGION, EcrApi, ecr_api, nobody, signed_in
from tests.support.registry import free_port

HOST = f"123456789012.dkr.ecr.{REGION}.amazonaws.com"
DIGEST = "sha256:" + "a" * 64


@pytest.fixture
def api(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> Iterator[EcrApi]:
    monkeypatch.setenv("DOCKER_CONFIG", str(tmp_path))
    with ecr_api(monkeypatch) as running:
        yield running


@pytest.mark.parametrize(
    ("registry", "region"),
    [
        (HOST, REGION),
        ("123456789012.dkr.ecr.cn-north-1.amazonaws.com.cn", "cn-north-1"),
        ("123456789012.dkr-ecr.eu-west-2.on.aws", "eu-west-2"),
        ("public.ecr.aws", None),
        ("127.0.0.1:5000", None),
        (f"{HOST}.example.org", None),
    ],
)
def test_a_private_registry_is_known_by_its_name(registry: str, region: str | None) -> None:
    assert ecr.region_of(registry) == region


def test_the_token_lies_in_a_file_that_only_this_user_reads_and_that_goes_with_the_work(api: EcrApi) -> None:
    with ecr.auth_file(HOST, REGION) as path:
        assert json.loads(path.read_text())["auths"] == {HOST: {"auth": api.token}}
        assert stat.S_IMODE(path.stat().st_mode) == 0o600
        assert stat.S_IMODE(path.parent.stat().st_mode) == 0o700
    assert not path.parent.exists()


def test_the_file_goes_when_the_work_fails_too(api: EcrApi) -> None:
    with pytest.raises(RuntimeError), ecr.auth_file(HOST, REGION) as path:
        raise RuntimeError
    assert not path.parent.exists()


def test_every_piece_of_work_has_a_token_of_its_own(api: EcrApi) -> None:
    with ecr.auth_file(HOST, REGION):
        pass
    api.token = "YW5vdGhlcg=="  # noqa: S105
    with ecr.auth_file(HOST, REGION) as path:
        assert json.loads(path.read_text())["auths"][HOST]["auth"] == "YW5vdGhlcg=="
    assert api.asked == ["GetAuthorizationToken"] * 2


def test_the_users_own_registries_can_still_be_entered(api: EcrApi, tmp_path: Path) -> None:
    own = {
        "auths": {"other.example": {"auth": "b3RoZXI="}},
        "credsStore": "desktop",
        "credHelpers": {"gcr.io": "gcloud", HOST: "ecr-login"},
    }
    (tmp_path / "config.json").write_text(json.dumps(own))
    with ecr.auth_file(HOST, REGION) as path:
        config = json.loads(path.read_text())
    assert set(config["auths"]) == {"other.example", HOST}
    assert config["credHelpers"] == {"gcr.io": "gcloud"}
    assert "credsStore" not in config


@pytest.mark.parametrize("code", ["ExpiredTokenException", "UnrecognizedClientException"])
def test_expired_or_unknown_credentials_are_named_with_what_to_do(api: EcrApi, code: str) -> None:
    api.refusal = (code, "The security token included in the request is expired")
    with (
        pytest.raises(CredentialsError, match=rf"{code}.*Log in.*Then run the command again\.$"),
        ecr.auth_file(HOST, REGION),
    ):
        pass


def test_a_wrong_clock_is_not_told_to_log_in(api: EcrApi) -> None:
    api.refusal = ("InvalidSignatureException", "Signature expired: 20260101T000000Z is now earlier than")
    with pytest.raises(CredentialsError, match="fix this machine's clock") as caught, ecr.auth_file(HOST, REGION):
        pass
    assert "Log in" not in str(caught.value)


def test_a_refusal_that_has_nothing_to_do_with_who_asks_is_no_credentials_error(api: EcrApi) -> None:
    api.refusal = ("AccessDeniedException", "not authorized to perform: ecr:GetAuthorizationToken")
    with pytest.raises(AwsError, match="AccessDeniedException") as caught, ecr.auth_file(HOST, REGION):
        pass
    assert not isinstance(caught.value, CredentialsError)


def test_no_credentials_at_all_are_a_credentials_error(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    monkeypatch.setenv("DOCKER_CONFIG", str(tmp_path))
    nobody(monkeypatch)
    with pytest.raises(CredentialsError, match=r"There are no AWS credentials: .* Log in"), ecr.auth_file(HOST, REGION):
        pass


def test_an_aws_that_does_not_answer_says_nothing_of_the_images(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    monkeypatch.setenv("DOCKER_CONFIG", str(tmp_path))
    monkeypatch.setattr(ecr, "TRIES", 1)
    signed_in(monkeypatch, f"http://127.0.0.1:{free_port()}")
    with pytest.raises(RegistryUnreachable, match="AWS cannot be reached for GetAuthorizationToken"):
        ecr.auth_file(HOST, REGION).__enter__()


def test_an_image_is_deleted_through_the_api_because_the_registry_cannot(api: EcrApi) -> None:
    api.images = {("stack/movie", DIGEST)}
    Regctl(Access(), Deadline(30)).delete_manifest(Reference(f"{HOST}/stack/movie", DIGEST))
    assert api.images == set()
    assert api.asked == ["BatchDeleteImage"]


def test_what_is_gone_already_is_fine(api: EcrApi) -> None:
    api.images = {("stack/movie", "sha256:" + "b" * 64)}
    ecr.delete_image(HOST, "stack/movie", DIGEST)
    ecr.delete_image(HOST, "stack/gone", DIGEST)
    assert len(api.images) == 1


def test_an_image_that_ecr_keeps_is_named_with_the_reason(api: EcrApi) -> None:
    api.images, api.kept = {("stack/movie", DIGEST)}, {DIGEST: "ImageReferencedByManifestList"}
    with pytest.raises(AwsError, match=f"stack/movie@{DIGEST}: ImageReferencedByManifestList"):
        ecr.delete_image(HOST, "stack/movie", DIGEST)


def test_a_registry_on_this_machine_is_entered_over_plain_http() -> None:
    with entered("127.0.0.1:5000") as access:
        assert access == Access(plain_http=True)
    with entered("registry.example:5000") as access:
        assert access == Access(plain_http=False)


def test_ecr_is_entered_over_tls_and_a_stand_in_on_this_machine_with_the_same_token(api: EcrApi) -> None:
    for registry, plain_http in ((HOST, False), ("127.0.0.1:5000", True)):
        with entered(registry, REGION) as access:
            assert access.plain_http is plain_http
            assert access.auth_file is not None
            assert registry in json.loads(access.auth_file.read_text())["auths"]


def test_a_docker_configuration_that_cannot_be_read_is_named(api: EcrApi, tmp_path: Path) -> None:
    (tmp_path / "config.json").write_text("{")
    with pytest.raises(SettingsError, match=r"config\.json cannot be used: it is not JSON"):
        ecr.auth_file(HOST, REGION).__enter__()
