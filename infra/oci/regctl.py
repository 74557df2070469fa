"""Registry work through regctl: manifests, blobs, referrers, copies between repositories and layouts.

Credentials come from a Docker configuration file (or the user's own, with its credential helpers) and are never
on a command line. Every call takes its time from one `Deadline`.
"""

from __future__ import annotations

import time
from dataclasses import dataclass
from pathlib import Path

from infra.oci import ecr
from infra.oci.manifest import Descriptor, Index, Manifest, Reference, digest_of, listed, parse
from kit.command import Completed, run
from kit.errors import CommandFailed, CommandTimeout, ImageError, RegistryUnreachable, SettingsError
from kit.toolchain.toolbox import tool

_REFUSED = ("[http 401]", "[http 403]", "unauthorized", "authentication required")
_UNREACHABLE = ("dial tcp", "connection refused", "connection reset", "no such host", "i/o timeout", "EOF")


class Deadline:
    """A time limit for several steps together."""

    def __init__(self, seconds: float) -> None:
        self._end = time.monotonic() + seconds
        self._seconds = seconds

    def remaining_seconds(self) -> float:
        """What is left; raises `CommandTimeout` when nothing is."""
        left = self._end - time.monotonic()
        if left <= 0:
            raise CommandTimeout(f"The time limit of {self._seconds:g} s is over.")
        return left


@dataclass(frozen=True)
class Access:
    """How registries are reached: plain HTTP or TLS, and which Docker ``config.json`` holds the credentials.

    Without ``auth_file`` the user's own Docker configuration is used.
    """

    plain_http: bool = False
    auth_file: Path | None = None

    def __post_init__(self) -> None:
        if self.auth_file is not None and self.auth_file.name != "config.json":
            raise SettingsError(f"{self.auth_file}: a registry auth file is a Docker configuration named config.json.")

    def environment(self) -> dict[str, str]:
        """What a tool's environment needs in order to find the credentials."""
        return {} if self.auth_file is None else {"DOCKER_CONFIG": str(self.auth_file.parent.absolute())}


@dataclass(frozen=True)
class Regctl:
    """regctl with one way to reach registries and one deadline."""

    access: Access
    deadline: Deadline

    def manifest(self, reference: Reference) -> Manifest | Index:
        """The manifest or index behind a digest; raises `ImageError` when it is missing or corrupt."""
        done = self._run(reference.registry, "manifest", "get", "--format", "raw-body", str(reference))
        _found(done, f"{reference} does not exist in the registry")
        raw = done.stdout.encode()
        if digest_of(raw) != reference.digest:
            raise ImageError(f"{reference} is corrupt in the registry: its content has digest {digest_of(raw)}.")
        return parse(raw, name=str(reference))

    def blob(self, reference: Reference) -> str:
        """A small text blob (an image's configuration)."""
        done = self._run(reference.registry, "blob", "get", reference.repository, reference.digest)
        return _found(done, f"Blob {reference} is missing in the registry").stdout

    def has_manifest(self, reference: Reference) -> bool:
        """Whether the registry has it; raises `RegistryUnreachable` when nobody answers."""
        return _exists(self._run(reference.registry, "manifest", "head", str(reference)))

    def digest(self, repository: str, tag: str) -> str | None:
        """What a tag points to, None when there is none; raises `RegistryUnreachable` when nobody answers."""
        done = self._run(_registry(repository), "manifest", "head", f"{repository}:{tag}")
        return done.stdout.strip() if _exists(done) else None

    def tags(self, repository: str) -> list[str]:
        """The tags of a repository; none where there is no such repository."""
        done = self._run(_registry(repository), "tag", "ls", repository)
        return done.stdout.split() if _exists(done) else []

    def tag(self, reference: Reference, tag: str) -> None:
        """Give an image of the registry a tag; no error when it has it."""
        _succeeded(self._run(reference.registry, "image", "copy", str(reference), f"{reference.repository}:{tag}"))

    def has_blob(self, reference: Reference) -> bool:
        """Whether the repository has it; raises `RegistryUnreachable` when nobody answers."""
        return _exists(self._run(reference.registry, "blob", "head", reference.repository, reference.digest))

    def mount(self, source: Reference, repository: str) -> bool:
        """Make a blob of one repository known to another of the same registry, without moving it where it can.

        False when the registry would not (ECR, unless its blob mounting is switched on): regctl then warns, and has
        downloaded the blob and uploaded it again.
        """
        done = self._run(source.registry, "blob", "copy", source.repository, repository, source.digest)
        _found(done, f"Blob {source} is missing in the registry")
        return _NOT_MOUNTED not in done.stderr

    def put_manifest(self, repository: str, manifest: Manifest) -> None:
        """Push a manifest by its digest; its blobs must be there already."""
        words = ("manifest", "put", "--content-type", manifest.media_type, f"{repository}@{manifest.digest}")
        _succeeded(self._run(_registry(repository), *words, stdin=manifest.raw.decode()))

    def pull(self, source: Reference, layout: Path) -> None:
        """Download an image into a layout folder, every digest checked; a corrupt or missing blob is named."""
        done = self._run(source.registry, "image", "copy", str(source), f"ocidir://{layout}")
        _found(done, f"{source} is incomplete in the registry")

    def push(self, layout: Path, reference: Reference) -> None:
        """Upload what the registry lacks of an image (or index) in a layout folder, the top manifest last.

        Every blob is looked for, even where the manifest is there: the registry may have lost one.
        """
        words = ("image", "copy", "--force-recursive", f"ocidir://{layout}@{reference.digest}", str(reference))
        _succeeded(self._run(reference.registry, *words))

    def export(self, source: Reference, archive: Path) -> None:
        """Download an image into one tar file in OCI layout form."""
        done = self._run(source.registry, "image", "export", str(source), str(archive))
        _found(done, f"{source} is incomplete in the registry")

    def referrers(self, subject: Reference, artifact_type: str) -> tuple[Descriptor, ...]:
        """The artifacts of one type that name an image as their subject (referrers API, or its tag schema)."""
        words = ("artifact", "list", str(subject), "--filter-artifact-type", artifact_type)
        done = self._run(subject.registry, *words, "--format", "{{json .Descriptors}}")
        said = _found(done, f"{subject} does not exist in the registry").stdout
        return listed(said, artifact_type, f"The list of what belongs to {subject}")

    def delete_manifest(self, reference: Reference) -> None:
        """Delete a manifest and the tags that point to it; no error when it is not there."""
        self._delete(reference)

    def delete_referrer(self, reference: Reference, subject: Reference) -> None:
        """Delete an artifact that names ``subject``, also from the list of its referrers; no error when it is gone.

        Without referrers API that list is an index under a tag, and its former version would stay as an orphan.
        """
        if not self.has_manifest(reference):
            return
        former = self._referrers_list(subject)
        self._delete(reference, "--referrers")
        if former is not None and former != self._referrers_list(subject):
            self._delete(Reference(subject.repository, former))

    def _referrers_list(self, subject: Reference) -> str | None:
        """Digest of the list of referrers where the registry keeps it under a tag (distribution-spec's tag schema)."""
        return self.digest(subject.repository, subject.digest.replace(":", "-"))

    def _delete(self, reference: Reference, *flags: str) -> None:
        if ecr.region_of(reference.registry) is not None:
            ecr.delete_image(reference.registry, reference.repository.partition("/")[2], reference.digest)
            return
        done = self._run(reference.registry, "manifest", "delete", "--ignore-missing", *flags, str(reference))
        if done.exit_code != 0 and not _is_missing(done):
            _succeeded(done)

    def _run(self, registry: str, *words: str, stdin: str | None = None) -> Completed:
        host = ("--host", f"reg={registry},tls=disabled") if self.access.plain_http else ()
        return run(
            [tool("regctl"), *words, *host],
            timeout_seconds=self.deadline.remaining_seconds(),
            env=self.access.environment(),
            stdin=stdin,
            check=False,
            trusted=True,
        )


_NOT_MOUNTED = "Failed to mount blob"
"""regclient's ``BlobCopy`` logs it as a warning before it falls back to copying."""


def _registry(repository: str) -> str:
    return repository.split("/", 1)[0]


def _exists(done: Completed) -> bool:
    if done.exit_code == 0:
        return True
    if _is_missing(done):
        return False
    _succeeded(done)
    return False


def _found(done: Completed, complaint: str) -> Completed:
    if done.exit_code != 0 and _is_missing(done):
        raise ImageError(f"{complaint}. The registry said:\n  {_last_line(done)}")
    return _succeeded(done)


def _succeeded(done: Completed) -> Completed:
    if done.exit_code == 0:
        return done
    said = _last_line(done)
    if "digest mismatch" in said or "retry limit exceeded" in said:
        raise ImageError(f"The registry holds a corrupt blob: {said}.")
    if any(sign in done.stderr for sign in _REFUSED):
        registry = next((word.split("/", 1)[0] for word in done.argv[3:] if "/" in word), "REGISTRY")
        raise ImageError(f"{registry} wants a login, or refuses yours: `docker login {registry}`. It said: {said}.")
    if any(sign in said for sign in _UNREACHABLE):
        raise RegistryUnreachable(f"The registry does not answer: {said}.")
    raise CommandFailed(f"regctl {' '.join(done.argv[1:3])} failed with exit code {done.exit_code}: {said}")


def _is_missing(done: Completed) -> bool:
    return "[http 404]" in done.stderr


def _last_line(done: Completed) -> str:
    lines = [line for line in done.stderr.splitlines() if line.strip()]
    return lines[-1].strip().rstrip(".") if lines else "nothing"
