// What the programs share that judge a server as openid-client: checks that print one line of JSON each, a browser for
// the pages of core/oidctest, and the controls of the test that started the program.
import assert from 'node:assert/strict';
import * as oidc from 'openid-client';

export const env = process.env;
export const redirectURI = 'http://127.0.0.1:53100/callback'; // nobody listens: the browser below reads where it is sent
export const DEVICE = 'urn:ietf:params:oauth:grant-type:device_code';
export const pause = (ms) => new Promise((resolve) => { setTimeout(resolve, ms); });

let checks = 0;

// check runs one check; the others run even when it fails.
export async function check(what, work) {
  checks += 1;
  let error;
  try {
    await work();
  } catch (e) {
    error = [e?.stack, e?.code, e?.cause?.stack ?? JSON.stringify(e?.cause)].filter(Boolean).join('\n').slice(0, 3000) || 'failed';
  }
  process.stdout.write(`${JSON.stringify({ check: what, error })}\n`);
}

// done ends the program; without it the test knows that checks are missing.
export function done() {
  process.stdout.write(`${JSON.stringify({ done: checks })}\n`);
  process.exit(0);
}

// control tells the test to do something to the provider.
export async function control(what) {
  const answer = await fetch(`${env.RP_CONTROL}/${what}`, { method: 'POST' });
  assert.equal(answer.status, 204, `control ${what}`);
}

// browse is a browser in which somebody presses a button of the login page: it returns where the program is called back.
export async function browse(address, button = { user: 'alice' }) {
  let url = new URL(address);
  for (let hop = 0; hop < 10; hop += 1) {
    if (url.href.startsWith(redirectURI)) return url;
    let answer = await fetch(url, { redirect: 'manual' });
    if (answer.status === 200) answer = await fetch(url, { method: 'POST', body: new URLSearchParams(button), redirect: 'manual' });
    const location = answer.headers.get('location');
    assert.ok(location, `${url.pathname} answers ${answer.status}: ${(await answer.text()).slice(0, 500)}`);
    url = new URL(location, url);
  }
  throw new Error('redirects without end');
}

// decide is a person who types the code of a device; an empty button refuses it.
export async function decide(start, button = { user: 'alice' }) {
  const body = new URLSearchParams({ user_code: start.user_code, ...button });
  const answer = await fetch(start.verification_uri, { method: 'POST', body });
  assert.equal(answer.status, 200, await answer.text());
}

// login is the code flow with PKCE, state and, where it is wanted, a nonce. It returns the address with the code and what
// the exchange needs.
export async function login(config, parameters = {}, button) {
  const verifier = oidc.randomPKCECodeVerifier();
  const state = oidc.randomState();
  const url = oidc.buildAuthorizationUrl(config, {
    redirect_uri: redirectURI, scope: 'openid profile email', state,
    code_challenge: await oidc.calculatePKCECodeChallenge(verifier), code_challenge_method: 'S256', ...parameters,
  });
  return { url, back: await browse(url, button), checks: { pkceCodeVerifier: verifier, expectedState: state } };
}

// refused holds that a call fails with an OAuth error in the body and the status of RFC 6749 section 5.2. It returns the error.
export async function refused(call, code, status = 400) {
  const error = await call.then(() => assert.fail(`not refused, expected ${code}`), (e) => e);
  assert.ok(error instanceof oidc.ResponseBodyError, `${error.stack} ${JSON.stringify(error.cause?.parameters ?? error.cause)}`);
  assert.deepEqual({ code: error.error, status: error.status }, { code, status });
  return error;
}

// challenged holds that a call fails with a challenge in WWW-Authenticate. It returns the first one, with the answer's body.
export async function challenged(call, status = 401) {
  const error = await call.then((a) => a, (e) => e);
  assert.ok(error instanceof oidc.WWWAuthenticateChallengeError, error.stack ?? 'no challenge');
  assert.equal(error.status, status);
  const [first] = error.cause;
  return { scheme: first.scheme.toLowerCase(), ...first.parameters, body: await error.response.json() };
}
