"""What the demo and the feeds play through the public HTTP APIs, and what must come of it."""
