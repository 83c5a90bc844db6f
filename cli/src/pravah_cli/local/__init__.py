"""Real parts on one machine without containers: Kafka, a store, a mail server, a token issuer."""
