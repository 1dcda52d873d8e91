// A client of the documented API like any other: bearer token, ETags, one error format.

import { credential, forget } from "./credentials.js";
import { answersTo, forgetAnswers, keepAnswer, mayUseOld } from "./memory.js";

const TIMEOUT_MS = 30_000;
const AWAY_TIMEOUT_MS = 3_000; // while the server is away, and the last answer is in memory
const listeners = new Set();
let awaySince = null; // ms since 1970, of the first request without an answer after the last one with

/** A request that the API refused or could not answer: `status` 0 means that no answer came. */
export class ApiError extends Error {
  constructor(status, code, message, details = {}, retryAfter = null, requestId = null) {
    super(message);
    Object.assign(this, { status, code, details, retryAfter, requestId });
  }

  /** Whether the same request may succeed later. */
  get isTemporary() {
    return this.status === 0 || this.status === 429 || this.status === 503;
  }
}

/** Call `listener({completeThrough, generation, lagRecords})` after each read of the org. */
export function onFreshness(listener) {
  listeners.add(listener);
}

/**
 * Read from the org: `get("/sessions", {page: 2})`. Parameters that are null, undefined or "" are left out.
 *
 * Returns `{data, meta, headers, isNew}`; `isNew` is false if the last read of this address returned the same. During
 * an outage, pages that allow it (`allowOld`) get the last answer, with `isOld`, unless the read `isFresh` or waits for
 * a position.
 * Throws `ApiError`.
 */
export function get(path, params = {}, options = {}) {
  const held = credential("org");
  return read("org", `/api/v1/${encodeURIComponent(held?.claims.org_id ?? "")}${path}`, params, options);
}

/** Read from the installation with the operator's token. */
export function getOperator(path, params = {}, options = {}) {
  return read("operator", `/api/v1/operator${path}`, params, options);
}

/** Write to the org: `post("/sessions/<id>/compact", {…})`. */
export function post(path, body, options = {}) {
  const held = credential("org");
  return write("org", `/api/v1/${encodeURIComponent(held?.claims.org_id ?? "")}${path}`, body, options);
}

/** Ask the installation to do something. */
export function postOperator(path, body, options = {}) {
  return write("operator", `/api/v1/operator${path}`, body, options);
}

/** Read all pages of a list, up to about `rowsMax` rows; `isNew` is true if any page is new. */
export async function getAll(path, params = {}, options = {}, rowsMax = 10_000) {
  const rows = [];
  let isAnyNew = false;
  for (let page = 1; ; page += 1) {
    const { data, meta, isNew } = await get(path, { ...params, page, per_page: 100 }, options);
    rows.push(...data);
    isAnyNew ||= isNew;
    if (page >= meta.total_pages || rows.length >= rowsMax) return { rows, total: meta.total_count, isNew: isAnyNew };
  }
}

/** Since when the server has not answered at all (ms since 1970); null while it does. */
export function notReachableSince() {
  return awaySince;
}

async function read(kind, path, params, options = {}) {
  const held = credential(kind);
  if (!held) throw expired(kind);
  const answers = answersTo(kind, held.claims);
  const address = path + query(params);
  const known = answers.get(address);
  try {
    return await readNew(kind, address, known, answers, options);
  } catch (error) {
    const isFresh = options.isFresh || options.headers?.["X-Wait-For-Position"];
    if (!known || isFresh || !error.isTemporary || !mayUseOld(options.signal, known.at, error)) throw error;
    return { data: known.body.data, meta: known.body.meta, headers: new Headers(), isNew: false, isOld: true };
  }
}

// A 304 has no `meta`; with `isWhole` the full answer is read again, for a current `meta`.
async function readNew(kind, address, known, answers, { signal, headers = {}, isWhole = false, timeoutMs }) {
  const response = await send(kind, address, {
    signal,
    timeoutMs: known && awaySince ? AWAY_TIMEOUT_MS : timeoutMs,
    headers: { ...headers, ...(known && !isWhole ? { "If-None-Match": known.etag } : {}) },
  });
  const isNew = response.status !== 304;
  const body = isNew ? await bodyOf(response) : known.body;
  const etag = isNew ? response.headers.get("etag") : known.etag;
  if (etag) keepAnswer(answers, address, { etag, body }, Number(response.headers.get("content-length")));
  if (kind === "org") tellFreshness(response.headers, isNew ? body.meta : null);
  return { data: body.data, meta: body.meta, headers: response.headers, isNew };
}

async function write(kind, path, body, { signal, headers = {} } = {}) {
  const response = await send(kind, path, {
    method: "POST",
    signal,
    headers: { ...headers, "Content-Type": "application/json" },
    body: typeof body === "string" ? body : JSON.stringify(body), // a string is JSON already, so its numbers stay exact
  });
  const { data, meta } = await bodyOf(response);
  return { data, meta, headers: response.headers };
}

async function send(kind, address, { signal, headers, timeoutMs = TIMEOUT_MS, ...rest }) {
  const held = credential(kind);
  if (!held) throw expired(kind);
  const limit = AbortSignal.timeout(timeoutMs);
  let response;
  try {
    response = await fetch(address, {
      ...rest,
      cache: "no-store",
      credentials: "omit",
      redirect: "error",
      signal: signal ? AbortSignal.any([signal, limit]) : limit,
      headers: { ...headers, Authorization: `Bearer ${held.token}` },
    });
  } catch (reason) {
    if (signal?.aborted) throw reason;
    awaySince ??= Date.now();
    throw new ApiError(0, "no_answer", "The server does not answer.");
  }
  awaySince = null;
  if (!response.ok && response.status !== 304) throw await errorOf(kind, response);
  return response;
}

async function bodyOf(response) {
  try {
    return await response.json();
  } catch (reason) {
    if (reason.name === "AbortError") throw reason;
    throw new ApiError(0, "no_answer", "The answer was cut off.");
  }
}

async function errorOf(kind, response) {
  if (response.status === 401) return expired(kind);
  let body = {};
  try {
    body = await response.json();
  } catch {
    // A proxy in between answers in its own format.
  }
  return new ApiError(
    response.status,
    body.code ?? "unknown",
    body.error ?? `The server answered ${response.status}.`,
    body.details,
    Number(response.headers.get("retry-after")) || null,
    body.request_id ?? response.headers.get("x-request-id"),
  );
}

function expired(kind) {
  const why = credential(kind)
    ? "The installation does not accept your token: it was revoked, or belongs to another one."
    : null;
  forgetAnswers();
  if (forget(kind) && kind === "org") dispatchEvent(new CustomEvent("signedout", { detail: why }));
  return new ApiError(401, "unauthenticated", "The token has expired, or is not valid here.");
}

function query(params) {
  const given = Object.entries(params).filter(([, value]) => value !== null && value !== undefined && value !== "");
  return given.length ? `?${new URLSearchParams(given)}` : "";
}

function tellFreshness(headers, meta) {
  const completeThrough = headers.get("x-complete-through");
  if (!completeThrough) return;
  const seen = { completeThrough, generation: headers.get("x-generation"), lagRecords: meta?.lag_records ?? null };
  for (const listener of listeners) listener(seen);
}
