/**
 * When a source was last pushed to, and when that last failed, as series of that source: what Pushgateway's users alert on. They are
 * samples like all others once they are in a batch, so that records, snapshots and DELETE know nothing of them.
 */
import type { Label } from '../model/labels.ts';
import type { SampleSink, SeriesKey } from '../model/sample-sink.ts';
import { seriesText } from '../model/series-text.ts';
import { withPathLabels } from './sample-kinds.ts';
import type { PathLabels } from './sample-kinds.ts';
import type { State } from '../state/state.ts';
import { FAILED, PUSHED } from '../store/push-time-names.ts';
import { TextScratch } from '../store/text-scratch.ts';

const helps = {
  [PUSHED]: 'Unix time of the last successful push with these labels.',
  [FAILED]: 'Unix time of the last refused push with these labels, 0 if none.',
} as const;

/** They stand before the first line of the body. */
const nowhere: SeriesKey = { start: 0, end: 0, repeatable: false };

/** To be called before anything else is read. `pushedMs` is the wall-clock time. */
export function addPushTimes(sink: SampleSink, state: State, path: PathLabels, pushedMs: number): void {
  // Rules are for what senders push, so the labels of the path are there whether or not the sink adds them to all series.
  const labels = withPathLabels([], path);
  add(sink, state, { name: PUSHED, labels, seconds: pushedMs / 1000 });
  add(sink, state, { name: FAILED, labels, seconds: lastFailure(state, path) });
}

/** The same for a push that was refused, and brings nothing else. */
export function addFailureTime(sink: SampleSink, state: State, failedMs: number): void {
  add(sink, state, { name: FAILED, labels: [], seconds: failedMs / 1000 });
}

/** Seconds since the Unix epoch; 0 where none is known. */
export function lastFailure({ accumulators, hashSeed }: State, path: PathLabels): number {
  const { view, start, end, hash } = new TextScratch(hashSeed).write(
    seriesText(FAILED, withPathLabels([], path)),
  );
  const accumulator = accumulators.texts.find(view, start, end, hash);
  return accumulator < 0 ? 0 : accumulators.sums.get(accumulator);
}

function add(
  sink: SampleSink,
  { families }: State,
  sample: {
    readonly name: keyof typeof helps;
    readonly labels: readonly Label[];
    readonly seconds: number;
  },
): void {
  const { name, labels, seconds } = sample;
  const known = families.find(name);
  // Somebody has pushed it as something else.
  if (known !== undefined && known.type !== 'gauge') return;
  sink.addType(name, 'gauge', nowhere);
  sink.addHelp(name, helps[name], nowhere);
  sink.addSample(name, labels, seconds, nowhere);
}
