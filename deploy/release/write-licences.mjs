// Writes docs/reference/licences.md. Run by `npm run reference`.
import { writeFileSync } from 'node:fs';
import { join } from 'node:path';

import { root } from './command.mjs';
import { dependenciesOf, licencesPage } from './licences.mjs';

writeFileSync(join(root, 'docs/reference/licences.md'), licencesPage(dependenciesOf(root)));
