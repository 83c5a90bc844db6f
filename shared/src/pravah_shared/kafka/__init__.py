"""Kafka: connection, topics, publishing. Only this package and `processing` know a client."""
