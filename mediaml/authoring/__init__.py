"""For authors of plugins: `mediaml plugins new` and `mediaml plugins check`."""
