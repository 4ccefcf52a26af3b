/** Entries of metric_relabel_configs as rules, with the checks that Prometheus has. */
import { quote } from '../../primitives/quote.ts';
import { Pattern } from '../pattern.ts';
import type { RelabelRule } from '../rules.ts';
import type { Entry } from './entries.ts';
import type { RelabelKeys } from './keys.ts';
import type { Located } from './kinds.ts';
import type { Problems } from './problems.ts';
import { actionRows, isDefault, relabelDefaults } from './relabel-actions.ts';

/** Without entries that are wrong, which are noted. */
export function* relabelRulesOf(
  list: Located<readonly Located<Entry<RelabelKeys>>[]> | undefined,
  problems: Problems,
): Generator<void, readonly RelabelRule[]> {
  const seen = new Map<string, Entry<RelabelKeys>>();
  const rules: RelabelRule[] = [];
  for (const { value } of list?.value ?? []) {
    yield;
    const rule = relabelRuleOf(value, problems);
    if (rule === undefined) continue;
    rules.push(rule);
    const text = JSON.stringify({ ...rule, regex: rule.regex.source });
    const same = seen.get(text);
    if (same === undefined) seen.set(text, value);
    else problems.warning(value.at, `this entry is identical to the one in line ${problems.lineOf(same.at)}`);
  }
  return rules;
}

const anyText = new Pattern(relabelDefaults.regex);

function relabelRuleOf(entry: Entry<RelabelKeys>, problems: Problems): RelabelRule | undefined {
  const { keys } = entry;
  const action = keys.action?.value ?? relabelDefaults.action;
  const isRight = checkKeys(entry, action, problems) && checkNames(entry, action, problems);
  if (!isRight || !entry.isWhole) return undefined;
  checkEffect(entry, action, problems);
  return {
    action,
    sourceLabels: keys.source_labels?.value.map(({ value }) => value) ?? [],
    separator: keys.separator?.value ?? relabelDefaults.separator,
    regex: keys.regex?.value ?? anyText,
    modulus: keys.modulus?.value ?? relabelDefaults.modulus,
    targetLabel: keys.target_label?.value ?? '',
    replacement: keys.replacement?.value ?? relabelDefaults.replacement,
  };
}

function checkKeys(
  { at, keys, isWhole }: Entry<RelabelKeys>,
  action: RelabelRule['action'],
  problems: Problems,
): boolean {
  const { needs, refuses, ignores } = actionRows[action];
  let isRight = true;
  for (const key of needs) {
    const given = keys[key];
    if (given !== undefined && given.value !== '') continue;
    isRight = false;
    // What is there and wrong was noted already.
    if (given !== undefined) problems.error(given.at, `${key} is empty; the action ${action} requires it`);
    else if (isWhole) problems.error(at, `the action ${action} requires ${key}`);
  }
  for (const key of refuses) {
    const given = keys[key];
    if (given === undefined || isDefault(key, given.value)) continue;
    isRight = false;
    problems.error(given.keyAt, `${key} is not allowed with the action ${action}; remove it`);
  }
  for (const key of ignores) {
    const given = keys[key];
    if (given !== undefined) problems.warning(given.keyAt, `${key} has no effect with the action ${action}`);
  }
  return isRight;
}

/** Characters, and references to groups of the regular expression. */
const TEMPLATE = /^(?:[^${}]|\$\{[^${}]+\}|\$(?=[^${}]))+$/;

/** A name may be any text, as everywhere; where it is made from a template, that must be one. */
function checkNames(
  { keys }: Entry<RelabelKeys>,
  action: RelabelRule['action'],
  problems: Problems,
): boolean {
  const made =
    action === 'replace' ? keys.target_label : action === 'labelmap' ? keys.replacement : undefined;
  if (made === undefined) return true;
  const isValid = made.value.includes('$') ? TEMPLATE.test(made.value) : made.value !== '';
  if (!isValid) {
    problems.error(
      made.at,
      `${quote(made.value)} is not a label, nor a template for one, such as \${1}_total`,
    );
  }
  return isValid;
}

/** What is most likely a mistake. */
function checkEffect(
  { at, keys }: Entry<RelabelKeys>,
  action: RelabelRule['action'],
  problems: Problems,
): void {
  const { target_label: target } = keys;
  const isUsed = !actionRows[action].ignores.includes('target_label');
  if (target?.value.includes('$') === true && action !== 'replace' && isUsed) {
    problems.warning(target.at, `${quote(target.value)} is the label as it is: only replace fills in groups`);
  }
  if (action !== 'keep' && action !== 'drop') return;
  const regex = keys.regex?.value ?? anyText;
  const matchesAll = regex.source === '.*' || regex.source === '(.*)';
  if (action === 'drop' && matchesAll) problems.warning(at, 'this entry drops every series');
  else if (keys.source_labels === undefined && !matchesAll) {
    problems.warning(at, 'without source_labels, the regex is matched against an empty text');
  }
}
