/** What answers of the API look like, as JSON schemas. */

export type Schema = Readonly<Record<string, unknown>>;

const text: Schema = { type: 'string' };
const number: Schema = { type: 'number' };
const whole: Schema = { type: 'integer' };
const flag: Schema = { type: 'boolean' };
const texts: Schema = listOf(text);
const labels: Schema = { type: 'object', additionalProperties: text };
const points: Schema = listOf(orNull(number));

function listOf(items: Schema): Schema {
  return { type: 'array', items };
}

function orNull({ type, enum: values, ...rest }: Schema): Schema {
  return { type: [type, 'null'], ...(Array.isArray(values) && { enum: [...values, null] }), ...rest };
}

function words(...values: readonly string[]): Schema {
  return { type: 'string', enum: values };
}

/** All are required, but for those whose name ends in a question mark. */
function object(properties: Readonly<Record<string, Schema>>): Schema {
  const named = Object.entries(properties).map(([name, schema]) => [name.replace('?', ''), schema] as const);
  return {
    type: 'object',
    properties: Object.fromEntries(named),
    required: Object.keys(properties).filter((name) => !name.endsWith('?')),
  };
}

const sender = object({
  path: text,
  token: orNull(text),
  address: orNull(text),
  share: number,
  error: number,
  pushes: orNull(number),
  lastPush: orNull(number),
});
const family = {
  name: text,
  type: text,
  help: text,
  unit: text,
  series: whole,
  senders: whole,
  pushes: number,
  lastChange: orNull(number),
  rate: orNull(number),
};
const refusal = object({
  time: text,
  what: words('push', 'delete', 'admin'),
  method: text,
  path: text,
  'remote?': text,
  'by?': text,
  code: text,
  status: whole,
  message: text,
  'line?': whole,
  'column?': whole,
  'excerpt?': text,
  'excerptColumn?': whole,
});
const statistics = listOf(object({ name: text, value: number }));

/** Of `data`, by the place of the route. */
export const dataSchemas: Readonly<Record<string, Schema>> = {
  metadata: {
    type: 'object',
    additionalProperties: listOf(object({ type: text, help: text, unit: text })),
  },
  labels: texts,
  label_values: texts,
  series: listOf(labels),
  buildinfo: object({ version: text, revision: text, application: text }),
  tsdb_status: object({
    seriesCountByMetricName: statistics,
    labelValueCountByLabelName: statistics,
    memoryInBytesByLabelName: statistics,
    seriesCountByLabelValuePair: statistics,
  }),
  refusals: object({ total: whole, refusals: listOf(refusal) }),
  me: object({
    roles: texts,
    token: orNull(text),
    name: orNull(text),
    mode: words('add', 'by-job', 'mixed'),
    routePrefix: text,
    pushUrl: text,
    version: text,
    adminApi: flag,
    member: orNull(object({ name: text, leads: flag })),
  }),
  families: object({ families: listOf(object(family)), total: whole, 'next?': text }),
  family: object({
    ...family,
    rules: listOf(object({ index: text, entry: text })),
    senders: listOf(sender),
    samples: listOf(
      object({
        labels,
        value: text,
        'start?': number,
        'sum?': orNull(text),
        'buckets?': listOf({ type: 'array', items: text, minItems: 2, maxItems: 2 }),
        'native?': flag,
      }),
    ),
    'next?': text,
  }),
  sources: object({
    sources: listOf(
      object({
        groupingKey: labels,
        mode: words('add', 'by-job'),
        lastPush: orNull(number),
        ageSeconds: orNull(number),
        samples: whole,
        series: orNull(whole),
        pushes: orNull(number),
        refused: whole,
        token: orNull(text),
        address: orNull(text),
      }),
    ),
    total: whole,
    'next?': text,
  }),
  validate: object({
    wouldBe: words('applied', 'dropped', 'dropped by rules', 'dropped by limits', 'late', 'refused'),
    mode: words('add', 'by-job'),
    samples: whole,
    series: listOf(
      object({
        labels,
        family: text,
        type: text,
        isNew: flag,
        before: orNull(text),
        after: orNull(text),
        rules: texts,
      }),
    ),
    dropped: listOf(object({ series: text, rules: texts })),
    ignored: { type: 'object', additionalProperties: whole },
    errors: listOf(
      object({
        code: text,
        message: text,
        line: orNull(whole),
        column: orNull(whole),
        excerpt: orNull(text),
        excerptColumn: orNull(whole),
      }),
    ),
    truncated: flag,
  }),
  explain: object({
    series: listOf(
      object({
        labels,
        family: text,
        value: text,
        mode: words('by-job', 'add', 'mixed'),
        since: orNull(number),
        error: number,
        exact: flag,
        senders: listOf(sender),
        sources: whole,
        others: number,
        added: {
          ...orNull(
            object({ senders: listOf(sender), since: orNull(number), until: orNull(number), error: number }),
          ),
        },
        recent: orNull(
          object({
            senders: listOf(sender),
            others: number,
            since: orNull(number),
            until: orNull(number),
            exact: flag,
          }),
        ),
      }),
    ),
    exact: flag,
    more: flag,
  }),
  explain_watch: object({ until: number }),
  history: object({
    stepSeconds: number,
    begin: number,
    kind: words('rate', 'value', 'count_rate'),
    points,
    'quantiles?': { type: 'object', additionalProperties: points },
    'buckets?': listOf(object({ le: text, points })),
  }),
  scrapers: object({
    scrapers: listOf(
      object({
        address: orNull(text),
        userAgent: text,
        target: words('aggregate', 'own'),
        last: number,
        intervalSeconds: orNull(number),
        bytes: whole,
        format: text,
        seconds: number,
        scrapes: whole,
      }),
    ),
  }),
  audit: object({
    entries: listOf(
      object({
        time: number,
        what: words('delete', 'delete_series', 'delete_sources', 'wipe', 'reload'),
        who: object({ name: orNull(text), address: orNull(text) }),
        detail: text,
        outcome: text,
      }),
    ),
  }),
  limits: object({
    limits: listOf(
      object({
        name: text,
        scope: words('gateway', 'token', 'job', 'source', 'family'),
        of: orNull(text),
        onLimit: orNull(words('refuse', 'drop', 'overflow')),
        used: number,
        max: number,
        perHour: orNull(number),
        secondsUntilFull: orNull(number),
      }),
    ),
  }),
  rules: object({
    rules: listOf(object({ text, kind: text, index: text, catches: texts, count: orNull(whole) })),
    file: orNull(text),
  }),
  metrics: listOf({
    type: 'object',
    properties: { labels, last_push_successful: flag },
    required: ['labels', 'last_push_successful'],
  }),
};

export const errorSchema: Schema = object({
  status: words('error'),
  errorType: words('bad_data', 'internal', 'unavailable'),
  error: text,
});

/** A whole answer. */
export function answerOf(data: Schema): Schema {
  return object({ status: words('success'), data, 'warnings?': texts });
}
