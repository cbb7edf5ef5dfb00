// Asking the server.  What it refuses comes as a Problem with a code; no answer at all is the code "lost".
import { knows, t } from "./i18n.js";

let csrf = null;
let denied = () => {};

export const useCsrf = (value) => { csrf = value; };
export const whenDenied = (handler) => { denied = handler; };

export class Problem extends Error {
  constructor(status, code, detail) {
    super(detail);
    this.status = status;
    this.code = code;
  }

  // In the reader's language where we have words for the code; the server's own sentence has the particulars.
  get words() {
    const own = knows(`code.${this.code}.title`) ? t(`code.${this.code}.title`) : "";
    return [own, this.message].filter(Boolean).join(" ");
  }
}

async function problemOf(answer) {
  const body = await answer.json().catch(() => ({}));
  return new Problem(answer.status, body.code || "internal", body.detail || `HTTP ${answer.status}`);
}

// own: nobody has touched the page, which asks by itself: that keeps no session alive.
export async function ask(path, { method = "GET", body, own = false, signal, timeout = 10000 } = {}) {
  const headers = { Accept: "application/json" };
  if (own) headers["X-Refresh"] = "1";
  if (body !== undefined) headers["Content-Type"] = "application/json";
  if (method !== "GET" && csrf) headers["X-CSRF-Token"] = csrf;
  let answer;
  try {
    const ends = AbortSignal.timeout(timeout);
    answer = await fetch(path, {
      method, headers, cache: "no-store", body: body === undefined ? undefined : JSON.stringify(body),
      signal: signal ? AbortSignal.any([signal, ends]) : ends,
    });
  } catch (failure) {
    if (signal?.aborted) throw failure;
    throw new Problem(0, "lost", t("lost.short"));
  }
  if (answer.status === 204) return null;
  if (!answer.ok) {
    const problem = await problemOf(answer);
    if (problem.status === 401 && path !== "/v1/session") denied();
    throw problem;
  }
  return answer.json();
}
