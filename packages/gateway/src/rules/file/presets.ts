import type { MetricRule } from '../rules.ts';
import { parseSelector } from '../selector.ts';

/** Rules for names that mean the same everywhere. */
export const presets = {
  timestamps: { match: '{__name__=~".*_timestamp_seconds|.*_last_success.*"}', gauge: 'max' },
  info: { match: '{__name__=~".*_info"}', gauge: 'max' },
  process_start_time: { match: 'process_start_time_seconds', gauge: 'min' },
} as const;

export type PresetName = keyof typeof presets;

export const presetNames = Object.keys(presets) as readonly PresetName[];

export function presetRule(name: PresetName): MetricRule {
  const { match, gauge } = presets[name];
  return { match: parseSelector(match), gauge, preset: name };
}
