"""One authenticate() of the unmodified client; prints what came of it as one line of JSON.

smoke.py HOST STORE [stale]: with stale, the access token in the store counts as expired first.
"""

import json
import sys
import time

from py_oidc_auth_client import AuthError, TokenStore, authenticate

host, path = sys.argv[1:3]
store = TokenStore(path)
if "stale" in sys.argv:
    token = dict(store.get(host))
    token["expires"] = int(time.time()) + 10
    store.put(host, token)
try:
    token = authenticate(host, store=store, timeout=30)
    answer = {"token": dict(token)}
except AuthError as error:
    answer = {"error": str(error)}
print("\n" + json.dumps(answer))
