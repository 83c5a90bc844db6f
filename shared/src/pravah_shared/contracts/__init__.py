"""What others build on, written to contracts/: event schemas, AsyncAPI and OpenAPI documents."""
