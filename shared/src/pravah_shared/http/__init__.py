"""HTTP in: applications, identity, problems, paging, limits, health."""
