"""Results against other results (`diff`), and against a ground truth (`evaluate`)."""
