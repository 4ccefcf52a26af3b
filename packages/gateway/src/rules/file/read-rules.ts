/**
 * A configuration file as rules. All that is wrong with it is found, not only what is wrong first; only where it is no YAML at all, the rest
 * has to wait.
 */
import { atOnce } from '../../primitives/turns.ts';
import { noRules } from '../rules.ts';
import type { RelabelRule, Rules, SourceRule } from '../rules.ts';
import { FILE_BYTES_MAX, parseYaml } from './document.ts';
import { entry } from './entries.ts';
import type { Entry } from './entries.ts';
import { FileReader } from './file-reader.ts';
import { fileTable } from './keys.ts';
import type { FileKeys } from './keys.ts';
import { metricRulesOf } from './metric-rules.ts';
import { Problems } from './problems.ts';
import type { FileProblem } from './problems.ts';
import { relabelRulesOf } from './relabel-rules.ts';
import { checkGauges } from './sender-checks.ts';
import type { SenderDefaults } from './sender-checks.ts';
import { sourceRulesOf } from './source-rules.ts';

const ENTRIES_MAX = 10_000;

interface RulesRead {
  /** Undefined where there are errors. */
  readonly rules: Rules | undefined;
  /** Errors and warnings, in the order of the file. */
  readonly problems: readonly FileProblem[];
}

/** What holds for senders and series of which the file does not say it. */
export interface Circumstances extends SenderDefaults {
  readonly pathLabels: 'drop' | 'add';
}

const defaults: Circumstances = { pathLabels: 'drop', byJob: false, jobPruneDurationMs: 0, seriesTtlMs: 0 };

/** Never throws, whatever the text is. */
export function readRules(text: string, circumstances?: Partial<Circumstances>): RulesRead {
  return atOnce(readRulesInSteps(text, circumstances));
}

export function* readRulesInSteps(
  text: string,
  circumstances: Partial<Circumstances> = {},
): Generator<void, RulesRead> {
  const problems = new Problems(text);
  const rules = yield* rulesOf(text, problems, { ...defaults, ...circumstances });
  return { rules: problems.errors > 0 ? undefined : rules, problems: problems.list() };
}

function* rulesOf(text: string, problems: Problems, circumstances: Circumstances): Generator<void, Rules> {
  if (Buffer.byteLength(text) > FILE_BYTES_MAX) {
    problems.error({ from: 0, to: 1 }, `the file is larger than ${FILE_BYTES_MAX} bytes`);
    return noRules;
  }
  const file = yield* parseYaml(text, problems);
  if (file?.root === undefined) return noRules;
  const reader = new FileReader(text, problems, file.targets);
  const root = reader.value('the file', file.root, { from: 0, to: 1 })!;
  // As good as empty: a file in which everything is commented out.
  if (root.node === undefined) return noRules;
  const read = yield* entry(fileTable).read(root, reader);
  if (read === undefined) return noRules;
  const rules = yield* checked(read, problems, circumstances);
  if (countEntries(rules) > ENTRIES_MAX) {
    problems.error({ from: 0, to: 1 }, `the file has more than ${ENTRIES_MAX} entries`);
  }
  return rules;
}

function* checked(
  { keys }: Entry<FileKeys>,
  problems: Problems,
  circumstances: Circumstances,
): Generator<void, Rules> {
  const { pathLabels, byJob } = circumstances;
  const sources = yield* sourceRulesOf(keys.sources, problems, byJob);
  const relabel = yield* relabelRulesOf(keys.metric_relabel_configs, problems);
  const relabelling = [...sources.flatMap((source) => source.relabel), ...relabel];
  const hasLabel = (label: string): boolean =>
    pathLabels === 'add' ||
    sources.some((source) => addsPathLabel(source, label)) ||
    relabelling.some((rule) => makesLabel(rule, label));
  const metrics = yield* metricRulesOf(keys, problems, hasLabel);
  checkGauges(keys, { sources, defaults: circumstances }, problems);
  return { sources, relabel, metrics };
}

function addsPathLabel({ pathLabels }: SourceRule, label: string): boolean {
  return pathLabels === 'add' || (typeof pathLabels === 'object' && pathLabels.includes(label));
}

/** As far as can be said without a series: a name that is made from one may be any. */
function makesLabel({ action, targetLabel }: RelabelRule, label: string): boolean {
  return action === 'labelmap' || targetLabel === label || targetLabel.includes('$');
}

/** Entries of all lists of the file. */
export function countEntries({ sources, relabel, metrics }: Rules): number {
  const ofSources = sources.reduce((count, source) => count + 1 + source.relabel.length, 0);
  return ofSources + relabel.length + metrics.length;
}
