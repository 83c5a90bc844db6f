"""Parts of the documents that are generated from the code, so that they cannot be wrong."""
