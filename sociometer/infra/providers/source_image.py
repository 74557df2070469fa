"""See `infra.providers.source_image`."""

from infra.providers.source_image import SourceImageProvider as SourceImageProvider
