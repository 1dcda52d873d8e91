// The tokens of this tab. They come from the address's fragment, which no server sees, or from the form, and are stored
// only in sessionStorage. The page reads their claims to decide what to offer; the API checks the signature.

const KEYS = { org: "crewkit.token", operator: "crewkit.operator" };
const ACTIONS = {
  owner: ["read", "readAll", "byUser", "recount", "write"],
  admin: ["read", "readAll", "byUser", "recount", "write"],
  manager: ["read", "readAll", "byUser", "write"],
  member: ["read", "write"],
  viewer: ["read"],
};

/**
 * Take tokens out of the address, and leave an address without them. Returns `[{kind, token}]`; an invalid token is
 * left out if a valid one is stored.
 */
export function takeFromAddress() {
  const given = new URLSearchParams(location.hash.slice(1));
  const found = [
    { kind: "org", token: given.get("token") },
    { kind: "operator", token: given.get("operator") },
  ].filter(({ token }) => token);
  if (found.length) history.replaceState(null, "", location.pathname + location.search);
  return found.filter(({ kind, token }) => validClaims(token) || !credential(kind));
}

/** Store a token from a link. */
export function keepGiven({ kind, token }) {
  sessionStorage.setItem(KEYS[kind], token);
}

/** Both claims, `{held, given}`, if a link's token belongs to another user or org than the stored one; else null. */
export function changeOfIdentity({ kind, token }) {
  const held = credential(kind)?.claims;
  const given = validClaims(token);
  const isOther = held && given && (held.org_id !== given.org_id || held.sub !== given.sub);
  return isOther ? { held, given } : null;
}

/** Store a token that the reader typed. Returns why it can't be used, or null. */
export function keep(text) {
  const token = text.trim().replace(/^Bearer\s+/i, "");
  const claims = claimsOf(token);
  if (!claims) return "This is not a token. A token has three parts separated by dots, and begins with “ey”.";
  if (claims.exp * 1000 <= Date.now()) return "This token has expired.";
  if (claims.role === "agent") return "This token belongs to an agent: it can write, but not read.";
  sessionStorage.setItem(claims.role === "operator" ? KEYS.operator : KEYS.org, token);
  dispatchEvent(new Event("signedin"));
  return null;
}

/** The org's or the operator's token with its claims; null if there is none or it has expired. */
export function credential(kind = "org") {
  const token = sessionStorage.getItem(KEYS[kind]);
  const claims = token && validClaims(token);
  return claims ? { token, claims } : null;
}

export function forget(kind) {
  for (const name of kind ? [kind] : Object.keys(KEYS)) sessionStorage.removeItem(KEYS[name]);
}

/** Whether the token's role allows an action of `ACTIONS`. */
export function may(action) {
  const claims = credential()?.claims;
  return Boolean(claims && ACTIONS[claims.role]?.includes(action));
}

function validClaims(token) {
  const claims = claimsOf(token);
  return claims && claims.exp * 1000 > Date.now() ? claims : null;
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
