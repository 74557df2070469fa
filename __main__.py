"""Entry point of `pulumi up`: the program itself is importable, so that the Automation API runs the same one."""

from infra.program import deploy

deploy()
