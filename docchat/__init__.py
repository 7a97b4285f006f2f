"""A documentation site's chat backend: grounded, cited, streamed answers."""
