// A scenario is a named function that throws when the SDK does not behave. They run one after the other, in the order of registration.

const scenarios = [];
const LIMIT_MILLIS = 30_000;

/** Registers one scenario; `name` (a plain string literal: pytest reads it from the source) is what pytest reports. */
export function scenario(name, run) {
  scenarios.push({ name, run });
}

/** Runs all registered scenarios and hands `{name, ok, millis, error}` of each to `report`. */
export async function runAll(report) {
  for (const each of scenarios) report(await outcomeOf(each));
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
