// The servers as the cloud told them: first all at once, then every change.

const servers = new Map();
const counts = new Map(STATES.map((state) => [state, { here: 0, hang: 0 }]));
const present = { here: 0, gone: 0 };
const time = { now: 0, speed: null, since: 0 };

function count(server, more) {
  if (server.gone) present.gone += more;
  else {
    present.here += more;
    counts.get(server.state).here += more;
    if (server.hangs) counts.get(server.state).hang += more;
  }
}

function put(id, told) {
  const known = servers.get(id);
  const server = known ?? { id };
  if (known) count(server, -1);
  Object.assign(server, told);
  server.key = `${server.name}\n${id}`.toLowerCase();
  servers.set(id, server);
  count(server, 1);
  changed(server);
}

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
  put(id, { name, operation, hangs: Boolean(hangs), gone, state: stateOf(pair) });
}

// The whole cloud, at the beginning and whenever the stream of changes was lost.
function takeOver({ servers: listed, now, speed }) {
  setTime(now, speed);
  const told = new Set(listed.map(({ id }) => id));
  for (const server of [...servers.values()])
    if (!server.gone && !told.has(server.id)) forget(server);
  listed.forEach(putWhole);
}

function runsAfter(event, state, before) {
  if (state.rests) return null;
  const trigger = WORDS.triggers[event];
  return trigger && ["progress", "failure"].includes(trigger.kind) ? before : event;
}

function happened({ server: id, name, at, event, hangs, ...pair }) {
  const state = stateOf(pair);
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
