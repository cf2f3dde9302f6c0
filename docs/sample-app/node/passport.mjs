// An express app whose people sign in through Gatehouse with passport.
//
//   npm install express@5 express-session@1 passport@0.7 passport-openidconnect@0.1
//   ISSUER=… CLIENT_ID=… CLIENT_SECRET=… SESSION_SECRET=… APP_URL=http://127.0.0.1:3000 node passport.mjs
//
// Register it with `"pkce": "optional"`, APP_URL/callback as redirect URI and APP_URL/ as post-logout URI.

import express from "express";
import session from "express-session";
import passport from "passport";
import { Strategy } from "passport-openidconnect";

const { ISSUER, CLIENT_ID, CLIENT_SECRET, SESSION_SECRET, APP_URL } = process.env;

const gatehouse = new Strategy({
  issuer: ISSUER,
  authorizationURL: `${ISSUER}/oauth2/authorize`,
  tokenURL: `${ISSUER}/oauth2/token`,
  clientID: CLIENT_ID,
  clientSecret: CLIENT_SECRET,
  callbackURL: `${APP_URL}/callback`,
  scope: ["profile", "email"],
  nonce: true,
}, (_issuer, _profile, _context, idToken, done) => {
  // The profile of passport has no `tenant` and no `license`.
  const claims = JSON.parse(Buffer.from(idToken.split(".")[1], "base64url"));
  done(null, { claims, idToken });
});
// The strategy sends no parameters of its own accord that it does not know.
gatehouse.authorizationParams = ({ domain, tenant }) => ({ ...(domain && { domain }), ...(tenant && { tenant }) });

passport.use("gatehouse", gatehouse);
passport.serializeUser((user, done) => done(null, user));
passport.deserializeUser((user, done) => done(null, user));

const app = express();
const cookie = { httpOnly: true, sameSite: "lax", secure: APP_URL.startsWith("https:") };
app.use(session({ secret: SESSION_SECRET, resave: false, saveUninitialized: false, cookie }));
app.use(passport.session());

app.get("/", (request, response) => {
  if (!request.user) return response.send(`<form action="/login"><input name="login_hint" type="email"
    placeholder="you@your-company.com" required><button>Sign in</button></form>`);
  const { email, tenant } = request.user.claims;
  response.send(`<p>${escape(email)} of ${escape(tenant)}</p><a href="/logout">Sign out</a>`);
});

app.get("/login", (request, response, next) => {
  // `loginHint` and `prompt` are options of the strategy, the others those of `authorizationParams`.
  const { login_hint: loginHint, prompt, domain, tenant } = request.query;
  passport.authenticate("gatehouse", { loginHint, prompt, domain, tenant })(request, response, next);
});

app.get("/callback", (request, response, next) => {
  passport.authenticate("gatehouse", (error, user, info) => {
    if (user) return request.logIn(user, (failure) => (failure ? next(failure) : response.redirect("/")));
    // `access_denied` arrives in `info`, any other error of Gatehouse as an `AuthorizationError`.
    if (error && error.name !== "AuthorizationError") return next(error);
    response.status(403).send(`<p>${escape(error?.message ?? info?.message)}</p><a href="/">Try again</a>`);
  })(request, response, next);
});

app.get("/logout", (request, response, next) => {
  const hint = request.user?.idToken;
  request.logout((failure) => {
    if (failure || !hint) return failure ? next(failure) : response.redirect("/");
    const parameters = new URLSearchParams({ id_token_hint: hint, post_logout_redirect_uri: `${APP_URL}/` });
    response.redirect(`${ISSUER}/oauth2/logout?${parameters}`);
  });
});

app.listen(new URL(APP_URL).port, "127.0.0.1");

function escape(text = "") {
  return text.replace(/[&<>"]/g, (character) => `&#${character.charCodeAt(0)};`);
}
