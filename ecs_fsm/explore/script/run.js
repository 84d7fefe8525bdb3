// @ts-check
// A run: where it begins and what happens, as plain data. A story derives from it what becomes of the
// server, so that a run can be shared, undone and played again.

const MOST_EVENTS = 1000;

/** @param {StateNode | null} [from] @param {RunEvent[]} [events] @returns {Run} */
function newRun(from = null, events = []) {
  return { from, events, at: events.length };
}

const isSystems = ({ kind }) => kind === KIND.progress || kind === KIND.failure;

class Story {
  // Moments that this run shares with that of an `earlier` story are taken from there.
  /** @param {Machine} machine @param {Run} run @param {Story | null} [earlier] */
  constructor(machine, run, earlier = null) {
    this.machine = machine;
    /** @type {Run} */
    this.run = run;
    /** @type {Map<Trigger, string | null>} */
    this.obstacles = new Map();
    /** @type {Moment[]} */
    this.moments = earlier ? earlier.common(run) : [];
    if (!this.moments.length) {
      const node = run.from ? machine.node(run.from.state, run.from.facts) : null;
      this.moments.push({ event: null, nodes: node ? [node] : [], node, hung: false });
    }
    this.node = this.last.node;
    this.hung = this.last.hung;
    for (const event of run.events.slice(this.moments.length - 1, run.at)) this.go(event);
  }

  get last() {
    return this.moments[this.moments.length - 1];
  }

  /** @param {Run} run */
  common(run) {
    if (this.run.from !== run.from) return [];
    const most = Math.min(run.at, this.run.at);
    let same = 0;
    while (same < most && run.events[same] === this.run.events[same]) same += 1;
    return this.moments.slice(0, same + 1);
  }

  /** @param {RunEvent} event */
  go(event) {
    /** @type {StateNode[]} */
    let nodes = [];
    if (!event.trigger) {
      if (event.hang ? !this.running : !this.node)
        throw new RangeError("no step is running that could hang");
      this.hung = this.hung || Boolean(event.hang);
    } else {
      if (this.hung && isSystems(event.trigger)) throw new RangeError(HANGING);
      const outcome = this.machine.outcome(event.trigger, this.node, event.given);
      if (!outcome.end || !outcome.nodes) throw new RangeError(`${event.trigger.name} cannot happen in this run`);
      this.node = outcome.end;
      this.hung = this.hung && !outcome.nodes.length;
      nodes = outcome.nodes;
    }
    this.moments.push({ event, nodes, node: this.node, hung: this.hung });
  }

  get state() {
    return this.node?.state ?? null;
  }

  get running() {
    return this.node !== null && !this.hung && !this.machine.stays(this.node);
  }

  get over() {
    return this.run.at >= MOST_EVENTS;
  }

  // Every state that was entered, as in the history of a Python server.
  history() {
    /** @type {{ place: number, event: string | null, given: Facts, node: StateNode }[]} */
    const rows = [];
    this.moments.forEach(({ event, nodes }, place) => {
      for (const node of nodes) {
        rows.push({
          place,
          event: event?.trigger?.name ?? null,
          given: event?.given ?? {},
          node,
        });
      }
    });
    return rows;
  }

  // Why a trigger is not possible now, or null.
  /** @param {Trigger} trigger @returns {string | null} */
  obstacle(trigger) {
    const known = this.obstacles.get(trigger);
    if (known !== undefined) return known;
    const found = this.findObstacle(trigger);
    this.obstacles.set(trigger, found);
    return found;
  }

  /** @param {Trigger} trigger */
  findObstacle(trigger) {
    if (this.over) return `a run has at most ${MOST_EVENTS} events; start a new run`;
    if (this.hung && isSystems(trigger)) return HANGING;
    return this.machine.may(trigger, this.node) ? null : this.machine.reason(trigger, this.node);
  }
}

// The run with one event more, in place of those that were undone.
/** @param {Run} run @param {RunEvent} event @returns {Run} */
function withEvent(run, event) {
  const events = [...run.events.slice(0, run.at), event];
  return { ...run, events, at: events.length };
}

/** @param {Machine} machine @param {RunEvent} event @returns {string} */
function eventText(machine, event) {
  if (event.hang) return machine.data.hang;
  if (event.wait) return machine.data.wait;
  return (event.trigger?.name ?? "") + bracketed(event.given ?? {});
}

// The words of `ecs-fsm simulate` that select the same run.
/** @param {Machine} machine @param {Run} run @returns {string[]} */
function scenario(machine, run) {
  /** @type {string[]} */
  const words = [];
  /** @typedef {{ request: string | null, outcomes: string[], step: string | null, hangs: boolean }} Word */
  /** @type {Word | null} */
  let open = null;
  let node = run.from ? machine.node(run.from.state, run.from.facts) : null;

  function close() {
    if (!open) return;
    const outcomes = [...open.outcomes];
    if (node && !machine.stays(node))
      outcomes.push(`${machine.data.hang}@${node.state.name}`);
    const [first, ...more] = outcomes;
    if (more.length && open.request) {
      words.push(`${open.request}:${machine.data.hang}@${open.step}`);
      words.push(`${machine.data.wait}:${outcomes.join(",")}`);
    } else {
      words.push(
        (open.request ?? machine.data.wait) + (outcomes.length ? `:${outcomes.join(",")}` : ""),
      );
    }
    open = null;
  }

  for (const event of run.events.slice(0, run.at)) {
    if (!event.trigger) continue;
    const text = eventText(machine, event);
    const { kind } = event.trigger;
    const outcome = machine.outcome(event.trigger, node, event.given);
    if (kind === KIND.request || kind === KIND.system) {
      close();
      // A request that enters no state leaves the step hanging: another word lets it go on.
      const hangs = node !== null && !machine.stays(node) && !outcome.nodes?.length;
      open = { request: text, outcomes: [], step: null, hangs };
    } else if (node) {
      const resting = machine.stays(node) && !open?.outcomes.length && open?.request;
      if (!open || resting || (open.hangs && event.trigger === machine.onward)) {
        close();
        open = { request: null, outcomes: [], step: null, hangs: false };
      }
      open.hangs = false;
      if (event.trigger !== machine.onward) {
        open.step ??= node.state.name;
        open.outcomes.push(`${text}@${node.state.name}`);
      }
    }
    node = outcome.end ?? null;
  }
  close();
  return words;
}

/** @param {Machine} machine @param {Run} run @param {string[]} lifecycles */
function command(machine, run, lifecycles) {
  const words = ["ecs-fsm", "simulate"];
  if (machine.data.lifecycle !== lifecycles[0]) words.push("--lifecycle", machine.data.option);
  if (run.from) {
    words.push("--from", run.from.state.name);
    for (const [name, value] of Object.entries(run.from.facts))
      words.push("--remember", `${name}=${value}`);
  }
  return [...words, ...scenario(machine, run)]
    .map((word) => (/[^\w@%+=:,./-]/.test(word) ? `'${word}'` : word))
    .join(" ");
}

// The history as CSV.
/** @param {Story} story */
function table(story) {
  const quote = (cell) => (/[",\n]/.test(cell) ? `"${cell.replaceAll('"', '""')}"` : cell);
  const rows = story.history().map(({ event, node }, place) => [
    String(place),
    event ?? "",
    ...(ONE_WORD ? [] : [node.state.vmState.name, node.state.taskState?.name ?? ""]),
    node.state.status.name,
    Object.entries(node.facts)
      .map((pair) => pair.join("="))
      .join(" "),
  ]);
  const head = ["no", "event", ...COLUMNS, "remembers"];
  return [head, ...rows].map((row) => `${row.map(quote).join(",")}\r\n`).join("");
}
