// Keeps the page true: fetches it again and puts in what the server rendered.
// The server renders once, for browsers with and without script alike.
const every = 2000;
const live = document.getElementById("live");
const lost = document.getElementById("lost");

async function refresh() {
  try {
    const answer = await fetch("/", { cache: "no-store", headers: { "X-Refresh": "1" }, signal: AbortSignal.timeout(5000) });
    if (!answer.ok) throw new Error(answer.statusText);
    const page = new DOMParser().parseFromString(await answer.text(), "text/html");
    live.replaceChildren(...page.getElementById("live").childNodes);
    lost.hidden = true;
  } catch {
    lost.hidden = false;
  }
  setTimeout(refresh, every);
}

// Who is not signed in gets a field for a token instead of the line.
const signIn = document.getElementById("sign-in");

async function begin(event) {
  event.preventDefault();
  const field = document.getElementById("token");
  const body = JSON.stringify({ token: field.value });
  field.value = "";
  const answer = await fetch("/v1/session", { method: "POST", headers: { "Content-Type": "application/json" }, body });
  if (answer.ok) location.reload();
  else document.getElementById("sign-in-error").textContent = (await answer.json()).detail;
}

if (signIn) signIn.addEventListener("submit", begin);
else setTimeout(refresh, every);
