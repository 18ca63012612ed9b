"""Pages that show comparisons: `mediaml diff` and `mediaml evaluate`."""
