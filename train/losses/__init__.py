"""Losses in Gluon arithmetic, one file each, and the table of their numbers and names."""
