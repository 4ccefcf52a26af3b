// Takes away what prepack.mjs has added.
import { rmSync } from 'node:fs';

rmSync(new URL('../LICENSE', import.meta.url), { force: true });
