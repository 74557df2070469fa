"""Boots a prepared image once in the lab, as a round's task, and sees which parts of which files it reads.

The snapshotter's log says which files were opened, and when; the page cache of its file systems says which pages of
them were asked for, the kernel's reading ahead included: that costs spans, too. So both are looked at while the
container stands still at the moment when it is ready.
"""

from __future__ import annotations

import uuid
from collections import Counter
from collections.abc import Callable, Iterator, Sequence
from concurrent.futures import Future, ThreadPoolExecutor
from contextlib import ExitStack, closing, contextmanager
from dataclasses import dataclass
from pathlib import Path

from infra.lab import mounts
from infra.lab.cluster import Cluster, clear_orphans
from infra.lab.container_spec import Container
from infra.lab.daemons import PullModes
from infra.lab.edge import REGISTRY
from infra.lab.fuse_log import READ, Access
from infra.lab.host import Host
from infra.lab.profiles import Profile
from infra.lab.protocol import Ending, LabTask, TaskRun
from infra.lab.task import TaskLife
from infra.settings.own import OwnImage
from infra.trace.contents import Content, LayerFiles, Range
from infra.trace.prepare import REPOSITORY, Prepared
from infra.trace.seen import Observation
from kit.errors import LabError
from kit.machine import page_cache
from kit.values import Notify

DEFAULT_PROFILE = "fargate-1024-2048"
"""A small task would read the same, and take four times as long."""

REQUEST_BYTES = 128 << 10
"""As much as the kernel asks of a FUSE file system at once, unless told otherwise."""


@dataclass(frozen=True)
class Wanted:
    """How to boot: the user's settings of the image, the kind of task, and after how many seconds it is given up."""

    image: OwnImage
    profile: Profile
    platform: str
    timeout_seconds: float


@contextmanager
def opening(storage: Path, wanted: Wanted) -> Iterator[Future[Cluster]]:
    """A lab with one fresh host, over a registry's files; it is made while the block goes on, and gone at its end."""
    storage.mkdir(parents=True)
    with ExitStack() as made, ThreadPoolExecutor(1, thread_name_prefix="lab") as beside:

        def make() -> Cluster:
            clear_orphans()
            cluster = made.enter_context(closing(Cluster.open(storage, wanted.profile, wanted.platform)))
            cluster.metered = cluster.judged = False
            made.enter_context(cluster.fresh_hosts(1, PullModes(traced=True)))
            return cluster

        yield beside.submit(make)


def boot(lab: Future[Cluster], image: Prepared, wanted: Wanted, notify: Notify) -> tuple[Host, TaskRun]:
    """Boot the image; it is ready and stands still then. Raises `LabError` with what was seen last when it never is."""
    notify("preparing")
    cluster = lab.result()
    (host,) = cluster.hosts
    life = cluster.life(host, task_of(image, wanted))
    cluster.live([life], _told(life, notify))
    if life.run.ending is not Ending.BOOTED:
        reason = " ".join((life.run.reason or "").split())
        raise LabError(
            f"The image did not become ready ({image.image.ready}), so there is no trace. {_sentence(reason)}"
        )
    host.freeze()
    return host, life.run


def _sentence(text: str) -> str:
    return text[:1].upper() + text[1:]


def _told(life: TaskLife, notify: Notify) -> Callable[[], None]:
    """What to call while a task lives: it tells each phase once."""
    said: list[str] = []

    def watch() -> None:
        if life.run.phase not in said:
            said.append(life.run.phase)
            notify(life.run.phase)

    return watch


def observe(host: Host, run: TaskRun, layers: Sequence[LayerFiles | None]) -> Observation:
    """Look at a boot that stands still; ``layers`` is lowest first, None for a layer that is not lazy."""
    if run.pull_stopped_ns is None or run.ready_ns is None:
        raise LabError("A task that was never ready cannot be looked at.")
    received_bytes = host.received_bytes()
    folders = host.layers.folders()
    if len(folders) != len(layers):
        raise LabError(f"The container's root has {len(folders)} layers, its image {len(layers)}: nothing can be told.")
    seen = [one for one in host.layers.accesses() if one.at_ns <= run.ready_ns]
    found = _Found(layers, folders)
    for access in seen:
        found.add(access)
    return Observation(
        began_ns=run.pull_stopped_ns,
        ready_ns=run.ready_ns,
        first_ns=found.first_ns,
        read=found.read,
        received_bytes=received_bytes,
        strangers=tuple(found.strangers),
        whole_bytes=host.layers.whole_bytes(),
        gone=tuple(content.path for content in found.fill_gaps()),
        short_of_memory=host.was_short_of_memory(),
    )


class _Found:
    """Finds the content behind each name in the log. A name may be in several layers: then it is the one of which
    something is in memory, and if there is none, the uppermost."""

    def __init__(self, layers: Sequence[LayerFiles | None], folders: Sequence[Path]) -> None:
        self._layers, self._folders = layers, folders
        self._by_path: dict[str, list[Content]] = {}
        self.first_ns: dict[Content, int] = {}
        self.read: dict[Content, list[Range]] = {}
        self._requests: Counter[Content] = Counter()
        self.strangers: dict[str, None] = {}

    def add(self, access: Access) -> None:
        if access.path not in self._by_path:
            self._by_path[access.path] = self._find(access.path)
        for content in self._by_path[access.path]:
            self.first_ns.setdefault(content, access.at_ns)
            if access.operation == READ:
                self._requests[content] += 1

    def fill_gaps(self) -> list[Content]:
        """Files that were read and have no page in memory any more: the kernel has dropped them, or holds them under
        an inode that it no longer gives out. Each request counts as read from the beginning on; gives these files."""
        gone = [content for content in self._requests if content.size and not self.read[content]]
        for content in gone:
            self.read[content] = [(0, min(content.size, self._requests[content] * REQUEST_BYTES))]
        return gone

    def _find(self, path: str) -> list[Content]:
        named = [content for layer in reversed(self._layers) if layer and (content := layer.named(path))]
        if not named:
            self.strangers[path] = None
            return []
        pages = {content: self._pages(content) for content in named}
        chosen = [content for content, ranges in pages.items() if ranges] or named[:1]
        self.read.update({content: pages[content] for content in chosen})
        return chosen

    def _pages(self, content: Content) -> list[Range]:
        if content in self.read:
            return self.read[content]
        try:
            with page_cache.opened_beneath(self._folders[content.layer], content.path) as descriptor:
                return page_cache.resident(descriptor)
        except OSError as error:
            raise LabError(f"{content.path} of layer {content.layer} cannot be looked at: {error.strerror}.") from error


def task_of(image: Prepared, wanted: Wanted) -> LabTask:
    """A task of a prepared image, as it is booted once."""
    unique = uuid.uuid4().hex
    return LabTask(
        task_arn=f"arn:lab:ecs:local:000000000000:task/sociometer/{unique}",
        container_id=unique,
        image=f"{REGISTRY}/{REPOSITORY}@{image.digest}",
        image_digest=image.digest,
        snapshotter=mounts.SOCI,
        lazy_layers=image.lazy_layers,
        container=Container(image.image.config, wanted.image.container()),
        ready=image.image.ready,
        has_boot_report=False,
        timeout_seconds=wanted.timeout_seconds,
    )
