// The tokens of this tab. They come from the address's fragment, which no server sees, or from the form, and are stored
// only in sessionStorage. The page reads their claims to decide what to offer; the API checks the signature.

const KEYS = { org: "crewkit.token", operator: "crewkit.operator" };
const ACTIONS = {
  owner: ["read", "readAll", "byUser", "recount", "write", "erase"],
  admin: ["read", "readAll", "byUser", "recount", "write", "erase"],
  manager: ["read", "readAll", "byUser", "write"],
  member: ["read", "write"],
  viewer: ["read"],
};

/** Take `{code, token, operator}` out of the address, and leave an address without them; each may be null. */
export function takeFromAddress() {
  const given = new URLSearchParams(location.hash.slice(1));
  const found = { code: given.get("code"), token: given.get("token"), operator: given.get("operator") };
  if (found.code || found.token || found.operator) {
    history.replaceState(null, "", location.pathname + location.search);
  }
  return found;
}

/** A link's tokens as `[{kind, token}]`; an invalid one is left out if a valid one is stored. */
export function usable({ token, operator }) {
  return [
    { kind: "org", token },
    { kind: "operator", token: operator },
  ].filter(({ kind, token }) => token && (validClaims(token) || !credential(kind)));
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

/** Why a link's token signs nobody in; null if it may. */
export function problemOf(token) {
  const claims = claimsOf(token);
  if (!claims) return "The link's token can't be read; a part of the link may be missing.";
  return claims.exp * 1000 <= Date.now() ? "The link's token has expired." : null;
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

/** Forget the tokens, or one; return whether there was one. */
export function forget(kind) {
  const stored = (kind ? [KEYS[kind]] : Object.values(KEYS)).filter((key) => sessionStorage.getItem(key) !== null);
  for (const key of stored) sessionStorage.removeItem(key);
  return stored.length > 0;
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
