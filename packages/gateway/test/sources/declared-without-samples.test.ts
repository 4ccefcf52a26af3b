/** A PUT may make another family of what its source has. One that it declares without samples takes no place. */
import { expect, test } from 'vitest';

import { createGateway } from '../../src/index.ts';
import { WorkingState } from '../state/working-state.ts';

const histogram = '# TYPE h histogram\nh_bucket{le="+Inf"} 9\n';

test('samples of a histogram that is declared a gauge without samples are no second series of one text', async () => {
  const one = new WorkingState({ byJob: true }, 1);
  one.push(histogram, { method: 'PUT' });
  one.push('# TYPE h gauge\nh_bucket{le="+Inf"} 9\n', { method: 'PUT' });
  const page = await one.page();
  expect(page.match(/^h_bucket\{le="\+Inf"\}/gmu)).toHaveLength(1);
  expect(await (await one.restored(2)).page()).toBe(page);
});

test('it makes no room for others', async () => {
  const gateway = createGateway({ byJob: true, limits: { seriesMax: 2 } });
  const put = { method: 'PUT', path: 'job/a' } as const;
  await gateway.push(histogram, put);
  await expect(gateway.push('# TYPE h gauge\na 1\nb 1\n', put)).rejects.toMatchObject({
    code: 'series_limit',
  });
});
