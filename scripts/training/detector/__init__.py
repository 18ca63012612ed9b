"""Training of the bundled detector: photos, teachers, blockwise and joint learning, export."""
