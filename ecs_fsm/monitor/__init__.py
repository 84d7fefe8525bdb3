"""A real cloud, watched: what its servers do, and which of them are stuck."""
