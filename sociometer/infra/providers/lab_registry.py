"""See `infra.providers.lab_registry`."""

from infra.providers.lab_registry import LabRegistryProvider as LabRegistryProvider
