"""An MCP client: the package mcp, unmodified. It calls tools as it is told, and a person logs in for it.

mcp_client.py ENDPOINT CLIENT_ID REDIRECT_URI

The lines of input and output are those of ../nodejs/mcp.mjs.
"""

import asyncio
import json
import sys
from urllib.parse import parse_qs, urlsplit

import httpx2
from mcp import Client
from mcp.client.auth import OAuthClientProvider
from mcp.client.streamable_http import streamable_http_client
from mcp.shared.auth import AuthorizationCodeResult, OAuthClientInformationFull, OAuthClientMetadata

endpoint, client_id, redirect = sys.argv[1:]
requests = []


def say(value):
    print(json.dumps(value), flush=True)


async def line():
    return await asyncio.to_thread(sys.stdin.readline)


class Store:
    """What the application keeps for the client, in memory."""

    tokens = None

    async def get_tokens(self):
        return self.tokens

    async def set_tokens(self, tokens):
        self.tokens = tokens

    async def get_client_info(self):
        return OAuthClientInformationFull(client_id=client_id, redirect_uris=[redirect], token_endpoint_auth_method="none")

    async def set_client_info(self, info):
        raise RuntimeError("the client is registered already")


async def opened(url):
    say({"open": url})


async def back():
    query = parse_qs(urlsplit(json.loads(await line())["back"]).query)
    return AuthorizationCodeResult(**{name: query[name][0] for name in ("code", "state", "iss") if name in query})


async def record(response):
    request = response.request
    form = request.headers.get("content-type") == "application/x-www-form-urlencoded"
    grant = parse_qs(request.content.decode()).get("grant_type") if form else None
    entry = {"method": request.method, "path": request.url.path, "status": response.status_code}
    requests.append(entry | ({"grant": grant[0]} if grant else {}))


def text_of(error):
    """The errors of a group, each with what it was raised for."""
    if isinstance(error, BaseExceptionGroup):
        return "; ".join(text_of(one) for one in error.exceptions)
    return f"{type(error).__name__}: {error}"


async def main():
    metadata = OAuthClientMetadata(client_name="test", redirect_uris=[redirect], token_endpoint_auth_method="none",
                                   grant_types=["authorization_code", "refresh_token"], response_types=["code"])
    auth = OAuthClientProvider(endpoint, metadata, Store(), redirect_handler=opened, callback_handler=back)
    async with httpx2.AsyncClient(auth=auth, timeout=60, event_hooks={"response": [record]}) as http:
        client, command = None, await line()
        while command:
            call = json.loads(command)
            requests.clear()
            try:
                if client is None:
                    fresh = Client(streamable_http_client(endpoint, http_client=http))
                    await fresh.__aenter__()
                    client = fresh
                result = await client.call_tool(call["tool"], call.get("arguments") or {})
                say({"text": "".join(part.text for part in result.content), "requests": requests})
            except Exception as error:
                say({"error": text_of(error), "requests": requests})
            command = await line()
        if client is not None:
            await client.__aexit__(None, None, None)


asyncio.run(main())
