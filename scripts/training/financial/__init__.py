"""Training of the financial-picture model: pictures, drawings by code, augmentation, net, folds, export."""
