// Writes the pages of docs/reference that are made from tables in the code. Run by `npm run reference` after a build.
import { writeFileSync } from 'node:fs';

import { flagReference } from '../dist/config/help.js';

writeFileSync(new URL('../../../docs/reference/flags.md', import.meta.url), flagReference());
