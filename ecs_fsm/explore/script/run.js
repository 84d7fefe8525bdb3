// A run: where it begins and what happened, as plain data. What became of the server is worked out
// from that anew, so that a run can be shared, taken back and played again.

const MOST_EVENTS = 1000;

// A run has a `from`, null or {state, facts}, `events`, and `at`, how many of them have happened.
// An event is {trigger, given}, {hang: true}, or {wait: true} for time in which nothing happens.
function newRun(from = null, events = []) {
  return { from, events, at: events.length };
}

const isSystems = ({ kind }) => kind === KIND.progress || kind === KIND.failure;

class Story {
  // What this run has in common with that of an `earlier` story is taken from there.
  constructor(machine, run, earlier = null) {
    this.machine = machine;
    this.run = run;
    this.obstacles = new Map();
    this.moments = earlier?.run.from === run.from ? earlier.common(run) : [];
    if (!this.moments.length) {
      const node = run.from ? machine.node(run.from.state, run.from.facts) : null;
      this.moments.push({ event: null, nodes: node ? [node] : [], node, hung: false });
    }
    ({ node: this.node, hung: this.hung } = this.moments.at(-1));
    for (const event of run.events.slice(this.moments.length - 1, run.at)) this.go(event);
  }

  common(run) {
    const most = Math.min(run.at, this.run.at);
    let same = 0;
    while (same < most && run.events[same] === this.run.events[same]) same += 1;
    return this.moments.slice(0, same + 1);
  }

  go(event) {
    let nodes = [];
    if (!event.trigger) {
      if (event.hang ? !this.running : !this.node)
        throw new RangeError("nothing runs that could hang or go on");
      this.hung = this.hung || Boolean(event.hang);
    } else {
      if (this.hung && isSystems(event.trigger)) throw new RangeError(HANGING);
      const outcome = this.machine.outcome(event.trigger, this.node, event.given);
      if (!outcome.end) throw new RangeError(`${event.trigger.name} cannot happen in this run`);
      this.node = outcome.end;
      this.hung = this.hung && !outcome.nodes.length;
      nodes = outcome.nodes;
    }
    this.moments.push({ event, nodes, node: this.node, hung: this.hung });
  }

  get state() {
    return this.node && this.node.state;
  }

  get running() {
    return Boolean(this.node) && !this.hung && !this.machine.rests(this.state);
  }

  get over() {
    return this.run.at >= MOST_EVENTS;
  }

  // Every state that was entered, as a server's history tells it.
  history() {
    const told = [];
    this.moments.forEach(({ event, nodes }, place) => {
      for (const node of nodes) {
        told.push({
          place,
          event: event ? event.trigger.name : null,
          given: event?.given ?? {},
          node,
        });
      }
    });
    return told;
  }

  // Why a trigger is not possible now; nothing if it is.
  obstacle(trigger) {
    if (!this.obstacles.has(trigger)) this.obstacles.set(trigger, this.findObstacle(trigger));
    return this.obstacles.get(trigger);
  }

  findObstacle(trigger) {
    if (this.over) return `a run has at most ${MOST_EVENTS} events; begin anew`;
    if (this.hung && isSystems(trigger)) return HANGING;
    return this.machine.may(trigger, this.node) ? null : this.machine.reason(trigger, this.node);
  }
}

function happened(run, event) {
  const events = [...run.events.slice(0, run.at), event];
  return { ...run, events, at: events.length };
}

function tellEvent(machine, event) {
  if (event.hang) return machine.data.hang;
  if (event.wait) return machine.data.wait;
  return event.trigger.name + bracketed(event.given);
}

// The words of `ecs-fsm simulate` that do the same.
function scenario(machine, run) {
  const words = [];
  let open = null;
  let node = run.from ? machine.node(run.from.state, run.from.facts) : null;

  function close() {
    if (!open) return;
    const outcomes = [...open.outcomes];
    if (node && !machine.rests(node.state))
      outcomes.push(`${machine.data.hang}@${node.state.name}`);
    const [first, ...more] = outcomes;
    if (more.length && open.asked) {
      words.push(`${open.asked}:${machine.data.hang}@${open.step}`);
      words.push(`${machine.data.wait}:${outcomes.join(",")}`);
    } else {
      words.push(
        (open.asked ?? machine.data.wait) + (outcomes.length ? `:${outcomes.join(",")}` : ""),
      );
    }
    open = null;
  }

  for (const event of run.events.slice(0, run.at)) {
    if (!event.trigger) continue;
    const told = tellEvent(machine, event);
    const { kind } = event.trigger;
    if (kind === KIND.request || kind === KIND.system) {
      close();
      open = { asked: told, outcomes: [], step: null };
    } else {
      if (!open || (machine.rests(node.state) && !open.outcomes.length && open.asked)) {
        close();
        open = { asked: null, outcomes: [], step: null };
      }
      if (event.trigger !== machine.onward) {
        open.step ??= node.state.name;
        open.outcomes.push(`${told}@${node.state.name}`);
      }
    }
    node = machine.outcome(event.trigger, node, event.given).end;
  }
  close();
  return words;
}

function command(machine, run, lifecycles) {
  const told = ["ecs-fsm", "simulate"];
  if (machine.data.lifecycle !== lifecycles[0]) told.push("--lifecycle", machine.data.lifecycle);
  if (run.from) {
    told.push("--from", run.from.state.name);
    for (const [name, value] of Object.entries(run.from.facts))
      told.push("--remember", `${name}=${value}`);
  }
  return [...told, ...scenario(machine, run)]
    .map((word) => (/[[\]<>*?]/.test(word) ? `'${word}'` : word))
    .join(" ");
}

function table(story) {
  const quote = (cell) => (/[",\n]/.test(cell) ? `"${cell.replaceAll('"', '""')}"` : cell);
  const rows = story.history().map(({ event, node }, place) => [
    String(place),
    event ?? "",
    node.state.vmState.name,
    node.state.taskState?.name ?? "",
    node.state.status.name,
    Object.entries(node.facts)
      .map((pair) => pair.join("="))
      .join(" "),
  ]);
  const head = ["no", "event", "vm_state", "task_state", "status", "remembers"];
  return [head, ...rows].map((row) => row.map(quote).join(",") + "\r\n").join("");
}
