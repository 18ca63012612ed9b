"""What `scripts/torture` does to mediaml: kills, mutated files, full disks, hostile plugins."""
