/**
 * A series as parsed and as text. The canonical text is at once the key of a series and what the exposition shows: labels sorted
 * by name, `le` last, empty values left out unless they are to be shown, names that are not legacy names in quotes.
 */
import { isLegacyLabelName, isLegacyMetricName } from './labels.ts';
import type { Label } from './labels.ts';

/** Labels must be unique. `le` goes last, as the Go client writes it, so that a client's usual series key is the canonical one. */
export function seriesText(name: string, labels: readonly Label[], le?: string): string {
  let inner = isLegacyMetricName(name) ? '' : `"${escapeLabelValue(name)}"`;
  const sorted = labels.length > 1 ? labels.toSorted(byName) : labels;
  for (const label of sorted) {
    if (label.value === '' && label.isShownEmpty !== true) continue;
    inner += `${inner === '' ? '' : ','}${labelText(label.name, label.value)}`;
  }
  if (le !== undefined) inner += `${inner === '' ? '' : ','}le="${le}"`;
  const prefix = isLegacyMetricName(name) ? name : '';
  return inner === '' ? prefix : `${prefix}{${inner}}`;
}

/** A label as it stands in a series. */
export function labelText(name: string, value: string): string {
  const label = isLegacyLabelName(name) ? name : `"${escapeLabelValue(name)}"`;
  return `${label}="${escapeLabelValue(value)}"`;
}

/** The labels in the canonical text of a series with this name, as they are written there. */
export function writtenLabels(text: string, name: string): string {
  const head = isLegacyMetricName(name) ? name.length + 1 : escapeLabelValue(name).length + 4;
  return text.slice(head, -1);
}

/** The canonical text of a series, of which the labels are written already. */
export function textWithLabels(name: string, labels: string): string {
  if (isLegacyMetricName(name)) return labels === '' ? name : `${name}{${labels}}`;
  const quoted = `"${escapeLabelValue(name)}"`;
  return labels === '' ? `{${quoted}}` : `{${quoted},${labels}}`;
}

export function escapeLabelValue(value: string): string {
  if (!/["\\\n]/.test(value)) return value;
  return value.replaceAll('\\', '\\\\').replaceAll('\n', '\\n').replaceAll('"', '\\"');
}

/** Reads what `seriesText` wrote, and nothing else. */
export function parseSeriesText(text: string): { readonly name: string; readonly labels: readonly Label[] } {
  const brace = text.indexOf('{');
  let name = brace === -1 ? text : text.slice(0, brace);
  const labels: Label[] = [];
  const item = /(?:([a-zA-Z_][a-zA-Z0-9_]*)|"((?:[^"\\]|\\.)*)")(?:="((?:[^"\\]|\\.)*)")?[,}]/gsy;
  item.lastIndex = brace + 1;
  for (let match = item.exec(text); brace !== -1 && match !== null; match = item.exec(text)) {
    const word = match[1] ?? unescapeLabelValue(match[2] ?? '');
    if (match[3] === undefined) name = word;
    // It would not be there if it were not to be shown.
    else if (match[3] === '') labels.push({ name: word, value: '', isShownEmpty: true });
    else labels.push({ name: word, value: unescapeLabelValue(match[3]) });
  }
  return { name, labels };
}

/** What `escapeLabelValue` made of a text, back again. */
export function unescapeLabelValue(text: string): string {
  return text.replace(/\\(.)/gs, (_, escaped: string) => (escaped === 'n' ? '\n' : escaped));
}

function byName(a: Label, b: Label): number {
  return a.name < b.name ? -1 : a.name > b.name ? 1 : 0;
}
