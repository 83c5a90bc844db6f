"""The operators' page: what flows, how old it gets, what waits, what died."""
