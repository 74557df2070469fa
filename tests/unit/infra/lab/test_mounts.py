from pathlib import Path

from infra.lab import mounts
from kit.machine import mountinfo

ROOT = Path("/data/h0/soci")
ROOTFS = Path("/data/h0/rootfs")
LAZY = "50 24 0:40 / /data/h0/soci/snapshotter/snapshots/3/fs rw,nodev - fuse.rawBridge soci rw,user_id=0\n"
SOCI_ROOTFS = (
    "60 24 0:50 / /data/h0/rootfs rw - overlay overlay "
    "rw,lowerdir=/data/h0/soci/snapshotter/snapshots/3/fs,upperdir=/data/h0/soci/snapshotter/snapshots/9/fs,workdir=/w\n"
)
WHOLE_ROOTFS = SOCI_ROOTFS.replace("/data/h0/soci/snapshotter", "/data/h0/containerd/overlayfs")
FOREIGN_FUSE = "51 24 0:41 / /home/me/photos rw - fuse.sshfs me@there rw\n"


def seen(*lines: str) -> list[mountinfo.Mount]:
    return mountinfo.parse("".join(lines))


def test_a_root_over_fuse_layers_is_told_as_soci() -> None:
    assert mounts.snapshotter(seen(LAZY, SOCI_ROOTFS), ROOTFS, ROOT) == "soci"
    assert len(mounts.lazy_devices(seen(LAZY, SOCI_ROOTFS, FOREIGN_FUSE), ROOT)) == 1


def test_a_soci_root_whose_layers_were_all_downloaded_is_told_as_overlayfs() -> None:
    assert mounts.snapshotter(seen(SOCI_ROOTFS), ROOTFS, ROOT) == "overlayfs"


def test_a_whole_root_is_told_as_overlayfs_even_beside_lazy_layers() -> None:
    assert mounts.snapshotter(seen(LAZY, WHOLE_ROOTFS), ROOTFS, ROOT) == "overlayfs"


def test_a_container_without_root_has_no_snapshotter_yet() -> None:
    assert mounts.snapshotter(seen(LAZY, SOCI_ROOTFS), Path("/data/h1/rootfs"), ROOT) is None


def test_lazy_layers_of_another_host_do_not_count() -> None:
    assert mounts.lazy_devices(seen(LAZY), Path("/data/h1/soci")) == []


def test_the_layers_under_a_root_are_told_from_the_lowest_up() -> None:
    snapshots = ROOT / "snapshotter/snapshots"
    many = SOCI_ROOTFS.replace("snapshots/3/fs", f"snapshots/3/fs:{snapshots}/2/fs:{snapshots}/1/fs")
    assert mounts.layer_folders(seen(LAZY, many), ROOTFS, ROOT) == [snapshots / f"{it}/fs" for it in (1, 2, 3)]


def test_layers_that_are_named_relative_to_the_snapshotter_or_one_by_one_are_found_too() -> None:
    snapshots = ROOT / "snapshotter/snapshots"
    absolute = f"lowerdir={snapshots}/3/fs"
    expected = [snapshots / "1/fs", snapshots / "3/fs"]
    relative = SOCI_ROOTFS.replace(absolute, "lowerdir=3/fs:1/fs")
    assert mounts.layer_folders(seen(relative), ROOTFS, ROOT) == expected
    singly = SOCI_ROOTFS.replace(absolute, f"lowerdir+={snapshots}/3/fs,lowerdir+={snapshots}/1/fs")
    assert mounts.layer_folders(seen(singly), ROOTFS, ROOT) == expected
    assert mounts.layer_folders(seen(LAZY), ROOTFS, ROOT) == []
