import harbour

import longshore
from longshore import obs

# In this process's memory, opened by longshore.
store = longshore.MemoryStore()
store.put("crates/1", b"oranges")
print(harbour.total_size(store))
store.put("crates/2", b"lemons")
print(harbour.manifest(store, "crates"))

# And the other way: a store that harbour opened.
theirs = harbour.store.MemoryStore()
harbour.write(theirs, "list", b"two crates")
print(bytes(obs.get(theirs, "list").bytes()))
