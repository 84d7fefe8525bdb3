// Walks machine configs in XState itself. Standard input: an array of {config, runs}, where a run is an
// array of words. Prints, for each, the states that every word leads to, null where it is refused.
import { readFileSync } from "node:fs";
import { createRequire } from "node:module";

const installed = createRequire(`${process.argv[2]}/`);
const { createActor, createMachine } = installed("xstate");
const walked = [];
for (const { config, runs } of JSON.parse(readFileSync(0, "utf8"))) {
  const machine = createMachine(config);
  walked.push(
    runs.map((words) => {
      const actor = createActor(machine).start();
      return words.map((type) => {
        const can = actor.getSnapshot().can({ type });
        actor.send({ type });
        const { value, tags } = actor.getSnapshot();
        return can ? [value, ...tags] : null;
      });
    }),
  );
}
console.log(JSON.stringify(walked));
