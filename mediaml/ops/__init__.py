"""Pure array functions: boxes, fitting, pixels, spectrogram, drawing. No files, no sessions."""
