"""Courses, learners and enrollments."""
