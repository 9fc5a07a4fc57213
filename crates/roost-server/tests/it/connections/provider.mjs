// A certified OAuth server, with a small interface behind it that takes its tokens. Says where it listens.
import http from "node:http";
import { Provider } from "oidc-provider";

const redirect = process.argv[2];
const state = { deny: false, access: [], refresh: [], refreshes: 0, calls: [] };

const server = http.createServer();
server.listen(0, "127.0.0.1", () => {
  const issuer = `http://127.0.0.1:${server.address().port}`;
  const client = (more) => ({
    client_id: "roost", client_secret: "the-secret-of-the-client", redirect_uris: [redirect],
    grant_types: ["authorization_code", "refresh_token"], response_types: ["code"], ...more,
  });
  const provider = new Provider(issuer, {
    clients: [client({ token_endpoint_auth_method: "client_secret_basic" })],
    pkce: { required: () => true },
    cookies: { keys: ["not a secret"] },
    scopes: ["openid", "offline_access"],
    ttl: { AccessToken: 61, AuthorizationCode: 60, Grant: 3600, Interaction: 600, Session: 3600, RefreshToken: 3600 },
    features: { devInteractions: { enabled: false }, revocation: { enabled: true } },
    issueRefreshToken: async () => true,
    rotateRefreshToken: true,
    findAccount: (_, id) => ({ accountId: id, claims: async () => ({ sub: id }) }),
    interactions: { url: (_, interaction) => `/interaction/${interaction.uid}` },
    renderError: async (ctx, out) => { ctx.type = "json"; ctx.body = out; },
  });
  provider.on("access_token.saved", (token) => state.access.push(token));
  provider.on("refresh_token.saved", (token) => state.refresh.push(token));
  provider.on("grant.success", (ctx) => { if (ctx.oidc.params.grant_type === "refresh_token") state.refreshes += 1; });
  const callback = provider.callback();

  // The person at the browser: logs in, and says yes or no.
  const person = async (request, response) => {
    const { prompt, params, session } = await provider.interactionDetails(request, response);
    if (state.deny) {
      return provider.interactionFinished(request, response, { error: "access_denied", error_description: "They said no" });
    }
    if (prompt.name === "login") {
      return provider.interactionFinished(request, response, { login: { accountId: "ann" } });
    }
    const grant = new provider.Grant({ accountId: session.accountId, clientId: params.client_id });
    grant.addOIDCScope("openid offline_access");
    const grantId = await grant.save();
    return provider.interactionFinished(request, response, { consent: { grantId } }, { mergeWithLastSubmission: true });
  };

  // The interface: takes nothing but tokens that hold.
  const api = async (request, response, url) => {
    let body = "";
    for await (const chunk of request) body += chunk;
    const shown = request.headers.authorization ?? "";
    const token = shown.startsWith("Bearer ") ? await provider.AccessToken.find(shown.slice(7)) : undefined;
    state.calls.push({ method: request.method, url: request.url, body, version: request.headers["x-version"] ?? null, accepted: Boolean(token) });
    response.setHeader("content-type", "application/json");
    if (!token) {
      response.statusCode = 401;
      return response.end(JSON.stringify({ error: "invalid_token" }));
    }
    response.end(JSON.stringify({ who: token.accountId, path: url.pathname, seen: shown }));
  };

  const control = async (url) => {
    const ask = url.pathname.slice("/control/".length);
    if (ask === "deny") state.deny = url.searchParams.get("yes") === "1";
    if (ask === "forget-access") { for (const token of state.access.splice(0)) await token.destroy(); }
    if (ask === "forget-refresh") { for (const token of state.refresh.splice(0)) await token.destroy(); }
    const holding = async (kind, tokens) => {
      const found = await Promise.all(tokens.map((token) => kind.find(token.jti)));
      return found.filter(Boolean).length;
    };
    return {
      refreshes: state.refreshes, calls: state.calls,
      tokens: [...state.access, ...state.refresh].map((token) => token.jti),
      access: await holding(provider.AccessToken, state.access),
      refresh: await holding(provider.RefreshToken, state.refresh),
    };
  };

  server.on("request", (request, response) => {
    const url = new URL(request.url, issuer);
    const failed = (error) => { response.statusCode = 500; response.end(String(error?.stack ?? error)); };
    if (url.pathname.startsWith("/interaction/")) return void person(request, response).catch(failed);
    if (url.pathname.startsWith("/api/")) return void api(request, response, url).catch(failed);
    if (url.pathname.startsWith("/control/")) {
      return void control(url).then((all) => response.end(JSON.stringify(all))).catch(failed);
    }
    callback(request, response);
  });
  console.error(`provider at ${issuer} `);
});
