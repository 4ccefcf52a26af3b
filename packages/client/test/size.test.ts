/** The client costs a page less than 3 kB: minified, and compressed by gzip at its best, which every server can do. */
import { gzipSync } from 'node:zlib';
import { fileURLToPath } from 'node:url';
import { rolldown } from 'rolldown';
import { expect, test } from 'vitest';

const BYTES_MAX = { index: 3_000, persist: 1_100, 'web-vitals': 600 };

test.each(Object.entries(BYTES_MAX))('%s is less than %i bytes', async (entry, bytesMax) => {
  const bundle = await rolldown({
    input: fileURLToPath(new URL(`../src/${entry}.ts`, import.meta.url)),
    // Nothing else is bundled along.
    external: (id) => !/^[./]/.test(id),
  });
  const { output } = await bundle.generate({ format: 'esm', minify: true });
  await bundle.close();
  expect(output.length).toBe(1);
  const [{ code, imports }] = output;
  expect(imports).toEqual([]);
  const bytes = gzipSync(code, { level: 9 }).length;
  expect(bytes).toBeLessThan(bytesMax);
  // A module that is no longer there would be small as well.
  expect(bytes).toBeGreaterThan(bytesMax / 3);
});
