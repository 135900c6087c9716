"""Apps that are described by a document instead of code: any JSON API, or a signed webhook."""
