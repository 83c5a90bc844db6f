"""What `pravah doctor` looks at."""
