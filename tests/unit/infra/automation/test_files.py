"""Claims about whose file a stack's settings lie in, in real git checkouts."""

from __future__ import annotations

import subprocess
import sys
from collections.abc import Callable
from pathlib import Path

import pytest
import yaml

from experiments.plan.presets import PRESETS
from infra.automation import files
from infra.settings.model import BUILT_IN_VARIANTS
from kit.errors import SettingsError
from kit.paths import asset

DEV = "# ours\nconfig:\n  sociometer:target: fargate\n  sociometer:region: eu-west-2\n"
Git = Callable[..., str]


@pytest.fixture
def checkout(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A checkout of its own with the project's files, and a data folder beside it."""
    folder = tmp_path / "checkout"
    folder.mkdir()
    (folder / "Pulumi.yaml").write_text("name: sociometer\nruntime: python\n")
    (folder / "__main__.py").write_text("")
    (folder / "Pulumi.dev.yaml").write_text(DEV)
    (folder / "Pulumi.team.yaml").write_text("config:\n  sociometer:seed: 3\n")
    (folder / ".gitignore").write_text("/Pulumi.*.yaml\n!/Pulumi.dev.yaml\n")
    monkeypatch.setattr("infra.automation.files.asset", lambda name: folder / name)
    monkeypatch.setenv("SOCIOMETER_DATA", str(tmp_path / "data"))
    return folder


@pytest.fixture
def git(checkout: Path) -> Git:
    """Runs git in the checkout, whose files are committed, that of the stack `team` by force."""

    def call(*words: str) -> str:
        identity = ["-c", "user.name=Test", "-c", "user.email=test@example.org", "-c", "commit.gpgsign=false"]
        command = ["git", *identity, "-C", str(checkout), *words]
        return subprocess.run(command, check=True, capture_output=True, text=True).stdout

    call("init", "--quiet")
    call("add", "--all")
    call("add", "--force", "Pulumi.team.yaml")
    call("commit", "--quiet", "--message", "Begin")
    return call


def change(path: Path, key: str, value: object) -> None:
    """Set one key of a stack's file, as Pulumi does."""
    document = yaml.safe_load(path.read_text()) if path.exists() else {}
    document.setdefault("config", {})[f"sociometer:{key}"] = value
    path.write_text(yaml.safe_dump(document))


def own_file(stack: str) -> Path:
    return files.prepare(stack) / f"Pulumi.{stack}.yaml"


def test_a_committed_stack_is_worked_on_in_a_folder_of_its_own(checkout: Path, git: Git) -> None:
    for stack in ("dev", "team"):
        change(own_file(stack), "owner", "me")
        assert not files.working_folder(stack).is_relative_to(checkout)
        assert files.settings(stack)["owner"] == "me"
    assert git("status", "--porcelain") == ""


def test_a_stack_of_this_machine_alone_lies_in_the_project_where_git_ignores_it(checkout: Path, git: Git) -> None:
    change(own_file("lab"), "seed", 7)
    assert files.working_folder("lab") == checkout
    assert files.settings("lab") == {"seed": 7}
    assert git("status", "--porcelain") == ""


def test_the_shipped_stack_is_left_alone_also_outside_a_repository(checkout: Path) -> None:
    assert files.prepare("dev") == files.working_folder("dev") != checkout
    assert files.prepare("team") == files.working_folder("team") == checkout


def test_the_copy_begins_as_the_original(checkout: Path) -> None:
    assert files.settings("dev") == {"target": "fargate", "region": "eu-west-2"}
    assert files.fargate_defaults() == files.settings("dev")
    assert files.set_beside("dev") == {}


def test_what_a_command_has_set_stays_and_is_told(checkout: Path) -> None:
    change(own_file("dev"), "owner", "me")
    change(own_file("dev"), "region", "us-east-1")
    assert files.settings("dev") == {"target": "fargate", "region": "us-east-1", "owner": "me"}
    assert files.set_beside("dev") == {"region": "us-east-1", "owner": "me"}


def test_the_later_word_counts_when_the_original_changes_too(checkout: Path) -> None:
    change(own_file("dev"), "owner", "me")
    change(own_file("dev"), "region", "us-east-1")
    change(checkout / "Pulumi.dev.yaml", "region", "eu-west-1")
    assert files.settings("dev") == {"target": "fargate", "region": "eu-west-1", "owner": "me"}


def test_what_is_taken_out_of_the_original_goes_from_the_copy(checkout: Path) -> None:
    change(own_file("dev"), "owner", "me")
    (checkout / "Pulumi.dev.yaml").write_text("config:\n  sociometer:target: fargate\n")
    assert files.settings("dev") == {"target": "fargate", "owner": "me"}


def test_pulumi_s_own_keys_outlive_a_change_of_the_original(checkout: Path) -> None:
    own_file("dev").write_text(f"encryptionsalt: v1:abc\n{DEV}")
    change(checkout / "Pulumi.dev.yaml", "region", "eu-west-1")
    assert yaml.safe_load(own_file("dev").read_text())["encryptionsalt"] == "v1:abc"


def test_a_removed_copy_begins_anew(checkout: Path) -> None:
    """Pulumi removes the file with the stack: what commands have set goes with it."""
    change(own_file("dev"), "owner", "me")
    own_file("dev").unlink()
    assert files.settings("dev") == {"target": "fargate", "region": "eu-west-2"}


def test_a_file_that_is_no_yaml_is_named(checkout: Path) -> None:
    (checkout / "Pulumi.mine.yaml").write_text("config: [")
    with pytest.raises(SettingsError, match=r"Pulumi\.mine\.yaml cannot be used: it is not YAML"):
        files.settings("mine")


def test_a_name_that_leads_out_of_the_folder_is_refused(checkout: Path) -> None:
    with pytest.raises(SettingsError, match="cannot name a stack"):
        files.prepare("../../elsewhere")


READS = (files.settings, files.set_beside, files.working_folder, lambda stack: files.pulumi_command(stack, "cancel"))


def contents(folder: Path) -> dict[Path, tuple[int, bytes]]:
    """Every file below a folder, and when it was written."""
    return {path: (path.stat().st_mtime_ns, path.read_bytes()) for path in folder.rglob("*") if path.is_file()}


@pytest.mark.parametrize("prepared", [False, True])
def test_a_read_writes_nothing_and_runs_no_program(
    checkout: Path, git: Git, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, prepared: bool
) -> None:
    stacks = ("dev", "team", "lab", "nowhere")
    if prepared:
        for stack in stacks:
            files.prepare(stack)
        change(checkout / "Pulumi.dev.yaml", "region", "eu-west-1")  # the copy is behind, and stays so
    before = contents(tmp_path)
    monkeypatch.setattr(subprocess, "Popen", None)
    for stack in stacks:
        for read in READS:
            read(stack)
    assert files.settings("dev")["region"] == ("eu-west-1" if prepared else "eu-west-2")
    assert files.settings("team") == {"seed": 3}
    assert contents(tmp_path) == before
    assert (tmp_path / "data").exists() is prepared


def test_git_is_asked_once_however_many_stacks_are_prepared(
    checkout: Path, git: Git, monkeypatch: pytest.MonkeyPatch
) -> None:
    started: list[object] = []
    popen = subprocess.Popen
    monkeypatch.setattr(subprocess, "Popen", lambda words, **options: started.append(words) or popen(words, **options))
    change(checkout / "Pulumi.lab.yaml", "seed", 7)
    for stack in ("dev", "team", "lab", "team"):
        files.prepare(stack)
    assert len(started) == 1


def test_preparing_again_writes_nothing(checkout: Path, tmp_path: Path) -> None:
    files.prepare("dev")
    before = contents(tmp_path)
    files.prepare("dev")
    assert contents(tmp_path) == before


def test_the_copy_of_a_file_that_is_committed_no_longer_counts_no_longer(checkout: Path, git: Git) -> None:
    change(own_file("team"), "seed", 4)
    git("rm", "--quiet", "--cached", "Pulumi.team.yaml")
    files._tracked.cache_clear()  # as in the next command
    assert files.prepare("team") == checkout
    assert files.settings("team") == {"seed": 3}


def test_a_copy_takes_no_salt_from_a_committed_file(checkout: Path) -> None:
    """The committed one is of the empty passphrase, and the user may have another."""
    (checkout / "Pulumi.dev.yaml").write_text(f"{DEV}encryptionsalt: v1:committed\n")
    assert "encryptionsalt" not in yaml.safe_load(own_file("dev").read_text())
    own_file("dev").write_text(f"encryptionsalt: v1:abc\n{DEV}")
    (checkout / "Pulumi.dev.yaml").write_text(f"{DEV}  sociometer:seed: 2\nencryptionsalt: v1:changed\n")
    assert yaml.safe_load(own_file("dev").read_text())["encryptionsalt"] == "v1:abc"


NAMES_ENVIRONMENT = "name: sociometer\nruntime:\n  name: python\n  options:\n    virtualenv: .venv\n"


def test_where_the_project_names_the_environment_that_runs_this_pulumi_works_in_the_checkout(checkout: Path) -> None:
    (checkout / "Pulumi.yaml").write_text(NAMES_ENVIRONMENT)
    (checkout / ".venv").symlink_to(sys.prefix)
    assert files.prepare("mine") == files.working_folder("mine") == checkout


def test_where_it_names_another_pulumi_works_beside_and_finds_the_stacks_files_in_the_checkout(checkout: Path) -> None:
    (checkout / "Pulumi.yaml").write_text(NAMES_ENVIRONMENT)
    folder = files.prepare("mine")
    assert folder == files.working_folder("mine") != checkout
    project = yaml.safe_load((folder / "Pulumi.yaml").read_text())
    assert project["runtime"] == {"name": "python"}
    assert (folder / project["stackConfigDir"]).resolve() == checkout
    change(checkout / "Pulumi.mine.yaml", "seed", 7)
    assert files.settings("mine") == {"seed": 7}


def ignored(name: str) -> bool:
    """Whether git would hide a file of that name at the top of this project."""
    root = asset("Pulumi.yaml").parent
    command = ["git", "-c", "safe.directory=*", "-C", str(root), "check-ignore", "--quiet", "--no-index", name]
    return subprocess.run(command, check=False).returncode == 0


def test_git_hides_the_files_of_stacks_that_nobody_named_and_of_no_other() -> None:
    lab = [preset.stack for preset in PRESETS.values() if preset.stack != files.FARGATE_STACK]
    unnamed = [*lab, *(f"{stack}-{name}" for stack in (*lab, files.FARGATE_STACK) for name in BUILT_IN_VARIANTS)]
    assert [stack for stack in unnamed if not ignored(f"Pulumi.{stack}.yaml")] == []
    assert [stack for stack in ("mine", "prod", "lab-2", *files.SHIPPED) if ignored(f"Pulumi.{stack}.yaml")] == []
