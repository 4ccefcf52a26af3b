/** What it takes to come in by name and password, and what those who cannot take from the others. */
import { describe, expect, it, test } from 'vitest';

import { basicIn, bearerIn, tokenInUrl } from '../../src/access/credentials.ts';
import { Bcrypt } from '../../src/access/bcrypt.ts';
import { Passwords } from '../../src/access/passwords.ts';
import { RequestError } from '../../src/model/errors.ts';

/** Of no password. Its cost is what is told of a comparison. */
const hashOf = (cost: string, user: string): string => `$2y$${cost}$${user.padEnd(53, '.')}`;

/** Knows who has which password, and waits to be told to say so. */
class FakeBcrypt {
  readonly asked: { readonly hash: string; readonly decide: (isRight: boolean) => void }[] = [];
  readonly compared: string[] = [];

  get waiting(): number {
    return this.asked.length;
  }

  isRight(password: string, hash: string): Promise<boolean> {
    this.compared.push(hash);
    return new Promise((resolve) => {
      this.asked.push({ hash, decide: () => resolve(hash.slice(7).startsWith(password)) });
    });
  }

  decideAll(): void {
    for (const { decide } of this.asked.splice(0)) decide(true);
  }
}

function passwords(users: Record<string, string> = { ann: hashOf('10', 'ann') }) {
  const bcrypt = new FakeBcrypt();
  const dearBcrypt = new FakeBcrypt();
  let nowMs = 0;
  const checked = new Passwords({ bcrypt, dearBcrypt, now: () => nowMs });
  checked.setUsers(new Map(Object.entries(users)));
  const check = (user: string, password: string, address = 'a'): Promise<string> | undefined =>
    checked.check({ user, password }, address)?.then(() => 'in', codeOf);
  const decided = (user: string, password: string, address?: string): Promise<string> | undefined => {
    const answer = check(user, password, address);
    bcrypt.decideAll();
    return answer;
  };
  return { bcrypt, dearBcrypt, checked, check, decided, pass: (ms: number) => (nowMs += ms) };
}

const decisions = (answers: readonly (Promise<string> | undefined)[]): Promise<readonly string[]> =>
  Promise.all(answers.map((answer) => answer ?? Promise.resolve('at once')));

function codeOf(error: unknown): string {
  if (error instanceof RequestError) return error.code;
  throw error;
}

describe('a password that was right', () => {
  it('is not compared again', async () => {
    const { bcrypt, check, decided } = passwords();
    expect(await decided('ann', 'ann')).toBe('in');
    expect(check('ann', 'ann')).toBeUndefined();
    expect(bcrypt.compared).toHaveLength(1);
  });

  it('is compared again once the hash is another one', async () => {
    const { checked, check, decided } = passwords();
    await decided('ann', 'ann');
    checked.setUsers(new Map([['ann', hashOf('11', 'else')]]));
    expect(await decided('ann', 'ann')).toBe('unauthorized');
    expect(check('ann', 'ann')).not.toBeUndefined();
  });

  it('is not compared again where another user comes, and of no use once its user has gone', async () => {
    const { bcrypt, checked, check, decided } = passwords();
    await decided('ann', 'ann');
    checked.setUsers(
      new Map([
        ['ann', hashOf('10', 'ann')],
        ['bob', hashOf('10', 'bob')],
      ]),
    );
    expect(check('ann', 'ann')).toBeUndefined();
    expect(bcrypt.compared).toHaveLength(1);
    checked.setUsers(new Map([['bob', hashOf('10', 'bob')]]));
    expect(await decided('ann', 'ann')).toBe('unauthorized');
  });

  it('lets in while its address is out of attempts', async () => {
    const { check, decided } = passwords();
    await decided('ann', 'ann');
    while ((await decided('ann', `wrong${Math.random()}`)) === 'unauthorized');
    expect(check('ann', 'ann')).toBeUndefined();
  });

  it('is remembered for so many users, those that were last used', async () => {
    const users = Object.fromEntries(
      Array.from({ length: 1001 }, (_, i) => [`u${i}`, hashOf('10', `u${i}.`)]),
    );
    const { check, decided } = passwords(users);
    for (let i = 0; i < 1000; i += 1) await decided(`u${i}`, `u${i}.`, `${i}`);
    expect(check('u0', 'u0.')).toBeUndefined();
    await decided('u1000', 'u1000.');
    expect(check('u0', 'u0.')).toBeUndefined();
    expect(check('u1', 'u1.')).not.toBeUndefined();
  });
});

describe('who is not a user', () => {
  it('costs what a user with a wrong password costs, the same each time', async () => {
    const { bcrypt, decided } = passwords({ ann: hashOf('10', 'ann'), bob: hashOf('12', 'bob') });
    const costs = new Set<string>();
    for (let i = 0; i < 20; i += 1) {
      await decided(`nobody${i}`, 'x', `${i}`);
      await decided(`nobody${i}`, 'y', `${i}`);
      const [one, other] = bcrypt.compared.splice(0).map((hash) => hash.slice(4, 6));
      expect(one).toBe(other);
      costs.add(one!);
    }
    expect([...costs].toSorted()).toEqual(['10', '12']);
  });

  it('is not let in by the password that nobody has', async () => {
    const { decided } = passwords();
    expect(await decided('nobody', '.')).toBe('unauthorized');
    expect(await decided('nobody', '.')).toBe('unauthorized');
  });
});

describe('an address', () => {
  it('may send ten wrong passwords at once, and then one every six seconds', async () => {
    const { decided, pass } = passwords();
    const answers = async (count: number): Promise<readonly (string | undefined)[]> => {
      const all: (string | undefined)[] = [];
      for (let i = 0; i < count; i += 1) all.push(await decided('ann', `wrong${Math.random()}`));
      return all;
    };
    expect(await answers(11)).toEqual([...Array(10).fill('unauthorized'), 'too_many_attempts']);
    expect(await decided('ann', 'wrong', 'b')).toBe('unauthorized');
    pass(6_000);
    expect(await answers(2)).toEqual(['unauthorized', 'too_many_attempts']);
    pass(3_600_000);
    expect(await answers(11)).toEqual([...Array(10).fill('unauthorized'), 'too_many_attempts']);
  });

  it('spends nothing by right ones', async () => {
    const { checked, decided } = passwords();
    for (let i = 0; i < 30; i += 1) {
      checked.setUsers(new Map([['ann', hashOf('10', `ann${i}`)]]));
      expect(await decided('ann', `ann${i}`)).toBe('in');
    }
  });

  it('has two comparisons at a time', async () => {
    const { bcrypt, check } = passwords();
    const answers = [check('ann', '1'), check('ann', '2'), check('ann', '3'), check('ann', '4', 'b')];
    expect(bcrypt.waiting).toBe(3);
    bcrypt.decideAll();
    expect(await decisions(answers)).toEqual([
      'unauthorized',
      'unauthorized',
      'too_many_attempts',
      'unauthorized',
    ]);
  });
});

test('who sends one password many times at once has it compared once', async () => {
  const { bcrypt, check } = passwords();
  const answers = Array.from({ length: 20 }, () => check('ann', 'ann'));
  expect(bcrypt.compared).toHaveLength(1);
  bcrypt.decideAll();
  expect(new Set(await decisions(answers))).toEqual(new Set(['in']));
});

test('comparisons of all addresses wait in a line that has an end', async () => {
  const { bcrypt, check } = passwords();
  const answers = Array.from({ length: 70 }, (_, i) => check('ann', `wrong${i}`, `${i}`));
  expect(bcrypt.waiting).toBe(64);
  bcrypt.decideAll();
  expect((await decisions(answers)).filter((answer) => answer === 'overloaded')).toHaveLength(6);
});

test('users of usual hashes do not wait for dear ones', async () => {
  const { bcrypt, dearBcrypt, check, decided } = passwords({
    ann: hashOf('12', 'ann'),
    dear: hashOf('13', 'dear'),
  });
  const answers = Array.from({ length: 70 }, (_, i) => check('dear', `wrong${i}`, `${i}`));
  expect([bcrypt.waiting, dearBcrypt.waiting]).toEqual([0, 64]);
  expect(await decided('ann', 'ann', 'b')).toBe('in');
  dearBcrypt.decideAll();
  await decisions(answers);
});

describe('credentials', () => {
  const basic = (text: string): string => `Basic ${Buffer.from(text).toString('base64')}`;
  it.each([
    ['ann:x', { user: 'ann', password: 'x' }],
    ['ann:x:y', { user: 'ann', password: 'x:y' }],
    [':x', { user: '', password: 'x' }],
    ['ann', undefined],
    [`ann:${'x'.repeat(5000)}`, undefined],
  ])('Basic of %s', (text, given) => expect(basicIn(basic(text))).toEqual(given));
  it.each(['Bearer abc', 'Basic ä', 'Basic YTpi, Basic YTpi', 'Basic', ''])('%j is not Basic', (text) =>
    expect(basicIn(text)).toBeUndefined(),
  );
  it.each([
    ['Bearer abc', 'abc'],
    ['bearer  a-._~+/= ', 'a-._~+/='],
    ['Bearer', undefined],
    ['Bearer a b', undefined],
    ['Basic abc', undefined],
  ])('the bearer of %j', (text, token) => expect(bearerIn(text)).toBe(token));
  it.each([
    ['/metrics?token=abc', 'abc'],
    ['/metrics?x=1&token=a%2Bb', 'a+b'],
    ['/metrics?token=', ''],
    ['/metrics?tokens=abc', undefined],
    ['/metrics/token=abc', undefined],
    ['/metrics?token=a&token=b', 'b'],
  ])('the token of %s', (url, token) => expect(tokenInUrl(url)).toBe(token));
});

test('bcrypt runs beside the event loop, one comparison after the other', async () => {
  const bcrypt = new Bcrypt();
  const hash = '$2y$10$2UXri9cIDdgeKjBo4Rlpx.U3ZLDV8X1IxKmsfOvhcM5oXQt/mLmXq';
  const answers = Promise.all([bcrypt.isRight('dave123', hash), bcrypt.isRight('dave124', hash)]);
  expect(bcrypt.waiting).toBe(2);
  expect(await answers).toEqual([true, false]);
  expect(bcrypt.waiting).toBe(0);
  await bcrypt.close();
});

test.each(['2a', '2b', '2x', '2y', '2'])(
  'a hash of version %s is compared, and what fails stops no other comparison',
  async (version) => {
    const bcrypt = new Bcrypt();
    const hash = `$${version}$04$OwAfr0Ey5tBiJ.YO0D2l0ugpReyWK5y7/Pcp.Ey9NH5sVG3JR3ZeC`;
    const ask = (password: string, of: string): Promise<boolean> => bcrypt.isRight(password, of);
    expect(
      await Promise.all([ask('dave123', hash), ask('x', '$2z$99$'.padEnd(60, '.')), ask('dave124', hash)]),
    ).toEqual([true, false, false]);
    await bcrypt.close();
  },
);
