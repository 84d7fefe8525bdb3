// @ts-check
// The servers of the cloud: first all at once, then every change.

/** @type {Map<string, LiveServer>} */
const servers = new Map();
const counts = new Map(STATES.map((state) => [state, { here: 0, hang: 0 }]));
const present = { here: 0, gone: 0 };
/** The simulated time at a moment `since` of the browser; no speed before the first answer. */
const time = { now: 0, speed: /** @type {number | null} */ (null), since: 0 };

/** @param {LiveState} state */
const countAt = (state) => counts.get(state) ?? { here: 0, hang: 0 };

/** @param {LiveServer} server @param {number} more */
function count(server, more) {
  if (server.gone) present.gone += more;
  else {
    present.here += more;
    countAt(server.state).here += more;
    if (server.hangs) countAt(server.state).hang += more;
  }
}

/** @param {string} id @param {Omit<LiveServer, "id" | "key">} fields */
function put(id, fields) {
  const known = servers.get(id);
  const server = known ?? /** @type {LiveServer} */ ({ id });
  if (known) count(server, -1);
  Object.assign(server, fields);
  server.key = `${server.name}\n${id}`.toLowerCase();
  servers.set(id, server);
  count(server, 1);
  changed(server);
}

/** @param {LiveServer} server */
function forget(server) {
  count(server, -1);
  servers.delete(server.id);
  server.forgotten = true;
  changed(server);
}

function forgetOldest() {
  for (const server of servers.values()) if (server.gone) return forget(server);
}

function putWhole({ id, name, operation, hangs, gone, ...pair }) {
  const state = stateOf(/** @type {any} */ (pair));
  put(id, { name, operation, hangs: Boolean(hangs), gone, state });
}

// The whole cloud, at the start and after the stream of changes was lost.
function takeOver({ servers: listed, now, speed }) {
  setTime(now, speed);
  const ids = new Set(listed.map(({ id }) => id));
  for (const server of [...servers.values()])
    if (!server.gone && !ids.has(server.id)) forget(server);
  listed.forEach(putWhole);
}

function runsAfter(event, state, before) {
  if (state.rests) return null;
  const trigger = WORDS.triggers[event];
  return trigger && ["progress", "failure"].includes(trigger.kind) ? before : event;
}

function takeChange({ server: id, name, at, event, hangs, ...pair }) {
  const state = stateOf(/** @type {any} */ (pair));
  const before = servers.get(id)?.operation ?? null;
  const operation = runsAfter(event, state, before);
  put(id, { name, state, operation, hangs: Boolean(hangs), gone: state.over });
  if (present.gone > MOST_GONE) forgetOldest();
  if (at > nowTime()) setTime(at, time.speed);
}

function setTime(now, speed) {
  Object.assign(time, { now, speed, since: performance.now() });
  changed();
}

const nowTime = () => time.now + ((performance.now() - time.since) / 1000) * (time.speed ?? 0);
