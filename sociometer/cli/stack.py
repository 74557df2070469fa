"""`sociometer up | down | outputs | index | stack`: makes and removes stacks, and shows what they hold.

They parse options, call `infra.automation.stack`, and print; results on standard output, progress on
standard error.
"""

from __future__ import annotations

import json
import shlex
import sys
from collections.abc import Iterator
from dataclasses import asdict
from typing import TYPE_CHECKING, Annotated

import typer
from rich.console import Console
from rich.table import Table

from infra.automation import files
from infra.fargate import access
from infra.outputs import StackOutputs, TreatmentOutput
from infra.settings.model import Settings
from kit.errors import SettingsError, SociometerError
from sociometer.cli import actions, spending, suggestions, weights
from sociometer.cli.choosing import chosen_target
from sociometer.cli.columns import plain_table, short, size
from sociometer.cli.commands import spread
from sociometer.cli.options import (
    FORMS_HELP,
    AsJson,
    Stack,
    StackOptions,
    StackSettings,
    TargetName,
    Variants,
    Yes,
    chosen_forms,
    only_variant,
    parse_settings,
)
from sociometer.cli.removing import remove
from sociometer.cli.targets import Target

if TYPE_CHECKING:
    from infra.oci.index import IndexedLayer, SociIndex

PANEL = "Stacks"
StackName = Annotated[str, typer.Option("--stack", help="The stack to use.", autocompletion=suggestions.stacks)]
DEFAULT_STACK = "lab"

index = typer.Typer(no_args_is_help=True, help="The SOCI indexes behind a stack's images.")
stack_group = typer.Typer(no_args_is_help=True, help="Work with a stack by hand.")


def register(app: typer.Typer) -> None:
    """Add the stack commands to the command."""
    for command in (up, down, outputs):
        app.command(rich_help_panel=PANEL)(spread(command))
    app.add_typer(index, name="index", rich_help_panel=PANEL)
    app.add_typer(stack_group, name="stack", rich_help_panel=PANEL)


def up(
    target: TargetName = None,
    stack: Stack = None,
    settings: StackSettings = None,
    variants: Variants = None,
    variant: Annotated[
        str | None, typer.Option("--variant", help="The one variant, on a stack of its own: lab-movie, dev-movie.")
    ] = None,
    forms: Annotated[
        str | None, typer.Option("--forms", "--form", help=FORMS_HELP, autocompletion=suggestions.forms)
    ] = None,
    yes: Yes = False,
    as_json: AsJson = False,
) -> None:
    """Make a stack: a registry and, in it, each variant's image in each form; on fargate also what runs them.

    What is there already and unchanged is left as it is; what was lost is made again. On fargate it costs money as
    long as it is up: that is shown and asked about first.
    """
    on = _on(StackOptions(target, stack, variant))
    named = chosen_forms(forms)
    chosen = {"variants": only_variant(variant, variants), "forms": list(named) if named is not None else None}
    wanted = {key: value for key, value in chosen.items() if value is not None} | parse_settings(settings or [])
    to_set = on.settings_to_set(wanted)
    if on.spends:
        complete = on.complete_settings(to_set)
        if complete.images:
            on.equip(complete)  # a registry is asked what they weigh
        found = weights.of_settings(complete, list(complete.images))
        spending.confirm_standing(complete, found.layer_bytes, yes=yes)
        on.equip(complete)
    _show_outputs(actions.up(on.stack, to_set), as_json=as_json)


def down(where: StackOptions) -> None:
    """Remove everything of a stack and verify that nothing is left. Records, results and caches are kept.

    On fargate, what could not be removed is listed with its cost a day, and so are other stacks that are still up.
    """
    remove(_on(where))


def outputs(where: StackOptions, as_json: AsJson = False) -> None:
    """Show what a stack holds: its variants' images in their forms."""
    _show_outputs(actions.outputs(_on(where).stack), as_json=as_json)


@stack_group.command("env")
def environment() -> None:
    """Print what `pulumi` needs in its environment to work on the same stacks: eval "$(sociometer stack env)"."""
    from infra.automation import workspace

    for name, value in workspace.environment().items():
        sys.stdout.write(f"export {name}={shlex.quote(value)}\n")


@stack_group.command("bastion")
def bastion(stack: StackName = files.FARGATE_STACK) -> None:
    """Print the command that copies this checkout to the stack's bastion and opens a shell there.

    It works as soon as the machine is made, also when `up` failed afterwards, as on a system without the soci CLI.
    """
    from infra.automation import stack as stacks  # Pulumi is slow to import

    found = access.in_state(stacks.deployment(stack))
    if found is None:
        raise SettingsError(f"Stack {stack} has no bastion. `--set bastion=true` with `sociometer up` adds it.")
    region = Settings.parse(files.settings(stack)).region
    sys.stdout.write(f"{access.copy_and_run(found, region)}\n")


@index.command("list")
def list_indexes(stack: StackName = DEFAULT_STACK, as_json: AsJson = False) -> None:
    """One line per image that has a SOCI index: how many layers it covers and what it costs."""
    rows = [
        {
            "variant": variant,
            "form": treatment.form,
            "image": treatment.image,
            "index": treatment.index_digest,
            "layers": len(treatment.ztocs),
            "skipped": len(treatment.skipped_layers),
            "layer_bytes": sum(ztoc.layer_bytes for ztoc in treatment.ztocs),
            "ztoc_bytes": sum(ztoc.size_bytes for ztoc in treatment.ztocs),
            "span_bytes": treatment.span_bytes,
        }
        for variant, treatment in _treatments(actions.outputs(stack))
        if treatment.index_digest is not None
    ]
    if as_json:
        _print_json(rows)
        return
    table = plain_table("Variant", "Form", "Index", ">Layers", ">Skipped", ">Size", ">zTOCs", ">Span")
    for row in rows:
        sizes = (size(row[key]) for key in ("layer_bytes", "ztoc_bytes", "span_bytes"))
        counts = (str(row["layers"]), str(row["skipped"]))
        table.add_row(str(row["variant"]), str(row["form"]), short(str(row["index"])), *counts, *sizes)
    Console().print(table)


@index.command("info")
def show_index(
    variant: Annotated[str, typer.Argument(help="The variant whose image to look at.")],
    form: Annotated[str | None, typer.Argument(help="Its form.", show_default="every one with an index")] = None,
    stack: StackName = DEFAULT_STACK,
    as_json: AsJson = False,
) -> None:
    """Show each layer of an image with its zTOC: spans, files, sizes. Read from the registry itself.

    Also how many of its spans are prefetched before the task starts.
    """
    named = chosen_forms(form)
    indexes = list(_read_indexes(actions.outputs(stack), variant, named[0] if named else None))
    if as_json:
        _print_json([{"form": name, **asdict(read)} for name, read in indexes])
        return
    for name, read in indexes:
        Console().print(_index_table(f"{variant}, {name}: index {read.digest}", read))


def _read_indexes(made: StackOutputs, variant: str, form: str | None) -> Iterator[tuple[str, SociIndex]]:
    from infra.oci.entry import entered
    from infra.oci.index import read_index  # what reads zTOCs is slow to import

    if variant not in made.variants:
        raise SettingsError(f"The stack has no variant '{variant}'. Allowed: {', '.join(made.variants)}.")
    treatments = made.variants[variant].treatments
    lazy = {name: treatment for name, treatment in treatments.items() if treatment.index_digest is not None}
    if form is not None and form not in lazy:
        raise SettingsError(f"Variant {variant} has no index in form '{form}'. Allowed: {', '.join(lazy) or 'none'}.")
    for name, treatment in lazy.items():
        if form in (None, name):
            with entered(made.registry, made.fargate.region if made.fargate else None) as access:
                read = read_index(treatment.image, access)
            if read is None:
                raise SociometerError(f"{treatment.image} has no index any more. `sociometer up` makes it again.")
            yield name, read


def _index_table(title: str, read: SociIndex) -> Table:
    table = plain_table("Layer", ">Size", "zTOC", ">Size", ">Spans", ">First", ">Span", ">Files", title=title)
    for layer in read.layers:
        table.add_row(*_index_row(layer))
    for digest in read.unindexed_layers:
        table.add_row(short(digest), "", "none: loaded whole")
    return table


def _index_row(layer: IndexedLayer) -> tuple[str, ...]:
    of_layer = (short(layer.layer_digest), size(layer.layer_bytes))
    of_ztoc = (short(layer.ztoc_digest), size(layer.ztoc_bytes))
    spans = (str(layer.info.span_count), str(layer.prefetched_spans or ""), size(layer.span_bytes))
    return (*of_layer, *of_ztoc, *spans, str(layer.info.file_count))


def _on(where: StackOptions) -> Target:
    target = chosen_target(where.target, where.stack, None, where.variant)
    target.require_stack()
    return target


def _treatments(made: StackOutputs) -> Iterator[tuple[str, TreatmentOutput]]:
    for name, variant in made.variants.items():
        for treatment in variant.treatments.values():
            yield name, treatment


def _show_outputs(made: StackOutputs, *, as_json: bool) -> None:
    if as_json:
        sys.stdout.write(made.model_dump_json(indent=2) + "\n")
        return
    table = plain_table("Variant", "Form", "Image", ">Pushed", ">Seconds", title=f"{made.platform} in {made.registry}")
    for variant, treatment in _treatments(made):
        numbers = (size(treatment.pushed_bytes), f"{treatment.seconds:.1f}")
        table.add_row(variant, treatment.form, short(treatment.image_digest), *numbers)
    Console().print(table)
    if made.fargate is not None and (bastion := made.fargate.bastion) is not None:
        sys.stdout.write(
            f"\nBastion {bastion.instance_id}, bucket {bastion.bucket}. In a checkout, this copies it and "
        )
        sys.stdout.write(f"opens a shell there:\n{access.copy_and_run(bastion, made.fargate.region)}\n")


def _print_json(value: object) -> None:
    sys.stdout.write(json.dumps(value, indent=2) + "\n")
