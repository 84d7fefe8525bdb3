// The data of this page, and the few words that are the page's own.

const readData = (id) => JSON.parse(document.getElementById(id).textContent);
const DATA = readData("lifecycle-data");
const CONTENT = readData("content-data");

const NO_TASK = "-";
const KIND = { request: "request", progress: "progress", failure: "failure", system: "system" };
const NOT_YET = "there is no server yet";
const HANGING = "the step hangs: nothing happens any more until something is asked over it";

const POLL_TAB = "poll";
const SHARE_TAB = "share";
const TABS = ["history", POLL_TAB, "lessons", "quiz", SHARE_TAB];
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

const emptyView = () => ({
  run: newRun(),
  tab: TABS[0],
  lesson: null,
  speed: SPEEDS[1],
  whole: null,
  poll: { ...NO_POLL },
  quiz: null,
  refused: null,
  theme: null,
});
