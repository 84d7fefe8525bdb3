// Talking with the cloud: what is asked of it, and the stream of its changes, which comes back by
// itself when it was lost.

// The answer to a request, or null; what went wrong is said then.
async function call(method, path, body) {
  try {
    const response = await fetch(`_ecs/${path}`, {
      method,
      ...(body && { body: JSON.stringify(body), headers: { "Content-Type": "application/json" } }),
    });
    const text = await response.text();
    if (response.ok) return text ? JSON.parse(text) : {};
    say(`${response.status} ${response.statusText}: ${reasonOf(text)}`, true);
  } catch {
    if (method !== "GET") say("The cloud does not answer.", true);
  }
  return null;
}

function reasonOf(text) {
  try {
    const { error } = JSON.parse(text);
    return typeof error === "string" ? error : (error?.message ?? text);
  } catch {
    return text;
  }
}

// Everything is read once, and from there on the stream of changes; when that is lost, anew.

const wholeRead = [];
let tries = 0;

function connection(text, lost) {
  setText(byId("connection"), text);
  byId("connection").classList.toggle("lost", lost);
}

async function connect() {
  const whole = await call("GET", "servers");
  if (!whole) return lost();
  if (whole.lifecycle !== WORDS.lifecycle) return location.reload();
  takeOver(whole);
  for (const then of wholeRead) then();
  const source = new EventSource(`_ecs/events?since=${whole.changes}`);
  source.addEventListener("open", () => {
    tries = 0;
    connection("● Live", false);
  });
  source.addEventListener("message", ({ data }) => happened(JSON.parse(data)));
  source.addEventListener("error", () => {
    source.close();
    lost();
  });
}

function lost() {
  const wait = Math.min(FIRST_WAIT * 2 ** tries, LONGEST_WAIT);
  tries += 1;
  connection("○ Lost: what you see may be old. Connecting again …", true);
  setTimeout(connect, wait);
}
