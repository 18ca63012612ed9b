"""Training of the spoken-digit model: recordings, composed strings of digits, net, folds, export."""
