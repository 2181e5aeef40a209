"""Record sets to embeddings: the Gluon trainer."""
