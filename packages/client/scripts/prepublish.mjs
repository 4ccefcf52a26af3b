// Refuses `npm publish` where the registry would, or where it would take what nobody can trace.
import { readFileSync } from 'node:fs';

const { repository } = JSON.parse(readFileSync(new URL('../package.json', import.meta.url), 'utf8'));
if (!repository?.url) {
  process.stderr.write(
    'package.json names no repository, which provenance is compared with; say it with\n' +
      '  npm pkg set -w packages/client repository.type=git repository.directory=packages/client ' +
      'repository.url=git+https://<host>/<owner>/<name>.git\n',
  );
  process.exit(1);
}
