/** What of metrics goes with how senders count, and with how long their sources stay. */
import { modeBy, modesOf, rulesOfSenders } from '../rules.ts';
import type { GaugePolicy, SourceRule } from '../rules.ts';
import type { FileKeys } from './keys.ts';
import type { Located } from './kinds.ts';
import { presets } from './presets.ts';
import type { Place, Problems } from './problems.ts';

/** What holds for senders and series of which the file does not say it. Fields are those of the flags. */
export interface SenderDefaults {
  readonly byJob: boolean;
  readonly jobPruneDurationMs: number;
  readonly seriesTtlMs: number;
}

interface GaugeSetting {
  readonly policy: GaugePolicy;
  readonly at: Place;
  readonly ttlMs: number | undefined;
}

export function checkGauges(
  keys: { readonly [Name in 'metrics' | 'presets']?: Located<FileKeys[Name]> },
  { sources, defaults }: { readonly sources: readonly SourceRule[]; readonly defaults: SenderDefaults },
  problems: Problems,
): void {
  const settings = gaugeSettings(keys);
  const modes = modesOf(sources, defaults);
  if (!modes.has('by-job')) {
    for (const { policy, at } of settings)
      if (policy === 'avg' || policy === 'count') warnOfMode(policy, at, problems);
    return;
  }
  if (!mayStayForEver(sources, defaults)) return;
  // One says it for all.
  const first = settings.find(({ policy, ttlMs = defaults.seriesTtlMs }) => policy !== 'sum' && ttlMs === 0);
  if (first !== undefined) {
    problems.warning(
      first.at,
      `${first.policy} goes on counting what sources have said that are gone, as there are senders by job without prune_after; set it in their entry of sources, where 0 means that this is meant, or start with --job-prune-duration`,
    );
  }
}

function gaugeSettings({
  metrics,
  presets: named,
}: Parameters<typeof checkGauges>[0]): readonly GaugeSetting[] {
  const settings: GaugeSetting[] = [];
  for (const { value } of metrics?.value ?? []) {
    const { gauge, ttl } = value.keys;
    if (gauge !== undefined) settings.push({ policy: gauge.value, at: gauge.at, ttlMs: ttl?.value });
  }
  for (const { value, at } of named?.value ?? [])
    settings.push({ policy: presets[value].gauge, at, ttlMs: undefined });
  return settings;
}

function warnOfMode(policy: GaugePolicy, at: Place, problems: Problems): void {
  problems.warning(
    at,
    `${policy} needs senders by job, and here all senders add: pushes of such gauges are refused; set mode: by-job in an entry of sources, or start with --by-job`,
  );
}

/** Whether there may be sources whose gauges stay however long they are silent, and nobody has said so. */
function mayStayForEver(sources: readonly SourceRule[], defaults: SenderDefaults): boolean {
  if (defaults.jobPruneDurationMs > 0) return false;
  return rulesOfSenders(sources).some(
    (rule) => modeBy(rule, defaults) === 'by-job' && rule?.pruneAfterMs === undefined,
  );
}
