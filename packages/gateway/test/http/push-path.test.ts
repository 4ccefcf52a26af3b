import { describe, expect, it } from 'vitest';

import { parsePushPath, PushPathReader } from '../../src/http/routes/push-path.ts';
import { RequestError } from '../../src/model/errors.ts';

function labelsOf(rest: string): Record<string, string> {
  return Object.fromEntries(parsePushPath(rest).labels.map((label) => [label.name, label.value]));
}

const good: readonly [name: string, rest: string, labels: Record<string, string>][] = [
  ['nothing', '', {}],
  ['a job', 'job/x', { job: 'x' }],
  ['a trailing slash', 'job/x/', { job: 'x' }],
  ['labels without a job', 'instance/a', { instance: 'a' }],
  ['a job that is not first', 'instance/a/job/x', { instance: 'a', job: 'x' }],
  ['an encoded slash, as prom-client sends it', 'job/x/path/%2Fvar%2Ftmp', { job: 'x', path: '/var/tmp' }],
  ['an empty last value, as prom-client sends it', 'job/x/empty/', { job: 'x', empty: '' }],
  ['both together', 'job/x/path/%2Fvar%2Ftmp/empty/', { job: 'x', path: '/var/tmp', empty: '' }],
  ['base64 without padding', 'job/x/path@base64/L3Zhci90bXA', { job: 'x', path: '/var/tmp' }],
  ['base64 with padding', 'job/x/path@base64/L3Zhci90bXA=', { job: 'x', path: '/var/tmp' }],
  ['base64 with wrong padding', 'job/x/path@base64/L3Zhci90bXA==', { job: 'x', path: '/var/tmp' }],
  ['base64 with encoded padding', 'job/x/path@base64/L3Zhci90bXA%3D', { job: 'x', path: '/var/tmp' }],
  ['base64 with - and _', 'job/x/v@base64/8J-Ziz8_', { job: 'x', v: '🙋??' }],
  ['base64 of nothing', 'job/x/v@base64/=', { job: 'x', v: '' }],
  ['a job in base64', 'job@base64/eC95', { job: 'x/y' }],
  ['an encoded @', 'job%40base64/eC95', { job: 'x/y' }],
  ['a plus', 'job/my+job', { job: 'my+job' }],
  ['an encoded blank', 'job/my%20job', { job: 'my job' }],
  ['UTF-8', 'job/%C3%A9', { job: 'é' }],
  ['an escaped name', 'job/x/U__foo_2e_bar/1', { job: 'x', 'foo.bar': '1' }],
  ['an escaped name with an underscore', 'job/x/U__foo__bar/1', { job: 'x', foo_bar: '1' }],
  ['a name that only looks escaped', 'job/x/U__foo_zz_bar/1', { job: 'x', U__foo_zz_bar: '1' }],
];

const bad: readonly [name: string, rest: string, message: RegExp][] = [
  [
    'an odd number of segments',
    'job/x/instance',
    /odd number of segments: "job", "x", "instance"; "instance" has/,
  ],
  ['one piece', 'job', /odd number/],
  ['an empty job', 'job/', /job in the path is empty/],
  ['an empty job in base64', 'job@base64/=', /job in the path is empty/],
  ['a double slash', 'job//instance/a', /@base64\/=/],
  ['a double slash at the end', 'job/x//', /empty segment/],
  ['a double slash at the start', '/job/x', /empty segment/],
  ['two empty last pieces', 'job/x/empty//', /empty segment/],
  ['a bad name', 'job/x/a-b/1', /"a-b" in the path is not a valid label name/],
  ['a reserved name', 'job/x/__name__/1', /begins with __/],
  ['a name twice', 'job/x/a/1/a/2', /"a" appears twice/],
  ['a job twice', 'job/x/job/y', /"job" appears twice/],
  ['a name twice, once escaped', 'job/x/foo_bar/1/U__foo__bar/2', /appears twice/],
  ['a broken escape', 'job/100%', /percent-encoded/],
  ['an escape that is not UTF-8', 'job/%FF', /percent-encoded/],
  ['base64 of the standard alphabet', 'job/x/v@base64/8J+Z', /URL-safe base64/],
  ['base64 of an impossible length', 'job/x/v@base64/abcde', /URL-safe base64/],
  ['base64 of what is not UTF-8', 'job/x/v@base64/_w', /valid UTF-8/],
];

describe('parsePushPath', () => {
  it.each(good)('reads %s', (_name, rest, labels) => {
    expect(labelsOf(rest)).toEqual(labels);
  });

  it.each(bad)('refuses %s', (_name, rest, message) => {
    expect(() => parsePushPath(rest)).toThrowError(message);
    try {
      parsePushPath(rest);
    } catch (error) {
      expect(error).toBeInstanceOf(RequestError);
      expect((error as RequestError).code).toBe('invalid_path');
    }
  });

  it('gives the same key whatever the order', () => {
    expect(parsePushPath('job/x/a/1/b/2').text).toBe(parsePushPath('b/2/job/x/a/1/').text);
  });
});

describe('a reader', () => {
  const path = (i: number): string => `job/x/instance/${i}`;
  const read = (reader: PushPathReader, i: number): string => {
    const key = reader.read(path(i));
    expect(key).toEqual(parsePushPath(path(i)));
    return key.text;
  };

  it('remembers a path when it comes again', () => {
    const reader = new PushPathReader();
    const keys = Array.from({ length: 4 }, () => reader.read(path(1)));
    expect(keys[2]).toBe(keys[1]);
    expect(keys[3]).toBe(keys[1]);
  });

  it('reads the paths of many senders right, in whatever order they come', () => {
    const reader = new PushPathReader();
    for (let round = 0; round < 3; round += 1) for (let i = 0; i < 5_000; i += 1) read(reader, i);
    for (let i = 0; i < 20_000; i += 1) read(reader, (i * 7919) % 1_500);
  });

  it('remembers all of a thousand senders that push by turns', () => {
    const reader = new PushPathReader();
    for (let round = 0; round < 6; round += 1) for (let i = 0; i < 1_000; i += 1) reader.read(path(i));
    const keys = Array.from({ length: 1_000 }, (_, i) => reader.read(path(i)));
    const again = keys.filter((key, i) => reader.read(path(i)) === key);
    expect(again.length).toBe(1_000);
  });
});
