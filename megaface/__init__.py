"""The MegaFace protocol: align, features, identification."""
