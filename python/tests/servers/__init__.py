"""Object-store servers that tests start, use and stop, each in its own module.

Every server is a context manager that takes a scratch folder and yields a `Server`::

    from servers.seaweedfs import seaweedfs

    with seaweedfs(tmp_path) as server:
        client(server).list_buckets()

`base` starts and stops processes, `s3` speaks to what they serve, and `gateway_fixtures` is a
pytest plugin for the tests of our own gateway.
"""
