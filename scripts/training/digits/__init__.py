"""Training of the digits model: data, drawn samples, nets, augmentation, loop, export."""
