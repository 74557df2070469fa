"""See `infra.providers.first_push`."""

from infra.providers.first_push import FirstPushProvider as FirstPushProvider
