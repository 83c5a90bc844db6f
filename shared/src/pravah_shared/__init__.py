"""What every service needs: events, processing, outbox, store, HTTP and telemetry."""
