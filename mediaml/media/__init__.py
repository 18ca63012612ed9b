"""Files to frames and back: sniffing, probing, readers and annotated writers."""
