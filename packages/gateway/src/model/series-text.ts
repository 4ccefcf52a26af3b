/**
 * A series as parsed and as text. The canonical text is at once the key of a series and what the exposition shows: labels sorted
 * by name, `le` last, empty values left out unless they are to be shown, names that are not legacy names in quotes.
 */
import { isLegacyLabelName, isLegacyMetricName } from './labels.ts';
import type { Label } from './labels.ts';

/** Labels must be unique. `le` goes last, as the Go client writes it, so that a client's usual series key is the canonical one. */
export function seriesText(name: string, labels: readonly Label[], le?: string): string {
  let inner = isLegacyMetricName(name) ? '' : metricNameText(name);
  const sorted = labels.length > 1 ? labels.toSorted(byName) : labels;
  for (const label of sorted) {
    if (label.value === '' && label.isShownEmpty !== true) continue;
    inner += `${inner === '' ? '' : ','}${labelText(label.name, label.value)}`;
  }
  if (le !== undefined) inner += `${inner === '' ? '' : ','}le="${le}"`;
  const prefix = isLegacyMetricName(name) ? name : '';
  return inner === '' ? prefix : `${prefix}{${inner}}`;
}

/** What stands before the labels of a series that has some: `name{`, or `{"na.me",`. */
export function seriesHead(name: string): string {
  return isLegacyMetricName(name) ? `${name}{` : `{${metricNameText(name)},`;
}

/** A label as it stands in a series. */
export function labelText(name: string, value: string): string {
  return `${labelNameText(name)}="${escapeLabelValue(value)}"`;
}

/** The name of a family as it is written, in quotes where it is no legacy name. */
export function metricNameText(name: string): string {
  return isLegacyMetricName(name) ? name : `"${escapeLabelValue(name)}"`;
}

/** The same for the name of a label. */
export function labelNameText(name: string): string {
  return isLegacyLabelName(name) ? name : `"${escapeLabelValue(name)}"`;
}

/** The labels in the canonical text of a series with this name, as they are written there. */
export function writtenLabels(text: string, name: string): string {
  return text.slice(seriesHead(name).length, -1);
}

/** The canonical text of a series, of which the labels are written already. */
export function textWithLabels(name: string, labels: string): string {
  return labels === '' ? seriesText(name, []) : `${seriesHead(name)}${labels}}`;
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
