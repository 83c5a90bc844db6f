"""Removing a deployment's topics: for tests, never in production."""

import asyncio

from aiokafka.admin import AIOKafkaAdminClient

from pravah_shared.errors import ConfigurationError
from pravah_shared.kafka.connection import client_options, started
from pravah_shared.settings import Settings

DEADLINE_SECONDS = 30.0


async def delete_topics(settings: Settings) -> int:
    """Delete every topic that bears the deployment's prefix; return how many there were.

    Raises:
        ConfigurationError: the deployment is production, or its prefix would match everything.
    """
    if settings.environment == "production" or not settings.topic_prefix:
        raise ConfigurationError(
            "topics are deleted only in dev and under a PRAVAH_TOPIC_PREFIX of their own"
        )
    async with asyncio.timeout(DEADLINE_SECONDS):
        admin = AIOKafkaAdminClient(**client_options(settings))
        try:
            await started(admin.start())
            names = await admin.list_topics()
            own = [name for name in names if name.startswith(settings.topic_prefix)]
            if own:
                await admin.delete_topics(own)
        finally:
            await admin.close()
    return len(own)
