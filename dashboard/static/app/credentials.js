// The tokens of this tab. They come from the address's fragment, which no server sees, or from the form; they are kept
// in sessionStorage and nowhere else. Claims are read for the page's own decisions; the API checks the signature.

const KEYS = { org: "crewkit.token", operator: "crewkit.operator" };
const ACTIONS = {
  owner: ["read", "readAll", "byUser", "recount", "write"],
  admin: ["read", "readAll", "byUser", "recount", "write"],
  manager: ["read", "readAll", "byUser", "write"],
  member: ["read", "write"],
  viewer: ["read"],
};

/** Take tokens out of the address, if it has any, and leave an address without them. */
export function takeFromAddress() {
  const given = new URLSearchParams(location.hash.slice(1));
  let found = false;
  for (const [kind, name] of [
    ["org", "token"],
    ["operator", "operator"],
  ]) {
    if (given.get(name)) {
      sessionStorage.setItem(KEYS[kind], given.get(name));
      found = true;
    }
  }
  if (found) history.replaceState(null, "", location.pathname + location.search);
}

/** Keep a token that a person typed. Returns why it can't be one, or null. */
export function keep(text) {
  const token = text.trim().replace(/^Bearer\s+/i, "");
  const claims = claimsOf(token);
  if (!claims) return "This is not a token. It has three parts, with dots between them, and begins with “ey”.";
  if (claims.exp * 1000 <= Date.now()) return "This token has expired.";
  if (claims.role === "agent") return "This token belongs to an agent: it may write, but not read.";
  sessionStorage.setItem(claims.role === "operator" ? KEYS.operator : KEYS.org, token);
  dispatchEvent(new Event("signedin"));
  return null;
}

/** The token of the org, or of the operator, with its claims; null without one, or after it has expired. */
export function credential(kind = "org") {
  const token = sessionStorage.getItem(KEYS[kind]);
  const claims = token && claimsOf(token);
  return claims && claims.exp * 1000 > Date.now() ? { token, claims } : null;
}

export function forget(kind) {
  for (const name of kind ? [kind] : Object.keys(KEYS)) sessionStorage.removeItem(KEYS[name]);
}

/** Whether the token's role allows an action of `ACTIONS`. */
export function may(action) {
  const claims = credential()?.claims;
  return Boolean(claims && ACTIONS[claims.role]?.includes(action));
}

function claimsOf(token) {
  try {
    const [, payload] = token.split(".");
    const raw = atob(payload.replaceAll("-", "+").replaceAll("_", "/"));
    const claims = JSON.parse(new TextDecoder().decode(Uint8Array.from(raw, (char) => char.charCodeAt(0))));
    return typeof claims.exp === "number" && typeof claims.role === "string" ? claims : null;
  } catch {
    return null;
  }
}
