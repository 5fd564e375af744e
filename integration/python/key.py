"""Prints the signing key of a service with py-oidc-auth, as its operator would take it from the store: key.py FILE"""

import sqlite3
import sys

with sqlite3.connect("file:" + sys.argv[1] + "?mode=ro", uri=True) as store:
    print(store.execute("SELECT value FROM broker_keys WHERE key_id = 'signing_key'").fetchone()[0], end="")
