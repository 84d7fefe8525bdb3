// Types of the explorer's scripts, for the type checker only: no page holds this file.

type Facts = Record<string, string>;

interface Word {
  name: string;
  meaning: string;
  tone?: string;
}

/** A vm_state with a task_state, and its status. */
interface LifecycleState {
  index: number;
  name: string;
  lane: number;
  vmState: Word;
  taskState: Word | null;
  status: Word;
  /** The names of the facts that a server remembers here. */
  kept: Set<string>;
  implied: Facts;
}

/** A state with its facts. */
interface StateNode {
  state: LifecycleState;
  facts: Facts;
}

interface Fact {
  name: string;
  values: string[];
  meaning: string;
  usual: string | null;
}

interface Trigger {
  name: string;
  index: number;
  kind: string;
  meaning: string;
  /** The facts that can be given with it, each with its usual value or null. */
  given: Record<string, string | null>;
  sources: Map<LifecycleState | null, Transition[]>;
}

interface Transition {
  index: number;
  trigger: Trigger;
  source: LifecycleState | null;
  path: LifecycleState[];
  when: [string, string][];
  learns: Facts;
}

interface Refusal {
  trigger: Trigger;
  node: StateNode | null;
  reason: string;
  allowed: Trigger[];
}

interface Outcome {
  transition?: Transition;
  nodes?: StateNode[];
  end?: StateNode;
  refused?: Refusal;
  unknown?: Fact;
}

/** What `readLifecycle` makes of the exported data; a `Machine` has it all. */
interface Lifecycle {
  data: any;
  facts: Map<string, Fact>;
  states: LifecycleState[];
  triggers: Trigger[];
  transitions: Transition[];
  vmStates: Word[];
  taskStates: Word[];
  statuses: Word[];
  onward: Trigger;
  creations: Trigger[];
  triggerNamed: Map<string, Trigger>;
  stateNamed: Map<string, LifecycleState>;
}

interface Machine extends Lifecycle {}

/** A trigger, a hang, or `wait` for time in which nothing happens. */
interface RunEvent {
  trigger?: Trigger;
  given?: Facts;
  hang?: boolean;
  wait?: boolean;
}

/** Where a run begins, what happens in it, and how many of these events have happened. */
interface Run {
  from: StateNode | null;
  events: RunEvent[];
  at: number;
}

/** What an event of a run came to. */
interface Moment {
  event: RunEvent | null;
  nodes: StateNode[];
  node: StateNode | null;
  hung: boolean;
}

/** A waiter as it is written in its panel, and the event since which it polls. */
interface Poll {
  attribute: string;
  pending: string;
  target: string;
  failure: string;
  every: number;
  since: number | null;
  [list: string]: any;
}

interface QuizRun {
  topic: string;
  kind: string;
  level: string;
  seed: number;
  count: number;
  place: number;
  answers: number[][];
}

/** Everything that is on the screen. */
interface View {
  run: Run;
  tab: string;
  lesson: string | null;
  speed: number;
  whole: boolean | null;
  poll: Poll;
  /** The client whose loop is looked at, by its place among those of the page. */
  client: number | null;
  quiz: QuizRun | null;
  refused: boolean | null;
  theme: string | null;
}

/** A wait loop with what `ecs-fsm check` finds; a client's has the better lists too. */
interface WaitLoop {
  name: string;
  operation: string;
  attribute: string;
  pending: string[] | null;
  target: string[];
  failure: string[];
  findings: {
    finding: string;
    avoidable: boolean;
    message: string;
    from: [string, Facts] | null;
    events: [string, Facts][];
  }[];
  notes: string[];
  better?: WaitLoop;
}

interface Polled {
  time: number;
  value: string;
  verdict: string;
}

interface Lesson {
  name: string;
  title: string;
  introduction: string;
  start: string | null;
  remember: Facts;
  steps: {
    text: string;
    do: { trigger: string; given?: Facts };
    state: string;
    then: string;
    hint?: string;
  }[];
  questions?: QuizQuestion[];
}

interface QuizQuestion {
  kind: string;
  text: string;
  choices: string[];
  answers: number[];
  explanation: string;
  /** What is wrong with each choice, empty for a right one. */
  mistakes: string[];
  about: string[];
  hard: boolean;
}

declare var explorer: object;
