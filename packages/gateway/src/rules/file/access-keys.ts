/** Keys of `access`. */
import { roles } from '../../model/roles.ts';
import type { Role } from '../../model/roles.ts';
import { RuleProblem } from '../rule-problem.ts';
import { onLimitWords } from '../series-limit.ts';
import type { OnLimit } from '../series-limit.ts';
import { parseSelector } from '../selector.ts';
import type { Selector } from '../selector.ts';
import { entries, entry, named } from './entries.ts';
import type { Entry, Table } from './entries.ts';
import { bytes, count, list, parsed, word } from './kinds.ts';
import type { Located, ValueKind } from './kinds.ts';

type Rights = readonly Located<Role>[];

interface LimitKeys {
  readonly pushes_per_second: number;
  readonly burst: number;
  readonly bytes_per_second: number;
  readonly body: number;
  readonly series_max: number;
  readonly new_series_per_hour: number;
  readonly on_limit: OnLimit;
}

export interface TokenKeys {
  readonly name: string;
  readonly sha256: string;
  readonly may: Rights;
  readonly sources: Selector;
  readonly origins: readonly Located<string>[];
  readonly metrics: Selector;
  readonly on_refused: 'refuse' | 'drop';
  readonly set_labels: readonly (Located<string> & { readonly name: string })[];
  readonly in_url: boolean;
  readonly limits: Entry<LimitKeys>;
  readonly expires: number;
}

export interface AccessKeys {
  readonly anonymous: Rights;
  readonly users: readonly (Located<Rights> & { readonly name: string })[];
  readonly tokens: readonly Located<Entry<TokenKeys>>[];
}

const rights: ValueKind<Rights> = list(word(roles), {
  of: 'a right',
  wanted: `a list of ${roles.join(', ')}`,
  schema: { uniqueItems: true },
});

/** Of a token that may do nothing there is no use. */
const someRights: ValueKind<Rights> = list(word(roles), {
  of: 'a right',
  wanted: `a list of ${roles.join(', ')}`,
  schema: { uniqueItems: true, minItems: 1 },
});

const NAME_CHARS_MAX = 64;

const name: ValueKind<string> = parsed(
  'a name',
  { pattern: '^[A-Za-z0-9._-]+$', maxLength: NAME_CHARS_MAX },
  (text) => {
    if (/^[A-Za-z0-9._-]+$/.test(text) && text.length <= NAME_CHARS_MAX) return text;
    throw new RuleProblem(
      `the name of a token has 1 to ${NAME_CHARS_MAX} letters, digits, dots, dashes and underscores`,
    );
  },
);

/** Of no text at all, as a variable that is not set has it. Then anybody has the token. */
const DIGEST_OF_NOTHING = 'e3b0c44298fc1c149afbf4c8996fb92427ae41e4649b934ca495991b7852b855';

/** It is not quoted: somebody may have written the token itself. */
const digest: ValueKind<string> = parsed(
  'the SHA-256 of the token',
  { pattern: '^[0-9A-Fa-f]{64}$' },
  (text) => {
    if (text.toLowerCase() === DIGEST_OF_NOTHING)
      throw new RuleProblem(
        'it is the SHA-256 of an empty token, which anybody has; make a token and its line with: prom-aggregation-gateway token new',
      );
    if (/^[0-9A-Fa-f]{64}$/.test(text)) return text.toLowerCase();
    throw new RuleProblem(
      `a SHA-256 has 64 hexadecimal digits, and this has ${text.length} characters; make a token and its line with: prom-aggregation-gateway token new`,
    );
  },
);

const origin: ValueKind<string> = parsed('an origin', {}, (text) => {
  const url = URL.canParse(text) ? new URL(text) : undefined;
  if (
    url !== undefined &&
    (url.origin === text || (url.origin === 'null' && /^[a-z][a-z0-9+.-]*:\/\/[^/]+$/.test(text)))
  )
    return text;
  const advice =
    url === undefined || url.origin === 'null' ? 'write it like https://shop.example' : `write ${url.origin}`;
  throw new RuleProblem(`this is no origin as browsers send it; ${advice}`);
});

const yesOrNo: ValueKind<boolean> = parsed('true or false', { enum: [true, false] }, (text) => {
  if (text === 'true' || text === 'false') return text === 'true';
  throw new RuleProblem('it must be true or false');
});

/** Of a day its end, as people mean it; UTC. */
const time: ValueKind<number> = parsed(
  'a date such as 2027-06-01, or a time such as 2027-06-01T12:00:00Z',
  {},
  (text) => {
    const isDay = /^\d{4}-\d\d-\d\d$/.test(text);
    const isTime = /^\d{4}-\d\d-\d\dT\d\d:\d\d(:\d\d(\.\d+)?)?(Z|[+-]\d\d:\d\d)$/.test(text);
    const ms = Date.parse(isDay ? `${text}T23:59:59.999Z` : text);
    // What is no day of the calendar is another one in the end, or none.
    const isReal = !Number.isNaN(ms) && (!isDay || new Date(ms).toISOString().startsWith(text));
    if ((isDay || isTime) && isReal) return ms;
    throw new RuleProblem('write it like 2027-06-01 or 2027-06-01T12:00:00Z');
  },
);

/** An empty one is none. */
const labelValue: ValueKind<string> = parsed('a string', { minLength: 1 }, (text) => {
  if (text !== '') return text;
  throw new RuleProblem('the value of a label is empty, which is as good as no label');
});

export const limitTable: Table<LimitKeys> = {
  name: 'limits',
  keys: {
    pushes_per_second: {
      kind: count,
      doc: 'Pushes in a second, in the long run; further ones are answered 429.',
      default: 'none',
      example: '200',
    },
    burst: {
      kind: count,
      doc: 'Pushes at once, after a while without any.',
      default: 'as many as `pushes_per_second`',
      example: '1000',
    },
    bytes_per_second: {
      kind: bytes,
      doc: 'Bytes of bodies in a second, decompressed, in the long run; ten times as many at once.',
      default: 'none',
      example: '1MiB',
    },
    body: {
      kind: bytes,
      doc: 'Bytes of one body, both compressed and decompressed.',
      default: 'as `--web.max-body-size` says',
      example: '16KiB',
    },
    series_max: {
      kind: count,
      doc: 'Series that were first pushed with it and are still there, counted as `--limit.series` does: a histogram as one for each bucket, plus two. Series that others pushed first do not count.',
      default: 'none',
      example: '500',
    },
    new_series_per_hour: {
      kind: count,
      doc: 'New series in an hour, in the long run; as many at once. Series that go and come again are new each time.',
      default: 'none',
      example: '100',
    },
    on_limit: {
      kind: word(onLimitWords),
      doc: 'What becomes of a push with new series beyond `series_max` or `new_series_per_hour`: it is refused, or the new series are dropped and counted, or added to one series of their family whose labels read `__overflow__`.',
      default: 'refuse',
      example: 'drop',
    },
  },
};

export const tokenTable: Table<TokenKeys> = {
  name: 'a token',
  keys: {
    name: {
      kind: name,
      doc: 'What logs and metrics call it; the token itself is never shown.',
      example: 'shop-web',
    },
    sha256: {
      kind: digest,
      doc: 'SHA-256 of the token, in hexadecimal. `prom-aggregation-gateway token new` makes a token and this line.',
      example: '9f86d081…',
    },
    may: { kind: someRights, doc: 'What it may be used for.', default: '[push]', example: '[push, delete]' },
    sources: {
      kind: parsed('a series selector, such as {job="shop"}', { minLength: 1 }, parseSelector),
      doc: 'Push paths that it may use: a series selector, matched against their labels.',
      default: 'all',
      example: `'{job="shop-web"}'`,
    },
    metrics: {
      kind: parsed('a series selector, such as {__name__=~"web_.*"}', { minLength: 1 }, parseSelector),
      doc: 'Series that may be pushed with it: a series selector, matched against what is pushed with the labels of `set_labels` and those added from the path, before relabelling. The name of a histogram or summary is without `_bucket`, `_sum` and `_count`.',
      default: 'all',
      example: `'{__name__=~"web_.*",page=~"home|cart"}'`,
    },
    on_refused: {
      kind: word(['refuse', 'drop']),
      doc: 'What becomes of a push with other series: it is refused, or they are dropped and counted.',
      default: 'refuse',
      example: 'drop',
    },
    set_labels: {
      kind: named(labelValue, { of: 'the label', wanted: 'a mapping of labels to values' }),
      doc: 'Labels that all series get, in the place of what was pushed.',
      default: '{}',
      example: '{site: shop}',
    },
    origins: {
      kind: list(origin, { of: 'an origin', wanted: 'a list of origins' }),
      doc: 'Web origins whose pages may use it. Requests without an origin are of no page, and are let in.',
      default: 'as `--web.cors-origin` says',
      example: '[https://shop.example]',
    },
    in_url: {
      kind: yesOrNo,
      doc: 'Whether it may come as the parameter `token` of the URL, for `sendBeacon`. It is not logged.',
      default: 'false',
      example: 'true',
    },
    limits: {
      kind: entry(limitTable),
      doc: 'How much may be pushed with it.',
      default: '{}',
      example: '{pushes_per_second: 200, body: 16KiB}',
    },
    expires: {
      kind: time,
      doc: 'The last day on which it may be used, or a point in time; days are those of UTC.',
      default: 'never',
      example: '2027-06-01',
    },
  },
  schema: { required: ['name', 'sha256'] },
};

export const accessTable: Table<AccessKeys> = {
  name: 'access',
  keys: {
    anonymous: {
      kind: rights,
      doc: 'What anybody may do without a token or password.',
      default: '[push, delete, scrape, read]; [] where users need passwords',
      example: '[scrape]',
    },
    users: {
      kind: named(rights, { of: 'the rights of', wanted: 'a mapping of users to their rights' }),
      doc: 'What users of the [web configuration file](web-configuration.md) may do. All who are not named may do everything.',
      default: '{}',
      example: '{grafana: [scrape, read]}',
    },
    tokens: {
      kind: entries(tokenTable),
      doc: 'Tokens, and what they are good for.',
      default: '[]',
      example: '[{name: shop-web, sha256: 9f86d081…}]',
    },
  },
};
