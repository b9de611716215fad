// What the page asks of the gateway by HTTP.

const TIMEOUT_MS = 15000;

/// Why a request brought nothing.
export class Problem extends Error {
  /// `isFinal`: the same request will be refused again. `status` 0: there was no answer at all.
  constructor({ status, code, text, retryAfterMs }) {
    super(text);
    this.name = "Problem";
    this.status = status;
    this.code = code;
    this.text = text;
    this.retryAfterMs = retryAfterMs;
    this.isLoggedOut = status === 401;
    this.isFinal = status >= 400 && status < 500 && status !== 401 && status !== 408;
  }
}

async function ask(method, path, { body, key } = {}) {
  const headers = {};
  if (body !== undefined) headers["Content-Type"] = "application/json";
  if (key !== undefined) headers["Idempotency-Key"] = key;
  let response;
  try {
    response = await fetch(`/api/v1/${path}`, {
      method,
      headers,
      body: body === undefined ? undefined : JSON.stringify(body),
      signal: AbortSignal.timeout(TIMEOUT_MS),
    });
  } catch {
    throw new Problem({ status: 0, code: "unreachable", text: "Argentum cannot be reached." });
  }
  if (!response.ok) throw await problemOf(response);
  return response.status === 204 ? null : response.json();
}

async function problemOf(response) {
  const seconds = Number.parseInt(response.headers.get("Retry-After") ?? "", 10);
  const { error } = await response.json().catch(() => ({}));
  return new Problem({
    status: response.status,
    code: error?.code ?? "unknown",
    text: error?.text ?? `The request was refused (${response.status}).`,
    retryAfterMs: Number.isNaN(seconds) ? undefined : seconds * 1000,
  });
}

const conversationPath = (id, rest) => `conversations/${encodeURIComponent(id)}/${rest}`;

/// Whether this browser is logged in. Rejects where nobody answers.
export async function isLoggedIn() {
  try {
    await ask("GET", "session");
    return true;
  } catch (problem) {
    if (problem.isLoggedOut) return false;
    throw problem;
  }
}

export const logIn = (token) => ask("POST", "session", { body: { token } });
export const logOut = () => ask("DELETE", "session");
export const listSessions = () => ask("GET", "sessions");
export const endSession = (id) => ask("DELETE", `sessions/${encodeURIComponent(id)}`);
export const listModels = () => ask("GET", "models");
export const sendMessage = ({ conversation, key, text, model }) => ask("POST", conversationPath(conversation, "messages"), { key, body: { text, model } });
export const stopTurn = (conversation) => ask("POST", conversationPath(conversation, "stop"));
