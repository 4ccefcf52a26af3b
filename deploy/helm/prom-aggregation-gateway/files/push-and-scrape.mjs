// `helm test`: pushes 1, and looks for it in the exposition.
const { GATEWAY_URL: url, PUSH_PATH: path, METRIC: metric, PUSH_TOKEN, SCRAPE_TOKEN } = process.env;

async function ask(what, address, token, options = {}) {
  const headers = token === undefined ? {} : { authorization: `Bearer ${token.trim()}` };
  const reply = await fetch(address, { ...options, headers, signal: AbortSignal.timeout(30_000) });
  const text = await reply.text();
  if (reply.ok) return text;
  const hint = [401, 403].includes(reply.status) ? `; see the values tokens.push and tokens.scrape` : '';
  throw new Error(`the ${what} was answered ${reply.status}: ${text.trim()}${hint}`);
}

/** Undefined if it is not there. */
async function value() {
  const page = await ask('scrape', `${url}/metrics`, SCRAPE_TOKEN);
  const line = page
    .split('\n')
    .find((each) => each.startsWith(`${metric} `) || each.startsWith(`${metric}{`));
  return line === undefined ? undefined : Number(line.slice(line.lastIndexOf(' ')));
}

try {
  const before = await value();
  await ask('push', `${url}${path}`, PUSH_TOKEN, {
    method: 'POST',
    body: `# TYPE ${metric} counter\n${metric} 1\n`,
  });
  const after = await value();
  // By job, a push takes the place of the one before.
  if (after !== (before ?? 0) + 1 && after !== 1)
    throw new Error(`after a push of 1, ${metric} went from ${before} to ${after}`);
  console.log(`pushed 1, and ${metric} is ${after}`);
} catch (error) {
  console.error(`${url}: ${error.message}${error.cause === undefined ? '' : `: ${error.cause.message}`}`);
  process.exitCode = 1;
}
