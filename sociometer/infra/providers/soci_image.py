"""See `infra.providers.soci_image`."""

from infra.providers.soci_image import SociImageProvider as SociImageProvider
