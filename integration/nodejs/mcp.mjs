// An MCP client: @modelcontextprotocol/client, unmodified. It calls tools as it is told, and a person logs in for it.
//
// mcp.mjs ENDPOINT CLIENT_ID REDIRECT_URI
//
// Each line of input is a tool call: {"tool":...,"arguments":{...}}. It prints lines of JSON:
//   {"open":URL}                        a person is to log in there; the next line of input is {"back":URL}, where the browser was sent
//   {"text":...,"requests":[...]}       what the tool said, and the requests that the call took; or
//   {"error":...,"requests":[...]}      what the client said instead
import { createInterface } from 'node:readline';
import { randomUUID } from 'node:crypto';
import { Client, StreamableHTTPClientTransport, UnauthorizedError } from '@modelcontextprotocol/client';

const [endpoint, clientID, redirect] = process.argv.slice(2);
const lines = createInterface({ input: process.stdin })[Symbol.asyncIterator]();
const say = (value) => process.stdout.write(`${JSON.stringify(value)}\n`);

// What the application keeps for the client, in memory.
class Store {
  redirectUrl = redirect;
  clientMetadata = { client_name: 'test', redirect_uris: [redirect], grant_types: ['authorization_code', 'refresh_token'], token_endpoint_auth_method: 'none' };
  clientInformation() { return { client_id: clientID }; }
  tokens() { return this.kept; }
  saveTokens(tokens) { this.kept = tokens; }
  discoveryState() { return this.discovered; }
  saveDiscoveryState(state) { this.discovered = state; }
  saveCodeVerifier(verifier) { this.verifier = verifier; }
  codeVerifier() { return this.verifier; }
  state() { return (this.expected = randomUUID()); }
  redirectToAuthorization(url) { this.opened = url; }
}

const store = new Store();
let requests = [];
let transport;
let client;

const recorded = async (url, init) => {
  const response = await fetch(url, init);
  const grant = init?.body instanceof URLSearchParams ? init.body.get('grant_type') : undefined;
  requests.push({ method: init?.method ?? 'GET', path: new URL(url).pathname, status: response.status, grant: grant ?? undefined });
  return response;
};

async function connect() {
  transport = new StreamableHTTPClientTransport(new URL(endpoint), { authProvider: store, fetch: recorded });
  const fresh = new Client({ name: 'test', version: '1.0.0' });
  await fresh.connect(transport);
  client = fresh;
}

async function login() {
  say({ open: String(store.opened) });
  store.opened = undefined;
  const back = new URL(JSON.parse((await lines.next()).value).back).searchParams;
  if (back.get('state') !== store.expected) throw new Error('another state');
  await transport.finishAuth(back);
}

async function call(tool, values) {
  for (let logins = 0; ; logins++) {
    try {
      if (!client) await connect();
      const result = await client.callTool({ name: tool, arguments: values });
      return result.content.map((part) => part.text).join('');
    } catch (error) {
      if (!(error instanceof UnauthorizedError) || !store.opened || logins === 2) throw error;
      await login();
    }
  }
}

for (let line = await lines.next(); !line.done; line = await lines.next()) {
  const { tool, arguments: values } = JSON.parse(line.value);
  requests = [];
  try {
    say({ text: await call(tool, values), requests });
  } catch (error) {
    say({ error: `${error.name}: ${error.message}`, requests });
  }
}
process.exit(0);
