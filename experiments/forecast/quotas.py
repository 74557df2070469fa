"""The account quotas that a round would exceed, told before anything is started. Pure.

The quotas are those of new accounts (Service Quotas: AWS Fargate, Elastic Load Balancing, Amazon ECS); all can be
raised. Some accounts start lower, others were raised long ago, so these are notes, not refusals.
"""

from __future__ import annotations

UNITS_PER_VCPU = 1024
VCPU_QUOTA = 6
TARGETS_QUOTA = 1000
TASKS_QUOTA = 5000


def quota_notes(region: str, cpu_units: int, task_count: int) -> list[str]:
    """A sentence for each quota that a round of ``task_count`` tasks of ``cpu_units`` each exceeds."""
    vcpus = task_count * cpu_units / UNITS_PER_VCPU
    needed = (
        (vcpus, VCPU_QUOTA, "Fargate On-Demand vCPU resource count (L-3032A538)"),
        (task_count, TARGETS_QUOTA, "Targets per Application Load Balancer (L-7E6692B2)"),
        (task_count, TASKS_QUOTA, "Tasks per service (L-9EF96962)"),
    )
    return [
        f"{task_count} tasks at once need {amount:g} of the quota {name} in {region}: {quota} unless raised."
        for amount, quota, name in needed
        if amount > quota
    ]
