"""Credentials: formats, keys and signatures. Nothing here awaits or knows a store.

- `keyfile` reads secrets from files, or makes them for development
- `registry` holds who may have signed; one source for the JWKS and for verification
- `signer` signs bytes; `numbers` makes certificate numbers
- `openbadge` writes the claims (Open Badges 3.0 on VC Data Model 2.0), `vcjwt` signs them
- `issuer` puts these together: an earned certificate in, a stored one out
"""
