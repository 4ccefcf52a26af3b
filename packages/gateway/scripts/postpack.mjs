// Takes away what prepack.mjs has added, so that a clone does not go on to say the commit that was packed.
import { rmSync } from 'node:fs';

for (const name of ['LICENSE', 'dist/build.json', 'dist/.npmignore']) {
  rmSync(new URL(`../${name}`, import.meta.url), { force: true });
}
