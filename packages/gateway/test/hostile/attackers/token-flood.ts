/** One token that pushes new series as fast as it can, over eight connections. */
import type { Attack } from './attack.ts';
import { converse, requestBytes } from './wire.ts';

const CONNECTIONS = 8;
const REQUESTS = 25;
export const SERIES_EACH = 200;

export const tokenFlood: Attack = {
  what: `pushes of ${SERIES_EACH} new series by one token, over ${CONNECTIONS} connections`,
  pauseMs: 0,
  async round({ target, chance, endMs }) {
    const line = (): string => `flood_total{session="${Math.floor(chance() * 2 ** 32)}",page="home"} 1\n`;
    const push = (): Buffer =>
      requestBytes(
        'POST /metrics/job/flood',
        { Authorization: 'Bearer flood' },
        `# TYPE flood_total counter\n${Array.from({ length: SERIES_EACH }, line).join('')}`,
      );
    const requests = Array.from({ length: REQUESTS }, push);
    const holdMs = Math.max(endMs - performance.now(), 1);
    await Promise.all(
      Array.from({ length: CONNECTIONS }, (_, i) =>
        converse(target, { requests: i === 0 ? requests : requests.toReversed(), holdMs }),
      ),
    );
  },
};
