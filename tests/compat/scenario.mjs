// A scenario is a named function that throws when the SDK does not behave. Several run side by side, because the SDK waits a good part
// of the time; those that move the clocks or look at what goes over the wire run one after the other when the others are done.

const scenarios = [];
const SIDE_BY_SIDE = 6;
const LIMIT_MILLIS = 60_000;

export const ALONE = { alone: true };

/** Registers one scenario; `name` (a plain string literal: pytest reads it from the source) is what pytest reports. */
export function scenario(name, run, { alone = false } = {}) {
  scenarios.push({ name, run, alone });
}

/** Runs all registered scenarios and hands `{name, ok, millis, error}` of each to `report`. */
export async function runAll(report) {
  const together = scenarios.filter((each) => !each.alone);
  const worker = async () => {
    for (let next = together.shift(); next; next = together.shift()) report(await outcomeOf(next));
  };
  await Promise.all(Array.from({ length: SIDE_BY_SIDE }, worker));
  for (const each of scenarios.filter((one) => one.alone)) report(await outcomeOf(each));
}

async function outcomeOf({ name, run }) {
  const started = performance.now();
  let error = null;
  let timer;
  const late = new Promise((_, reject) => {
    timer = setTimeout(() => reject(new Error(`not finished after ${LIMIT_MILLIS / 1000} s`)), LIMIT_MILLIS);
  });
  try {
    await Promise.race([run(), late]);
  } catch (thrown) {
    error = describe(thrown);
  } finally {
    clearTimeout(timer);
  }
  return { name, ok: error === null, millis: Math.round(performance.now() - started), error };
}

function describe(thrown) {
  const lines = [];
  for (let each = thrown; each && lines.length < 4; each = each.cause) {
    lines.push(each instanceof Response ? `Response ${each.status} of ${each.url}` : String(each.stack ?? each));
  }
  return lines.join("\ncaused by: ");
}
