"""A token issuer for development: the OpenID Connect parts that services read, and one key."""
