/** The rules in force as entries of the configuration file, and the families that each may be about. */
import { metricEntryText, relabelEntryText, sourceEntryText } from '../../rules/file/entry-text.ts';
import type { Rules } from '../../rules/rules.ts';
import type { State } from '../../state/state.ts';
import type { InsightAnswer } from '../insight-api.ts';
import { Answer } from './answer.ts';
import { isShown } from './shown-value.ts';

const CAUGHT_MAX = 20;
/** Names that a selector is held against in one step. */
const STEP_NAMES = 64;

/** Access is left out: who may do what is nobody's business who only reads. */
export function* listRules(
  { sources, relabel, metrics }: Rules,
  { families }: State,
  file: string | null,
): Generator<void, InsightAnswer> {
  const answer = new Answer({}, 'rules');
  const unknown = { catches: [], count: null };
  for (const [place, rule] of sources.entries()) {
    answer.add({ text: sourceEntryText(rule), kind: 'sources', index: `sources[${place}]`, ...unknown });
    yield;
  }
  for (const [place, rule] of relabel.entries()) {
    const index = `metric_relabel_configs[${place}]`;
    answer.add({ text: relabelEntryText(rule), kind: 'metric_relabel_configs', index, ...unknown });
    yield;
  }
  for (const [index, rule] of metrics.entries()) {
    const catches: string[] = [];
    let count = 0;
    for (let id = 0; id < families.byId.length; id += 1) {
      if (id % STEP_NAMES === STEP_NAMES - 1) yield;
      const family = families.byId[id];
      if (family === undefined || !isShown(family) || rule.match?.mayMatch(family.name) === false) continue;
      count += 1;
      if (catches.length < CAUGHT_MAX) catches.push(family.name);
    }
    const text = metricEntryText(rule);
    if (!answer.add({ text, kind: 'metrics', index: `metrics[${index}]`, catches, count })) break;
    yield;
  }
  return answer.end({ file });
}
