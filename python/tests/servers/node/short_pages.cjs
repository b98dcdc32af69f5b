// Azure lists 5000 blobs on a page. A test that wants a second page would write for half a minute, so here a page is as
// long as one of S3. Loaded before Azurite's own program, whose folder is that of its first argument.
const path = require("node:path");
const constants = require(path.join(path.dirname(process.argv[1]), "utils", "constants.js"));
constants.DEFAULT_LIST_BLOBS_MAX_RESULTS = 1000;
