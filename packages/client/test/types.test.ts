/** What the compiler says of names of labels; tsc checks this file. */
import { expectTypeOf, test } from 'vitest';

import type { Counter, Gauge, Gateway, Histogram } from '../src/index.ts';

test('label names are those of the metric', () => {
  const check = (metrics: Gateway): void => {
    const clicks = metrics.counter({ name: 'c', help: '', labelNames: ['button', 'page'] });
    expectTypeOf(clicks).toEqualTypeOf<Counter<'button' | 'page'>>();
    clicks.inc();
    clicks.inc(2);
    clicks.inc({ button: 'buy' });
    clicks.inc({ button: 1, page: undefined }, 2);
    // @ts-expect-error -- no such label
    clicks.inc({ buton: 'buy' });
    // @ts-expect-error -- not a text
    clicks.inc({ button: {} });
    // @ts-expect-error -- not a number
    clicks.inc({ button: 'buy' }, '2');

    const plain = metrics.counter({ name: 'p', help: '' });
    expectTypeOf(plain).toEqualTypeOf<Counter<never>>();
    plain.inc();
    // @ts-expect-error -- it has no labels
    plain.inc({ button: 'buy' });

    const seconds = metrics.histogram({ name: 'h', help: '', labelNames: ['page'], buckets: [1] });
    expectTypeOf(seconds).toEqualTypeOf<Histogram<'page'>>();
    seconds.observe(1);
    seconds.observe({ page: 'home' }, 1);
    expectTypeOf(seconds.startTimer({ page: 'home' })).returns.toEqualTypeOf<number>();
    // @ts-expect-error -- without a value
    seconds.observe({ page: 'home' });
    // @ts-expect-error -- no such label
    seconds.startTimer({ pag: 'home' });

    expectTypeOf(metrics.gauge({ name: 'g', help: '', labelNames: ['a'] })).toEqualTypeOf<Gauge<'a'>>();
    // @ts-expect-error -- without help
    metrics.counter({ name: 'c' });
    expectTypeOf(metrics.flush(1)).toEqualTypeOf<Promise<boolean>>();
  };
  expectTypeOf(check).toBeFunction();
});
