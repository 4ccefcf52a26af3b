/** Names, labels and values as PromQL, shells and YAML take them. */

export type Labels = Readonly<Record<string, string>>;

const metricName = /^[a-zA-Z_:][a-zA-Z0-9_:]*$/;
const labelName = /^[a-zA-Z_][a-zA-Z0-9_]*$/;

/** As in a string of PromQL and of the text format. */
export function quoted(text: string): string {
  return `"${text.replaceAll('\\', '\\\\').replaceAll('"', '\\"').replaceAll('\n', '\\n')}"`;
}

function matchersOf(labels: Labels): string[] {
  return Object.entries(labels)
    .filter(([name]) => name !== '__name__')
    .map(([name, value]) => `${labelName.test(name) ? name : quoted(name)}=${quoted(value)}`);
}

/** A selector of PromQL for one series, or for all of a name. */
export function selector(name: string, labels: Labels = {}): string {
  const matchers = matchersOf(labels);
  if (name === '') return `{${matchers.join(',')}}`;
  if (!metricName.test(name)) return `{${[quoted(name), ...matchers].join(',')}}`;
  return matchers.length === 0 ? name : `${name}{${matchers.join(',')}}`;
}

/** One word for a shell. */
export function shellWord(text: string): string {
  return /^[\w./:@%+=,-]+$/.test(text) ? text : `'${text.replaceAll("'", `'\\''`)}'`;
}

/** A scalar of YAML, as JSON writes it where a plain one could be read as something else. */
export function yamlText(text: string): string {
  return metricName.test(text) && !/^(?:true|false|null|yes|no|on|off|y|n)$/i.test(text)
    ? text
    : JSON.stringify(text);
}

/** What to ask Prometheus for, by type. */
export function usualQuery(name: string, type: string, labels: Labels = {}): string {
  const of = (suffix: string): string => selector(name + suffix, labels);
  switch (type) {
    case 'counter':
      return `rate(${selector(name, labels)}[5m])`;
    case 'histogram':
      return `histogram_quantile(0.95, sum by (le) (rate(${of('_bucket')}[5m])))`;
    case 'summary':
      return `rate(${of('_sum')}[5m]) / rate(${of('_count')}[5m])`;
    default:
      return selector(name, labels);
  }
}

/** A configuration file with one rule for this metric, which `config check` takes as it stands. */
export function ruleFor(name: string, type: string): string {
  const match = `match: ${yamlText(selector(name))}`;
  if (type === 'gauge') return `metrics:\n  - ${match}\n    gauge: max\n`;
  if (type === 'histogram') return `metrics:\n  - ${match}\n    buckets: [0.1, 0.5, 1, 5]\n`;
  return `metrics:\n  - ${match}\n    ttl: 1d\n`;
}

/** Of a series as the text format writes it; undefined for what is none. */
export function parseSeries(text: string): { readonly name: string; readonly labels: Labels } | undefined {
  const open = text.indexOf('{');
  if (open === -1) return { name: text.trim(), labels: {} };
  const labels: Record<string, string> = {};
  let name = text.slice(0, open).trim();
  const pair = /\s*(?:"((?:[^"\\]|\\.)*)"|([^\s={},"]+))\s*(?:=\s*"((?:[^"\\]|\\.)*)")?\s*(,|\})/gy;
  pair.lastIndex = open + 1;
  if (/^\s*\}$/.test(text.slice(open + 1))) return { name, labels };
  for (;;) {
    const found = pair.exec(text);
    if (found === null) return undefined;
    const [, inQuotes, plain, value, end] = found;
    const key = plain ?? unescaped(inQuotes ?? '');
    if (value === undefined) name = key;
    else labels[key] = unescaped(value);
    if (end === '}') return pair.lastIndex === text.trimEnd().length ? { name, labels } : undefined;
  }
}

function unescaped(text: string): string {
  return text.replaceAll(/\\(.)/gs, (_, character: string) => (character === 'n' ? '\n' : character));
}
