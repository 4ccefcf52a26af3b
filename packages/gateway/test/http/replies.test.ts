import { describe, expect, it } from 'vitest';

import { compressionFor, replyCompressions } from '../../src/http/replies/accept-encoding.ts';
import { preferredMediaType } from '../../src/http/replies/accept.ts';
import { corsPolicy } from '../../src/http/replies/cors.ts';
import { DescriptorWatch, meansNoDescriptors } from '../../src/http/connections/descriptors.ts';
import { formatOf } from '../../src/http/replies/media-type.ts';
import { explainMisread } from '../../src/http/routes/misread.ts';
import { madeOnceATurn } from '../../src/http/routes/once-a-turn.ts';
import { problemBody } from '../../src/http/replies/problem.ts';
import { RefusalLog } from '../../src/http/replies/refusal-log.ts';
import { RequestError } from '../../src/model/errors.ts';
import { collectingLog } from '../support/collecting-log.ts';
import type { LogFields } from '../../src/primitives/log.ts';
import { silentLog } from '../../src/primitives/log.ts';

describe('explainMisread', () => {
  const gzip = Buffer.from([0x1f, 0x8b, 8, 0]);
  const openmetrics =
    'the body looks like OpenMetrics, which requires the header Content-Type: application/openmetrics-text';
  it.each<[string, Uint8Array, string | undefined, string | undefined]>([
    ['text', Buffer.from('a b\n'), 'text/plain', undefined],
    ['nothing', Buffer.alloc(0), undefined, undefined],
    ['gzip', gzip, undefined, 'the body is gzip; send it with the header Content-Encoding: gzip'],
    ['UTF-16', Buffer.from('\uFEFFa 1\n', 'utf16le'), undefined, 'the body is UTF-16; send it as UTF-8'],
    ['OpenMetrics', Buffer.from('# TYPE a info\n# EOF\n'), undefined, openmetrics],
    ['OpenMetrics without a last line feed', Buffer.from('a 1 # {} 1\n# EOF'), 'text/plain', openmetrics],
    [
      'JSON',
      Buffer.from('{"a":1}'),
      'application/json; charset=utf-8',
      'JSON is not supported; send the Prometheus text format, one line per sample',
    ],
    [
      'a form',
      Buffer.from('--x'),
      'multipart/form-data; boundary=x',
      'forms are not supported; send the text as the body, as curl --data-binary @file does',
    ],
    ['what curl says', Buffer.from('a b\n'), 'application/x-www-form-urlencoded', undefined],
  ])('%s', (_name, body, contentType, advice) => {
    const error = new RequestError('syntax', 'no', { line: 1, column: 2 });
    const explained = explainMisread(error, body, contentType);
    expect(explained).toEqual(
      advice === undefined ? error : new RequestError('syntax', `no; ${advice}`, error.location),
    );
  });

  it('leaves other errors as they are', () => {
    const full = new RequestError('series_limit', 'full');
    expect(explainMisread(full, gzip, undefined)).toBe(full);
  });
});

describe('compressionFor', () => {
  it.each([
    [undefined, undefined],
    ['', undefined],
    ['gzip', 'gzip'],
    ['x-gzip', 'gzip'],
    ['GZIP, deflate', 'gzip'],
    ['deflate', undefined],
    ['br', 'br'],
    ['zstd', 'zstd'],
    ['gzip;q=0', undefined],
    ['gzip; q=0.0, *', undefined],
    ['gzip;q=0.5, identity', undefined],
    ['gzip;q=0.5, identity;q=0.2', 'gzip'],
    ['gzip;q=nonsense', undefined],
  ])('%s: %s', (header, expected) => {
    expect(compressionFor(header, replyCompressions)).toBe(expected);
  });

  it.each([
    ['gzip, deflate, br, zstd', 'gzip'],
    ['br, zstd', 'zstd'],
    ['zstd;q=0.9, br;q=0.9, gzip;q=0.8', 'zstd'],
    ['gzip;q=0.5, br', 'br'],
    ['br;q=0.3, zstd;q=0.2, gzip;q=0.1', 'br'],
    ['br;q=0.3, identity;q=0.5', undefined],
  ])('by quality, of equal ones gzip, zstd, br: %s: %s', (header, expected) => {
    expect(compressionFor(header, replyCompressions)).toBe(expected);
  });

  it.each([
    ['*', 'gzip'],
    ['br, *;q=0.5', 'br'],
    ['*;q=0', undefined],
    ['br, *;q=0', 'br'],
    ['identity;q=0', 'gzip'],
    ['identity;q=0, br', 'br'],
    ['identity;q=0, br;q=0.001', 'br'],
    ['identity;q=0, gzip;q=0', undefined],
    ['identity;q=0, *;q=0', undefined],
    ['identity, *;q=0.5', undefined],
  ])('what is not named: %s: %s', (header, expected) => {
    expect(compressionFor(header, replyCompressions)).toBe(expected);
  });

  it('falls back on what there is', () => {
    expect(compressionFor('zstd, br;q=0.5', ['gzip', 'br'])).toBe('br');
    expect(compressionFor('zstd', ['gzip', 'br'])).toBeUndefined();
  });
});

describe('preferredMediaType', () => {
  it.each([
    [undefined, 'text/plain'],
    ['*/*', 'text/plain'],
    ['application/json', 'application/json'],
    ['application/json, text/plain, */*', 'application/json'],
    ['text/plain, application/json', 'text/plain'],
    ['application/json;q=0.5, text/plain', 'text/plain'],
    ['application/*', 'application/json'],
    ['image/png', 'text/plain'],
  ])('%s: %s', (header, expected) => {
    expect(preferredMediaType(header, ['text/plain', 'application/json'])).toBe(expected);
  });
});

describe('problemBody', () => {
  const error = new RequestError('syntax', 'cannot parse value "1.x"', { line: 3, column: 9 });

  it('is a line of text by default', () => {
    expect(problemBody(error, undefined)).toEqual({
      contentType: 'text/plain; charset=utf-8',
      body: 'line 3, column 9: cannot parse value "1.x"\n',
    });
  });

  it.each(['application/problem+json', 'application/json'])('is problem details for %s', (accept) => {
    const { contentType, body } = problemBody(error, accept);
    expect(contentType).toBe('application/problem+json');
    expect(JSON.parse(body)).toEqual({
      type: 'urn:prom-aggregation-gateway:problem:syntax',
      title: 'Invalid syntax in body',
      status: 400,
      detail: 'cannot parse value "1.x"',
      code: 'syntax',
      line: 3,
      column: 9,
    });
  });

  it('leaves out a place that is not known', () => {
    const { body } = problemBody(new RequestError('not_found', 'nothing'), 'application/json');
    expect(Object.keys(JSON.parse(body) as object)).toEqual(['type', 'title', 'status', 'detail', 'code']);
  });
});

describe('corsPolicy', () => {
  const host = 'gateway.example:9091';
  const shop = 'https://shop.example';
  const evil = 'https://evil.example';
  const exact = corsPolicy([shop, 'https://b.example']);
  const any = corsPolicy(['*']);
  const both = corsPolicy(['*', shop]);
  const shown = ['Vary', 'Origin', 'Access-Control-Allow-Origin', shop];

  it('lets all origins push, and nothing else, with *', () => {
    any.check(evil, 'push', host);
    expect(() => any.check(evil, 'retire', host)).toThrowError(/--web.cors-origin/);
    expect(any.headersFor(evil, 'push')).toEqual(['Access-Control-Allow-Origin', '*']);
    expect(any.headersFor(evil, 'read')).toEqual([]);
    expect(any.headersFor(evil, 'retire')).toEqual([]);
    expect(any.preflightHeadersFor(evil).join(' ')).not.toContain('DELETE');
  });

  it('lets an origin that is named do all', () => {
    for (const policy of [exact, both]) {
      for (const purpose of ['push', 'read', 'retire'] as const) {
        policy.check(shop, purpose, host);
        const credentials = ['Access-Control-Allow-Credentials', 'true'];
        expect(policy.headersFor(shop, purpose)).toEqual([...shown, ...credentials]);
      }
      expect(policy.preflightHeadersFor(shop).join(' ')).toContain('DELETE');
    }
  });

  it('refuses one that is not named, and says nothing to it', () => {
    expect(() => exact.check(evil, 'push', host)).toThrowError(/not allowed to push; .*--web.cors-origin/);
    expect(() => exact.check(evil, 'retire', host)).toThrowError(/not allowed to delete/);
    expect(exact.headersFor(evil, 'push')).toEqual(['Vary', 'Origin']);
  });

  it('lets the others push only, where * stands beside names', () => {
    both.check(evil, 'push', host);
    expect(both.headersFor(evil, 'push')).toEqual(['Vary', 'Origin', 'Access-Control-Allow-Origin', '*']);
    expect(both.headersFor(evil, 'read')).toEqual(['Vary', 'Origin']);
  });

  it('lets requests without an origin pass, and those of its own pages', () => {
    for (const policy of [exact, any]) {
      policy.check(undefined, 'retire', host);
      policy.check(`http://${host}`, 'retire', 'Gateway.example:9091');
      expect(() => policy.check('null', 'retire', 'null')).toThrowError(/not allowed to delete/);
    }
  });
});

describe('formatOf', () => {
  it.each([undefined, '', 'text/plain', 'application/x-www-form-urlencoded', 'application/json', 'nonsense'])(
    'lets %s pass',
    (type) => expect(formatOf(type)).toBe('text'),
  );

  it.each(['application/openmetrics-text', ' Application/OpenMetrics-Text; version=1.0.0; charset=utf-8'])(
    'tells OpenMetrics by %s',
    (type) => expect(formatOf(type)).toBe('openmetrics'),
  );

  it.each([
    'application/vnd.google.protobuf; proto=io.prometheus.client.MetricFamily; encoding=delimited',
    'application/vnd.google.protobuf;encoding=delimited;proto=io.prometheus.client.MetricFamily',
    ' Application/VND.Google.Protobuf ; Encoding="Delimited" ;escaping=underscores; PROTO=io.prometheus.client.metricfamily',
  ])('reads %s as protobuf', (type) => expect(formatOf(type)).toBe('protobuf'));

  it.each([
    ['application/vnd.google.protobuf', /protobuf with no proto; it is read as application\/vnd/],
    ['application/vnd.google.protobuf; proto=io.prometheus.client.MetricFamily', /with no encoding;/],
    [
      'application/vnd.google.protobuf; proto=io.prometheus.client.MetricFamily; encoding=text',
      /with encoding "text";/,
    ],
    ['application/vnd.google.protobuf; proto=other; encoding=delimited', /with proto "other";/],
  ])('refuses %s', (type, message) => expect(() => formatOf(type)).toThrowError(message));
});

describe('RefusalLog', () => {
  it('logs about once a second, with a count of what it left out', () => {
    const lines: (LogFields | undefined)[] = [];
    let now = 0;
    const log = new RefusalLog({ ...silentLog, warn: (_message, fields) => lines.push(fields) }, () => now);
    log.refused('push refused', { code: 'syntax' });
    log.refused('push refused', { code: 'syntax' });
    log.refused('push refused', { code: 'syntax' });
    now = 1_000;
    log.refused('push refused', { code: 'syntax' });
    expect(lines).toEqual([{ code: 'syntax' }, { code: 'syntax', suppressed: 2 }]);
  });

  const refusals = () => {
    const { log, lines } = collectingLog();
    const clock = { now: 0 };
    const refusalLog = new RefusalLog(log, () => clock.now);
    const refuse = (path: string, sender: string): void =>
      refusalLog.refused('push refused', { path }, { path, sender });
    return { refuse, clock, fields: () => lines.map(([, , field]) => field) };
  };

  it('does not let one path hide the others', () => {
    const { refuse, clock, fields } = refusals();
    for (let i = 0; i < 100; i += 1) refuse('/noisy', 'a');
    refuse('/other', 'b');
    clock.now = 1_000;
    refuse('/noisy', 'a');
    expect(fields()).toEqual([{ path: '/noisy' }, { path: '/other' }, { path: '/noisy', suppressed: 99 }]);
  });

  it('does not let one sender hide the others by many paths, and says how many lines are missing', () => {
    const { refuse, clock, fields } = refusals();
    for (let i = 0; i < 100; i += 1) refuse(`/${i}`, 'a');
    refuse('/0', 'a');
    refuse('/other', 'b');
    clock.now = 1_000;
    refuse('/other', 'b');
    refuse('/new', 'b');
    refuse('/new', 'c');
    expect(fields()).toEqual([
      { path: '/0' },
      { path: '/1' },
      { path: '/2' },
      { path: '/3' },
      { path: '/other', suppressed_others: 96 },
      { path: '/other' },
      { path: '/new', suppressed_others: 1 },
    ]);
  });

  it('has at most 16 lines a second, whoever is refused', () => {
    const { refuse, clock, fields } = refusals();
    for (let i = 0; i < 10_000; i += 1) {
      clock.now = i / 10;
      refuse(`/${i}`, `sender ${i}`);
    }
    expect(fields()).toHaveLength(16);
  });
});

describe('madeOnceATurn', () => {
  it('makes one for all who ask before it begins, and another for those who ask later', async () => {
    let made = 0;
    const ask = madeOnceATurn(async () => (made += 1));
    expect(await Promise.all([ask(), ask(), ask()])).toEqual([1, 1, 1]);
    expect(await ask()).toBe(2);
  });

  it('fails for those who asked, and not for the next', async () => {
    let made = 0;
    const ask = madeOnceATurn(async () => {
      made += 1;
      if (made === 1) throw new Error('no');
      return made;
    });
    await expect(ask()).rejects.toThrow('no');
    expect(await ask()).toBe(2);
  });
});

describe('DescriptorWatch', () => {
  it('says what to do, and no more than once a second', () => {
    const lines: string[] = [];
    const watch = new DescriptorWatch({ ...silentLog, warn: (message) => lines.push(message) });
    watch.exhausted('EMFILE');
    watch.exhausted('EMFILE');
    watch.close();
    expect(lines).toEqual([expect.stringContaining('ulimit -n')]);
    expect(['EMFILE', 'ENFILE', 'EINVAL'].map(meansNoDescriptors)).toEqual([true, true, false]);
  });
});
