"""How many requests a round may take: the least that paging allows, and the bounds that the executor keeps to. Pure.

A perfect observer, who knew when each fact was there, would ask:

    UpdateService 2      to N, and back to 0
    DescribeServices 1   that all are up: it counts tasks without listing them
    ListTasks            pages of 100: the round's tasks; one empty page: none runs any more; and those stopped, to see
                         that there was no task beside them (ECS lists those of the last hour, so also earlier rounds')
    DescribeTasks        pages of 100, twice: every time of every task, and that (and why) each has stopped
    FilterLogEvents      pages of 1 MB or 10,000 events: the boot reports

A real observer has to ask repeatedly whether something is there yet. The executor stays within twice the least, not
counting retries.
"""

from __future__ import annotations

from math import ceil

from experiments.executors.fargate.aws import TASKS_PER_CALL

OPERATIONS = ("UpdateService", "DescribeServices", "ListTasks", "DescribeTasks", "FilterLogEvents")
"""What a round asks of AWS, as `Aws.calls` names it."""
UPDATES = 2
DESCRIBED_SERVICES = 1
REPORT_BYTES = 1_000
"""A boot report of four files and its event's envelope, rounded up."""
LOG_PAGE_BYTES = 1 << 20
LOG_PAGE_EVENTS = 10_000
"""FilterLogEvents: the most in one call (API reference of Amazon CloudWatch Logs)."""
BALANCER_GETS = 400
BALANCER_GETS_PER_TASK = 4
"""The most requests to the load balancer in a round. It picks the task that answers: to meet each of N takes
N (ln N + 0.58) requests when it picks at random, N when it takes turns. 4 N meet 98 % at random, and all in turn."""
TASK_BYTES = 6_144
"""Memory that a round takes for each task, watched and recorded; a test holds it to that."""


def minimum(task_count: int, stopped_earlier: int = 0) -> int:
    """Requests to AWS that a round of ``task_count`` tasks takes at least.

    ``stopped_earlier`` tasks of earlier rounds are still listed by ECS as stopped, and must be paged through.
    """
    pages = ceil(task_count / TASKS_PER_CALL)
    stopped_pages = ceil((task_count + stopped_earlier) / TASKS_PER_CALL)
    log_pages = max(ceil(task_count * REPORT_BYTES / LOG_PAGE_BYTES), ceil(task_count / LOG_PAGE_EVENTS))
    listed = pages + 1 + stopped_pages
    return UPDATES + DESCRIBED_SERVICES + listed + 2 * pages + log_pages


def most_gets(task_count: int) -> int:
    """Requests to the load balancer that a round of ``task_count`` tasks takes at most."""
    return BALANCER_GETS + BALANCER_GETS_PER_TASK * task_count
