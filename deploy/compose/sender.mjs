// Invocations of functions of a shop: each pushes what it did, and ends. The gateway adds it up.
const { GATEWAY_URL: url, INTERVAL_MS: interval = '1000', INVOCATIONS: count = 'Infinity' } = process.env;
const bounds = [0.05, 0.1, 0.25, 0.5, 1];

function invocation() {
  const route = ['/', '/cart', '/checkout'][Math.floor(Math.random() * 3)];
  const code = Math.random() < 0.02 ? 500 : 200;
  const seconds = 0.02 - Math.log(1 - Math.random()) / 8;
  const buckets = [...bounds, Number.POSITIVE_INFINITY].map((bound) => {
    const le = bound === Number.POSITIVE_INFINITY ? '+Inf' : bound;
    return `shop_request_duration_seconds_bucket{le="${le}"} ${seconds <= bound ? 1 : 0}`;
  });
  return [
    '# HELP shop_requests_total Requests that were answered.',
    '# TYPE shop_requests_total counter',
    `shop_requests_total{route="${route}",code="${code}"} 1`,
    '# TYPE shop_request_duration_seconds histogram',
    ...buckets,
    `shop_request_duration_seconds_sum ${seconds}`,
    'shop_request_duration_seconds_count 1',
    '# TYPE shop_last_order_timestamp_seconds gauge',
    `shop_last_order_timestamp_seconds ${Date.now() / 1000}`,
    '',
  ].join('\n');
}

/** Again until the gateway has counted it; by the key it counts once, however often it comes. */
async function push(body) {
  const headers = { 'idempotency-key': crypto.randomUUID() };
  for (;;) {
    try {
      const reply = await fetch(`${url}/metrics/job/shop`, { method: 'POST', body, headers });
      const text = await reply.text();
      if (reply.ok) return;
      console.error(`${reply.status}: ${text.trim()}`);
      if (reply.status < 500 && reply.status !== 429) return;
    } catch (error) {
      console.error(`${url}: ${error.cause?.message ?? error.message}`);
    }
    await pause();
  }
}

function pause() {
  return new Promise((resolve) => {
    setTimeout(resolve, Number(interval));
  });
}

// Node ends at once, as it would not as process 1.
process.on('SIGTERM', () => process.exit(0));
for (let i = 0; i < Number(count); i += 1) {
  await push(invocation());
  await pause();
}
