/**
 * Random runs from a seed. Few names that all get in each other's way (`x`, `x_bucket`, `x.count`, `x_created` …) find more
 * than many; a part of the bodies is then damaged byte by byte.
 */
import type { Random } from '../support/random.ts';
import { changed, randomProtobuf } from './generate-protobuf.ts';
import type { FuzzRun, FuzzStep } from './replay.ts';

const types = ['counter', 'gauge', 'histogram', 'summary', 'untyped'] as const;
const names = [
  'x',
  'x',
  'y',
  'x_total',
  'x_bucket',
  'x_sum',
  'x_count',
  'x_created',
  'x.count',
  'x_count_total',
  'y.z',
  'y_z',
];
const values = ['0', '1', '2', '3', '10', '0.1', '1e20', '-1', 'NaN', '+Inf', '1e-9', '7 1234'];
const counts = ['0', '1', '2', '3', '5', '8'];
const labels = [
  '',
  '',
  '',
  '{a="1"}',
  '{a="2",b="1"}',
  '{b="1",a="2"}',
  '{ a = "2" , b="1", }',
  '{a=""}',
  '{"l.m"="1"}',
  '{a="\\n\\"\\\\"}',
];
const bounds = ['0.1', '1', '1.0', '2', '1e1', '+Inf', 'Inf'];
const fragments = [
  '\n',
  '\r',
  '"',
  '{',
  '}',
  ',',
  '=',
  ' ',
  '#',
  '\\',
  '\0',
  '\xff',
  '\xef\xbb\xbf',
  'le="1"',
  '# TYPE x ',
  'x 1\n',
  '_bucket',
  'NaN',
  '1e400',
  '\xc3\xa9',
];

/** As often as each is pushed where formats are mixed. */
const mixedFormats = ['text', 'text', 'openmetrics', 'openmetrics', 'protobuf'] as const;
export type FuzzFormat = (typeof mixedFormats)[number];

function freshBody(random: Random, format: FuzzFormat): string {
  if (format === 'protobuf') return randomProtobuf(random, names);
  return format === 'openmetrics' ? randomOpenMetrics(random) : randomBody(random);
}

function damagedIn(random: Random, format: FuzzFormat, body: string): string {
  return format === 'protobuf' && random.chance(80) ? changed(random, body) : damaged(random, body);
}

export function randomRun(random: Random, formats: readonly FuzzFormat[] = mixedFormats): FuzzRun {
  const steps: FuzzStep[] = [];
  const length = 1 + random.below(8);
  for (let i = 0; i < length; i += 1) {
    const kind = random.below(100);
    if (kind < 8) steps.push({ delete: random.pick(['a', 'b']) });
    else if (kind < 16) steps.push({ waitMs: random.pick([500, 1001, 3001]) });
    else {
      const repeated = steps.findLast((step) => 'push' in step);
      const isRepeated = repeated !== undefined && random.chance(20);
      const format = isRepeated ? (repeated.format ?? 'text') : random.pick(formats);
      const fresh = freshBody(random, format);
      const body = isRepeated ? repeated.push : fresh;
      const push = random.chance(25) ? damagedIn(random, format, body) : body;
      // Now and then a body of one format is pushed as another.
      const pushedAs = random.chance(5) ? random.pick(formats) : format;
      const told = pushedAs === 'text' ? {} : { format: pushedAs };
      steps.push({ push, method: random.pick(['PUT', 'POST']), job: random.pick(['a', 'b']), ...told });
    }
  }
  return {
    byJob: random.chance(60),
    jobCounterResets: random.pick(['overwrite', 'accumulate', 'accumulate-by-value']),
    summaries: random.pick(['discard', 'sum-and-count']),
    pathLabels: random.chance(20) ? 'add' : 'drop',
    openmetrics: random.pick(['strict', 'lenient']),
    steps,
  };
}

function randomBody(random: Random): string {
  let body = '';
  const families = 1 + random.below(3);
  for (let i = 0; i < families; i += 1) body += randomFamily(random);
  return random.chance(10) ? body.trimEnd() : body;
}

function randomFamily(random: Random): string {
  const name = random.pick(names);
  const type = random.pick(types);
  const quoted = name.includes('.') ? `"${name}"` : name;
  let text = random.chance(20) ? `# HELP ${quoted} ${random.pick(['', 'Some.', 'A \\\\ b \\n c'])}\n` : '';
  if (random.chance(75)) text += `# TYPE ${quoted} ${type}\n`;
  const series = random.chance(5) ? 0 : 1 + random.below(2);
  for (let i = 0; i < series; i += 1) {
    if (type === 'histogram') text += randomHistogram(random, name);
    else if (type === 'summary') {
      const label = random.pick(labels);
      text += sample(name, withLabel(label, 'quantile="0.5"'), random.pick(values));
      text += sample(`${name}_sum`, label, random.pick(values));
      text += sample(`${name}_count`, label, random.pick(counts));
    } else text += sample(name, random.pick(labels), random.pick(values));
  }
  return text;
}

const openMetricsTypes = [...types.slice(0, 4), 'unknown', 'info', 'stateset', 'gaugehistogram'] as const;
const suffixes = ['', '_total', '_created', '_info', '_bucket', '_gcount'];
const tails = ['', '', '', ' 7', ' 7.5 # {a="b"} 1', ' # {} 1 2', ' # {a="\\"} # "} 1'];

function randomOpenMetrics(random: Random): string {
  let body = '';
  for (let i = 1 + random.below(3); i > 0; i -= 1) body += randomOpenMetricsFamily(random);
  return random.chance(3) ? body : `${body}# EOF${random.chance(90) ? '\n' : ''}`;
}

function randomOpenMetricsFamily(random: Random): string {
  const name = random.pick(names);
  const type = random.pick(openMetricsTypes);
  const quoted = name.includes('.') ? `"${name}"` : name;
  const metadata = [
    ...(random.chance(30) ? [`# HELP ${quoted} ${random.pick(['', 'Some.', 'A \\d'])}\n`] : []),
    ...(random.chance(85) ? [`# TYPE ${quoted} ${type}\n`] : []),
    ...(random.chance(10) ? [`# UNIT ${quoted} ${random.pick(['', 'sum', 's'])}\n`] : []),
  ];
  let text = (random.chance(20) ? metadata.toReversed() : metadata).join('');
  for (let i = random.below(3); i > 0; i -= 1) {
    const label = random
      .pick(labels)
      .replaceAll(/ |, (?=})/g, '')
      .replace(',}', '}');
    const value = `${random.pick(counts)}${random.pick(tails)}`;
    if (type === 'histogram') {
      const count = random.below(3);
      if (random.chance(60)) text += sample(`${name}_bucket`, withLabel(label, 'le="1.0"'), String(count));
      text += sample(`${name}_bucket`, withLabel(label, 'le="+Inf"'), `3${random.pick(tails)}`);
      if (random.chance(80))
        text += sample(`${name}_sum`, label, '4.5') + sample(`${name}_count`, label, '3');
    } else if (type === 'summary') {
      text += sample(name, withLabel(label, 'quantile="0.5"'), '1');
      text += sample(`${name}_sum`, label, value) + sample(`${name}_count`, label, '2');
    } else if (type === 'gaugehistogram') {
      text += sample(`${name}_bucket`, withLabel(label, 'le="+Inf"'), `3${random.pick(tails)}`);
      text += sample(`${name}_gcount`, label, '3') + sample(`${name}_gsum`, label, '4');
    } else if (type === 'counter') text += sample(`${name}_total`, label, value);
    else if (type === 'info') text += sample(`${name}_info`, label, '1');
    else if (type === 'stateset') text += sample(name, withLabel(label, `${name}="on"`), '1');
    else text += sample(name, label, random.pick(values));
    if (random.chance(30)) text += sample(`${name}_created`, label, random.pick(values));
    if (random.chance(5)) text += sample(name + random.pick(suffixes), label, value);
  }
  return text;
}

function randomHistogram(random: Random, name: string): string {
  const label = random.pick(labels);
  const lines: string[] = [];
  let cumulative = 0;
  for (const bound of bounds.filter(() => random.chance(40))) {
    cumulative += random.below(3);
    lines.push(sample(`${name}_bucket`, withLabel(label, `le="${bound}"`), String(cumulative)));
  }
  if (random.chance(70)) lines.push(sample(`${name}_sum`, label, random.pick(values)));
  if (random.chance(80)) lines.push(sample(`${name}_count`, label, String(cumulative)));
  return (random.chance(20) ? lines.toReversed() : lines).join('');
}

function withLabel(label: string, added: string): string {
  return label === '' ? `{${added}}` : `{${added},${label.slice(1)}`;
}

function sample(name: string, label: string, value: string): string {
  if (!name.includes('.')) return `${name}${label} ${value}\n`;
  return `{"${name}"${label === '' ? '}' : `,${label.slice(1)}`} ${value}\n`;
}

function damaged(random: Random, body: string): string {
  let text = body;
  for (let i = 1 + random.below(3); i > 0; i -= 1) {
    const at = random.below(text.length + 1);
    const to = Math.min(text.length, at + random.below(6));
    const middle = random.chance(50)
      ? random.pick(fragments)
      : random.chance(50)
        ? text.slice(at, to).repeat(2)
        : '';
    text = text.slice(0, at) + middle + text.slice(to);
  }
  return text;
}
