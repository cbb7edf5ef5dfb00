// Who uses the page, and what they may.  What they may not is not offered; the server refuses it in any case.
import { ask, useCsrf } from "./api.js";

const nobody = { name: null, role: "nobody", may: {} };
let session = nobody;

function take(answer) {
  session = { ...nobody, ...answer, may: answer.may || {} };
  useCsrf(session.csrf || null);
}

export async function loadSession() {
  try {
    take(await ask("/v1/session", { own: true }));
  } catch (problem) {
    if (problem.status !== 401) throw problem;
    // a session of yesterday: its cookie is taken back with that answer
    take(await ask("/v1/session", { own: true }));
  }
}

export async function signIn(token) {
  take(await ask("/v1/session", { method: "POST", body: { token } }));
}

export async function signOut() {
  await ask("/v1/session", { method: "DELETE" });
  await loadSession();
}

export const who = () => session;
export const isSignedIn = () => session.csrf != null;
// Changes want a session, with its token against forged requests.
export const may = (what) => session.may[what] === true && (what === "read" || isSignedIn());
