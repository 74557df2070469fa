"""How large own images are, for a plan and its price: found for settings or in a stack's outputs, and put in words."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import asdict, dataclass, field
from typing import TYPE_CHECKING

from experiments.wording import size
from infra.oci.names import parse
from infra.outputs import StackOutputs
from infra.settings.model import Settings

if TYPE_CHECKING:
    from infra.sources.weight import Weight


@dataclass(frozen=True)
class Weights:
    """What own images weigh, by variant; none where only built-in variants are wanted.

    ``stand_ins`` are the bytes that a simulation takes for images that it does not look at.
    """

    found: Mapping[str, Weight] = field(default_factory=dict)
    stand_ins: Mapping[str, int] = field(default_factory=dict)

    @property
    def layer_bytes(self) -> dict[str, int]:
        """Bytes of the layers, as far as they can be known."""
        return {name: weight.layer_bytes for name, weight in self.found.items()}

    @property
    def exact(self) -> dict[str, int]:
        """Those of images whose compressed layers lie somewhere."""
        return {name: weight.layer_bytes for name, weight in self.found.items() if weight.exact}

    def notes(self) -> Iterator[str]:
        """What a reader of a plan must know about its own images, line by line."""
        for name, count in self.stand_ins.items():
            yield f"{name}: a simulation looks at no image; it counts as the movie, {size(count)}."
        for name, weight in self.found.items():
            if weight.exact:
                yield f"{name}: {size(weight.layer_bytes)} of layers, by the manifest of {weight.image}."
            else:
                yield (
                    f"{name}: about {size(weight.layer_bytes)}, by the layers of {weight.image} as they lie there: "
                    "they are not compressed yet, so that less will be pulled and stored."
                )
        if self.found:
            yield (
                f"What the boot of {' and '.join(self.found)} reads and computes is unknown before it has run. The "
                "shorter time counts nothing of it; the longer one, and any cost, as if it read and hashed all of it."
            )

    def plain(self) -> dict[str, dict[str, object]]:
        """The same for scripts."""
        return {name: asdict(weight) for name, weight in self.found.items()}


def of_settings(settings: Settings, variants: Sequence[str]) -> Weights:
    """Those that the images of some variants have now, wherever they lie; raises `ImageError` or `MachineError`."""
    from infra.sources.weight import weigh  # its network libraries are needed here alone

    return Weights({name: weigh(parse(settings.images[name].image), settings.platform) for name in variants})


def of_outputs(outputs: StackOutputs, variants: Sequence[str]) -> Weights:
    """Those that the images of some variants have in a stack that is up."""
    from infra.sources.weight import Weight

    held = {name: outputs.variants[name] for name in variants}
    return Weights(
        {name: Weight(it.source_image, it.source_image.rpartition("@")[2], it.image_bytes) for name, it in held.items()}
    )
