// Types of the live page's scripts, for the type checker only.

/** A state of the lifecycle; `place` is its position in the picture. */
interface LiveState {
  name: string;
  vm_state: string;
  task_state: string | null;
  status: string;
  tone: string;
  /** Whether a server is at rest here. */
  rests: boolean;
  /** Whether no transition leaves it. */
  over: boolean;
  place: number;
}

interface LiveTrigger {
  kind: string;
  meaning: string;
  given: string[];
  moves: boolean;
}

/** What the page knows of its lifecycle from the start. */
interface LiveWords {
  lifecycle: string;
  noTask: string;
  hang: string;
  states: Omit<LiveState, "place">[];
  triggers: Record<string, LiveTrigger>;
  facts: Record<string, string[]>;
  faults: Record<string, string[]>;
  creation: string;
}

interface Pair {
  vm_state: string;
  task_state: string | null;
}

/** A server as the list shows it. */
interface LiveServer {
  id: string;
  name: string;
  operation: string | null;
  hangs: boolean;
  gone: boolean;
  state: LiveState;
  /** What the filter searches. */
  key: string;
  /** Whether the page has dropped it. */
  forgotten?: boolean;
}

/** What `servers/ID` answers about the chosen server. */
interface ServerDetail extends Pair {
  id: string;
  name: string;
  operation: string | null;
  hangs: unknown;
  gone: boolean;
  due: number | null;
  remembers: Record<string, string>;
  requests: string[];
  events: string[];
  history: any[];
  asked: any[];
}

interface BoardBox {
  lane: Lane;
  row: LaneRow | null;
  state: LiveState;
  group: HTMLElement;
  rect: SVGElement;
  x: number;
  y: number;
  width: number;
  height: number;
  top: number;
  high: number;
  words?: SVGElement;
  mark?: SVGElement;
  text?: string;
  place?: number;
}

interface LaneRow {
  top: number;
  bottom: number;
  opened: boolean;
  down: number;
  group: any;
  boxes: BoardBox[];
}

interface Lane {
  group: any;
  ground: any;
  y: number;
  full: number;
  height: number;
  down: number;
  rest: BoardBox | null;
  rows: LaneRow[];
  opened: boolean;
}
