"""Take the programs out of a release: nothing else of it is kept, and nothing lands outside the folder."""

from __future__ import annotations

import shutil
import tarfile
import zlib
from pathlib import Path, PurePosixPath

from kit.errors import DownloadError
from kit.toolchain.releases import Release


def unpack(release: Release, file: Path, programs: tuple[str, ...], into: Path) -> None:
    """Put the ``programs`` of a release's file into the folder ``into``, executable.

    They are found by their names, wherever in the archive they lie. Raises `DownloadError` when one is not in it.
    """
    into.mkdir(parents=True, exist_ok=True)
    if release.is_archive:
        _out_of_archive(release, file, programs, into)
    else:
        shutil.copyfile(file, into / programs[0])
    for name in programs:
        if not (into / name).is_file():
            raise DownloadError(f"{release.file} has no program {dict(release.inside).get(name, name)}.")
        (into / name).chmod(0o755)


def _out_of_archive(release: Release, file: Path, programs: tuple[str, ...], into: Path) -> None:
    wanted = {dict(release.inside).get(name, name): name for name in programs}
    try:
        with tarfile.open(file) as archive:
            for member in archive:
                name = wanted.get(PurePosixPath(member.name).name)
                if name is not None and member.isreg() and (content := archive.extractfile(member)) is not None:
                    # Only its bytes, to a name of ours: the filters against bad members came with Python 3.11.4.
                    with (into / name).open("wb") as program:
                        shutil.copyfileobj(content, program, 1 << 20)
    except (tarfile.TarError, EOFError, zlib.error) as error:
        raise DownloadError(f"{release.file} cannot be unpacked: {error}.") from error
