// Writes the pages of docs/reference that are made from tables in the code, and the schema of the configuration file. Run by
// `npm run reference` after a build.
import { writeFileSync } from 'node:fs';

import { webConfigReference } from '../dist/access/reference.js';
import { flagReference } from '../dist/config/help.js';
import { metricsReference } from '../dist/gateway/telemetry/own-metrics.js';
import { configReference } from '../dist/rules/file/reference.js';
import { configSchema } from '../dist/rules/file/schema.js';

const reference = new URL('../../../docs/reference/', import.meta.url);
writeFileSync(new URL('flags.md', reference), flagReference());
writeFileSync(new URL('metrics.md', reference), metricsReference());
writeFileSync(new URL('configuration.md', reference), configReference());
writeFileSync(new URL('web-configuration.md', reference), webConfigReference());
writeFileSync(new URL('../config.schema.json', import.meta.url), configSchema());
