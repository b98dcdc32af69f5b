"""A library in Python, which the Rust host runs, and which runs alone as well."""
