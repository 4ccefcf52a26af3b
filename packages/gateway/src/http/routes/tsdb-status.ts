/**
 * Who has how many series, as Prometheus says it of itself: https://prometheus.io/docs/prometheus/latest/querying/api/#tsdb-stats. What is
 * there is not what was scraped, so there are neither chunks nor times.
 */

import type { GatewayApi, SeriesStatistics, Statistic } from '../../gateway/api.ts';
import { STATISTICS_MAX } from '../../gateway/statistics/series-counts.ts';
import { RequestError } from '../../model/errors.ts';
import type { CorsPolicy } from '../replies/cors.ts';
import { beginJson } from './json.ts';
import { limitOf } from './parameters.ts';
import type { Handler } from './routes.ts';
import { Waiting } from './slow-reply.ts';

const LIMIT_DEFAULT = 10;
/** Written at a time. */
const SLICE_CHARS = 32 * 1024;
/** Requests that wait or whose reply is not taken yet: such a reply may take ten megabytes. */
const REQUESTS_MAX = 8;

/** What Prometheus says while it has no samples: the ends of its 64 bits, which no number of JavaScript is. */
const NO_TIMES = '"minTime":9223372036854775807,"maxTime":-9223372036854775808';

interface TsdbStatusDeps {
  readonly gateway: GatewayApi;
  readonly cors: CorsPolicy;
}

export function tsdbStatusHandler({ gateway, cors }: TsdbStatusDeps): Handler {
  let open = 0;
  return async (exchange) => {
    const { request, response } = exchange;
    const limit = limitOf(request, { otherwise: LIMIT_DEFAULT, most: STATISTICS_MAX });
    request.resume();
    if (request.method === 'HEAD') {
      beginJson(exchange, cors).end();
      return;
    }
    if (open >= REQUESTS_MAX)
      throw new RequestError('overloaded', 'too many requests of this kind are in progress; retry later');
    open += 1;
    const waiting = new Waiting(request, response);
    try {
      const statistics = await gateway.statistics(waiting);
      beginJson(exchange, cors);
      await waiting.write(slicesOf(replyTo(statistics, limit)));
    } catch (error) {
      if (!waiting.isGone) throw error;
    } finally {
      open -= 1;
      waiting.end();
    }
  };
}

/** The reply in parts, each of which is short. */
export function* replyTo(statistics: SeriesStatistics, limit: number): Generator<string, void> {
  const { series, labelPairs, warnings } = statistics;
  yield `{"status":"success","data":{"headStats":{"numSeries":${series},"numLabelPairs":${labelPairs},"chunkCount":0,${NO_TIMES}}`;
  yield* list('seriesCountByMetricName', statistics.seriesByName, limit);
  yield* list('labelValueCountByLabelName', statistics.valuesByLabel, limit);
  yield* list('memoryInBytesByLabelName', statistics.bytesByLabel, limit);
  yield* list('seriesCountByLabelValuePair', statistics.seriesByPair, limit);
  yield warnings.length === 0 ? '}}\n' : `},"warnings":${JSON.stringify(warnings)}}\n`;
}

function* list(key: string, all: readonly Statistic[], limit: number): Generator<string, void> {
  yield `,"${key}":[`;
  for (const [i, { name, value }] of all.slice(0, limit).entries())
    yield `${i === 0 ? '' : ','}${JSON.stringify({ name, value })}`;
  yield ']';
}

/** Parts put together to slices that are worth a write. */
function* slicesOf(parts: Iterable<string>): Generator<string, void> {
  let slice = '';
  for (const part of parts) {
    slice += part;
    if (slice.length < SLICE_CHARS) continue;
    yield slice;
    slice = '';
  }
  yield slice;
}
