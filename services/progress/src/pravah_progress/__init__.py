"""Progress of learners, merged and decided."""
