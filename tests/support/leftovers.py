"""What labs can leave on a machine, where other workers and other people have labs of their own."""

from __future__ import annotations

import os
import subprocess
from pathlib import Path

from infra.lab import cgroup, cluster
from kit.machine import mountinfo


def left_on_the_machine(pid: int | None = None) -> list[str]:
    """Cgroups that a process (this one) made, and folders, processes and mounts of the data folder in use."""
    here, ours = str(cluster.run_folder()), f"{pid or os.getpid()}-"
    processes = subprocess.run(["ps", "-eo", "pid,args"], capture_output=True, text=True, check=True).stdout
    return [
        *(group for group in cgroup.groups(mountinfo.Hierarchies.among(mountinfo.of())) if group.startswith(ours)),
        *(str(folder) for folder in cluster.run_folder().glob("*")),
        *(line for line in processes.splitlines() if here in line),
        *(line for line in Path("/proc/self/mountinfo").read_text().splitlines() if here in line),
    ]
