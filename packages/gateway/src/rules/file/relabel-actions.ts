/**
 * Which keys go with which action of relabelling. What Prometheus refuses is refused; what it takes and does not use is a warning.
 * https://prometheus.io/docs/prometheus/latest/configuration/configuration/#relabel_config
 */
import { relabelActions } from '../rules.ts';
import type { RelabelRule } from '../rules.ts';
import type { JsonSchema } from './kinds.ts';

type Action = RelabelRule['action'];
type OtherKey = 'source_labels' | 'separator' | 'regex' | 'modulus' | 'target_label' | 'replacement';

export const relabelDefaults = {
  action: 'replace',
  separator: ';',
  regex: '(.*)',
  modulus: 0,
  replacement: '$1',
} as const;

interface ActionRow {
  readonly needs: readonly OtherKey[];
  /** Not to be given, unless as by default. */
  readonly refuses: readonly OtherKey[];
  /** Without effect. */
  readonly ignores: readonly OtherKey[];
}

const intoLabel: ActionRow = {
  needs: ['target_label'],
  refuses: ['replacement'],
  ignores: ['regex', 'modulus'],
};
const equality: ActionRow = {
  needs: ['target_label'],
  refuses: ['regex', 'modulus', 'separator', 'replacement'],
  ignores: [],
};
const filter: ActionRow = { needs: [], refuses: [], ignores: ['modulus', 'target_label', 'replacement'] };
const ofNames: ActionRow = {
  needs: [],
  refuses: ['source_labels', 'target_label', 'modulus', 'separator', 'replacement'],
  ignores: [],
};

export const actionRows: Readonly<Record<Action, ActionRow>> = {
  replace: { needs: ['target_label'], refuses: [], ignores: ['modulus'] },
  keep: filter,
  drop: filter,
  keepequal: equality,
  dropequal: equality,
  hashmod: { needs: ['target_label', 'modulus'], refuses: [], ignores: ['regex', 'replacement'] },
  labelmap: { needs: [], refuses: [], ignores: ['source_labels', 'separator', 'modulus', 'target_label'] },
  labeldrop: ofNames,
  labelkeep: ofNames,
  lowercase: intoLabel,
  uppercase: intoLabel,
};

/** Whether a key that an action refuses may be given after all, as what it is by default. Of a regex Prometheus cannot tell. */
export function isDefault(key: OtherKey, value: unknown): boolean {
  return (key === 'separator' || key === 'replacement') && value === relabelDefaults[key];
}

/** What goes with an action, as JSON schema says it. Without an action it is the default. */
export const relabelSchema: JsonSchema = {
  allOf: relabelActions.map((action) => {
    const { needs, refuses } = actionRows[action];
    const isDefaultAction = action === relabelDefaults.action;
    return {
      if: {
        properties: { action: { const: action } },
        ...(isDefaultAction ? {} : { required: ['action'] }),
      },
      // oxlint-disable-next-line unicorn/no-thenable -- a word of JSON schema
      then: {
        required: needs,
        properties: Object.fromEntries(refuses.map((key) => [key, refusedSchema(key)])),
      },
    };
  }),
};

function refusedSchema(key: OtherKey): JsonSchema | false {
  return key === 'separator' || key === 'replacement' ? { const: relabelDefaults[key] } : false;
}
