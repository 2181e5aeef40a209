"""Formats and data sets: RecordIO, identity-indexed record sets, image lists, verification packs."""
