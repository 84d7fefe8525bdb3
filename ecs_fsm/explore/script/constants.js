// @ts-check
// The data of this page, and the few words that only the page uses.

const readData = (id) => JSON.parse(document.getElementById(id)?.textContent ?? "null");
const DATA = readData("lifecycle-data");
/** @type {{ lessons: Lesson[], quiz: any, waiters: WaitLoop[] }} */
const CONTENT = readData("content-data");

const NO_TASK = "-";
const KIND = { request: "request", progress: "progress", failure: "failure", system: "system" };
const THING = DATA.thing;
const NOT_YET = `there is no ${THING} yet`;
// What the API's attributes are called; one, or vm_state, task_state and status.
const COLUMNS = DATA.columns;
const ONE_WORD = COLUMNS.length === 1;
const HANGING = "the step hangs: nothing happens until another request takes over";

const POLL_TAB = "poll";
const SHARE_TAB = "share";
const HISTORY_TAB = "history";
const LESSONS_TAB = "lessons";
const QUIZ_TAB = "quiz";
const TABS = ["explore", LESSONS_TAB, QUIZ_TAB, POLL_TAB, HISTORY_TAB, SHARE_TAB];
const SPEEDS = [2000, 1000, 500, 200];
const SPEED_NAMES = ["slow", "steady", "quick", "very quick"];
const RHYTHMS = [0.25, 0.5, 1, 2, 3];
const RHYTHM_NAMES = [
  "four times a step",
  "twice a step",
  "once a step",
  "every second step",
  "every third step",
];
const WAITER_LISTS = ["pending", "target", "failure"];
const ATTRIBUTES = DATA.attributes;
/** @type {Poll} */
const NO_POLL = {
  attribute: ATTRIBUTES[0],
  pending: "",
  target: "",
  failure: "",
  every: 1,
  since: null,
};
const MANY_REQUESTS = 20;

const THEMES = ["light", "dark"];

/** @returns {View} */
const emptyView = () => ({
  run: newRun(),
  tab: TABS[0],
  lesson: null,
  speed: SPEEDS[1],
  whole: null,
  poll: { ...NO_POLL },
  client: null,
  quiz: null,
  refused: null,
  theme: null,
});
