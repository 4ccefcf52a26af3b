/** The OpenAPI document, held against the routes and against what they answer. */
import Ajv2020 from 'ajv/dist/2020.js';
import { expect, test } from 'vitest';

import { routeTable } from '../../src/http/routes/routes.ts';
import { pathOf } from './path-of.ts';
import { serving } from './serving-insight.ts';

const HISTOGRAM = '# TYPE h histogram\nh_bucket{le="1"} 1\nh_bucket{le="+Inf"} 3\nh_sum 4.5\nh_count 3\n';

interface Document {
  readonly openapi: string;
  readonly servers: readonly { readonly url: string }[];
  readonly paths: Readonly<Record<string, Readonly<Record<string, any>>>>;
}

async function documentOf(options: object = {}): Promise<Document> {
  const { ask } = await serving(options);
  const { routePrefix = '' } = options as { routePrefix?: string };
  const { text, status } = await ask(`${routePrefix}/api/v1/openapi.json`);
  expect(status).toBe(200);
  return JSON.parse(text) as Document;
}

test('it has each route, and no other', async () => {
  const { paths } = await documentOf();
  const described = Object.entries(paths).flatMap(([path, item]) =>
    Object.keys(item)
      .filter((key) => key !== 'parameters')
      .map((method) => `${method.toUpperCase()} ${path}`),
  );
  // One path may be several places.
  const templates: Record<string, string> = {
    push: '/metrics/{labels}',
    label_values: '/api/v1/label/{name}/values',
    family: '/api/v1/families/{name}',
  };
  const routes = routeTable
    .filter(({ place }) => place !== 'page' && place !== 'page_files')
    .flatMap(({ place, methods }) =>
      methods.map((method) => `${method} ${templates[place] ?? pathOf[place]!.split('?')[0]}`),
    );
  expect(described.sort()).toEqual(routes.sort());
  const ids = Object.values(paths).flatMap((item) =>
    Object.values(item).map(({ operationId }) => operationId),
  );
  const named = ids.filter((id) => id !== undefined);
  expect(new Set(named).size).toBe(named.length);
});

test('it is of where the gateway is', async () => {
  const { servers, paths } = await documentOf({ routePrefix: '/gw', pushPath: '/push/' });
  expect(servers).toEqual([{ url: '/gw' }]);
  expect(paths['/push/{labels}']).toBeDefined();
});

test.each([
  ['add', {}],
  ['by-job', { byJob: true }],
])('%s: answers are as it says', async (_name, options) => {
  const { paths } = await documentOf();
  const rules = {
    metrics: [{ match: 'a', gauge: 'max' }],
    metric_relabel_configs: [{ regex: 'pod', action: 'labeldrop' }],
  };
  const { ask, push } = await serving({ ...options, rules: rules as never });
  await push('job/x', `a 1\nb{c="d"} 2\n${HISTOGRAM}`);
  await push('job/y', 'a{ 1\n');
  await ask('/metrics');
  await ask('/metrics/job/z', { method: 'DELETE' });
  const ajv = new Ajv2020.default({ strict: false });
  let compared = 0;
  for (const [path, item] of Object.entries(paths)) {
    for (const [method, operation] of Object.entries(item)) {
      const schema = operation.responses?.['200']?.content?.['application/json']?.schema;
      if (schema === undefined) continue;
      const { place } = routeTable.find(({ handler }) => operation.operationId === `${handler}_${method}`)!;
      const body = method === 'get' ? undefined! : 'a 5\nc{ 1\n';
      const { text, status } = await ask(pathOf[place]!, { method: method.toUpperCase(), body });
      expect(status, `${method} ${path}: ${text}`).toBe(200);
      const validate = ajv.compile(schema);
      expect(
        validate(JSON.parse(text)),
        `${method} ${path}: ${ajv.errorsText(validate.errors)} ${text}`,
      ).toBe(true);
      compared += 1;
    }
  }
  expect(compared).toBeGreaterThan(20);
  const wrong = await ask('/api/v1/families?limit=x');
  const [, error] = Object.entries(paths['/api/v1/families']!['get'].responses.default.content)[0]!;
  expect(error).toEqual({ schema: { $ref: '#/components/schemas/Error' } });
  expect(JSON.parse(wrong.text)).toMatchObject({ status: 'error', errorType: 'bad_data' });
});
