// A web app whose people sign in through Gatehouse.
//
//   npm install openid-client@6
//   ISSUER=… CLIENT_ID=… CLIENT_SECRET=… APP_URL=http://127.0.0.1:3000 node app.mjs
//
// Register APP_URL/callback as redirect URI, APP_URL/ as post-logout URI and APP_URL/login as login URI.

import { randomUUID } from "node:crypto";
import { createServer } from "node:http";
import * as oidc from "openid-client";

const { ISSUER, CLIENT_ID, CLIENT_SECRET, APP_URL } = process.env;

// The library refuses `http`, which only `make run` serves.
const options = ISSUER.startsWith("http:") ? { execute: [oidc.allowInsecureRequests] } : {};
const secret = oidc.ClientSecretBasic(CLIENT_SECRET);
const gatehouse = await oidc.discovery(new URL(ISSUER), CLIENT_ID, undefined, secret, options);

// Sessions of this app by the value of its cookie. A real app keeps them where a restart does not lose them.
const sessions = new Map();

const pages = {
  // Here begins the part for people who are signed in.
  async "/"(_url, session) {
    if (!(await isSignedIn(session))) return page(`<form action="/login"><input name="login_hint" type="email"
      placeholder="you@your-company.com" required><button>Sign in</button></form>`);
    const { email, tenant } = session.claims;
    return page(`<p>${escape(email)} of ${escape(tenant)}</p><a href="/logout">Sign out</a>`);
  },

  // Begins a sign-in, also one that Gatehouse starts here as the login URI.
  async "/login"(url) {
    const expected = {
      pkceCodeVerifier: oidc.randomPKCECodeVerifier(),
      expectedState: oidc.randomState(),
      expectedNonce: oidc.randomNonce(),
      idTokenExpected: true,
    };
    // Names the customer, by the address that the person typed or by what this app knows.
    const given = [...url.searchParams].filter(([name]) => ["login_hint", "domain", "tenant", "prompt"].includes(name));
    const request = oidc.buildAuthorizationUrl(gatehouse, {
      redirect_uri: `${APP_URL}/callback`,
      scope: "openid profile email offline_access",
      code_challenge: await oidc.calculatePKCECodeChallenge(expected.pkceCodeVerifier),
      code_challenge_method: "S256",
      state: expected.expectedState,
      nonce: expected.expectedNonce,
      ...Object.fromEntries(given),
    });
    return redirect(request, { expected });
  },

  // Gatehouse sends the browser here, with a code or with an error.
  async "/callback"(url, session) {
    if (!session?.expected) return redirect("/");
    try {
      // Compares `state` and `iss`, redeems the code, and checks the ID token.
      const tokens = await oidc.authorizationCodeGrant(gatehouse, url, session.expected);
      const { id_token: idToken, refresh_token: refreshToken } = tokens;
      return redirect("/", { claims: tokens.claims(), idToken, refreshToken });
    } catch (error) {
      if (!(error instanceof oidc.AuthorizationResponseError)) throw error;
      return page(`<p>${escape(error.error_description)}</p><a href="/">Try again</a>`, 403);
    }
  },

  async "/logout"(_url, session) {
    if (!session?.claims) return redirect("/");
    await oidc.tokenRevocation(gatehouse, session.refreshToken);
    const parameters = { id_token_hint: session.idToken, post_logout_redirect_uri: `${APP_URL}/` };
    return redirect(oidc.buildEndSessionUrl(gatehouse, parameters), null);
  },
};

// Whether the sign-in still counts. The refresh token tells: it lives for 7 days, and ends at once when the user is
// deactivated. The access token ends after five minutes for everybody.
async function isSignedIn(session) {
  if (!session?.claims) return false;
  const { active } = await oidc.tokenIntrospection(gatehouse, session.refreshToken);
  return active;
}

createServer(async (request, response) => {
  const id = /(?:^|; )session=([^;]+)/.exec(request.headers.cookie ?? "")?.[1];
  try {
    const url = new URL(request.url, APP_URL);
    const show = pages[url.pathname] ?? (() => page("Not found", 404));
    const { status, headers, body, next } = await show(url, sessions.get(id));
    if (next !== undefined) {
      // A new session has a new cookie: somebody else may know the one from before the sign-in.
      sessions.delete(id);
      const value = randomUUID();
      if (next) sessions.set(value, next);
      const secure = APP_URL.startsWith("https:") ? "; Secure" : "";
      headers["set-cookie"] = `session=${value}; Path=/; HttpOnly; SameSite=Lax${secure}`;
    }
    response.writeHead(status, headers).end(body);
  } catch (error) {
    console.error(error);
    response.writeHead(500).end("Something went wrong");
  }
}).listen(new URL(APP_URL).port, "127.0.0.1");

function page(body, status = 200) {
  const headers = { "content-type": "text/html; charset=utf-8", "cache-control": "no-store" };
  return { status, headers, body: `<!doctype html><title>The app</title>${body}` };
}

function redirect(location, next) {
  return { status: 303, headers: { location: String(location), "cache-control": "no-store" }, next };
}

function escape(text = "") {
  return text.replace(/[&<>"]/g, (character) => `&#${character.charCodeAt(0)};`);
}
