"""How many threads one ONNX session may use on this machine, inside its affinity mask and CPU quota."""

from __future__ import annotations

import math
import os
from collections.abc import Iterable
from pathlib import Path

SESSION_THREADS_LIMIT = 16
"""Most threads of one session. Convolutions of one small batch are split into a few hundred blocks, which
16 cores finish in less time than it takes to wake 64 threads for every layer; the cores beyond are worth
more to decoding, which runs at the same time."""

CPU_FOLDER = Path("/sys/devices/system/cpu")
CGROUP_FOLDER = Path("/sys/fs/cgroup")


def allowed_cpus() -> frozenset[int]:
    """Numbers of the logical CPUs that this process may run on."""
    if hasattr(os, "sched_getaffinity"):
        return frozenset(os.sched_getaffinity(0))
    return frozenset(range(os.cpu_count() or 1))


def physical_cores(cpus: Iterable[int], folder: Path = CPU_FOLDER) -> int:
    """Physical cores among the logical CPUs `cpus`; their number where the system does not say (not Linux).

    Two hyper-threads share one core's vector units, so that a second thread on it does not multiply matrices
    any faster.
    """
    cores = set()
    for cpu in cpus:
        siblings = folder / f"cpu{cpu}" / "topology" / "thread_siblings_list"
        try:
            cores.add(siblings.read_text().strip())
        except OSError:
            cores.add(str(cpu))
    return max(1, len(cores))


def cpu_quota(folder: Path = CGROUP_FOLDER) -> float | None:
    """CPUs' worth of time that a container grants; `None` where there is no limit.

    Source: the kernel's `cpu.max` (cgroup v2) and `cpu.cfs_quota_us` / `cpu.cfs_period_us` (v1), in
    microseconds of CPU time per period.
    """
    try:
        if (folder / "cpu.max").exists():
            quota, period = (folder / "cpu.max").read_text().split()
        else:
            quota = (folder / "cpu" / "cpu.cfs_quota_us").read_text()
            period = (folder / "cpu" / "cpu.cfs_period_us").read_text()
        return int(quota) / int(period) if int(quota) > 0 else None
    except (OSError, ValueError, ZeroDivisionError):
        return None


def session_threads() -> int:
    """Threads for one session: the physical cores this process may use, 16 at most, 1 at least."""
    cores = physical_cores(allowed_cpus())
    quota = cpu_quota()
    granted = cores if quota is None else min(cores, max(1, math.ceil(quota)))
    return min(granted, SESSION_THREADS_LIMIT)
