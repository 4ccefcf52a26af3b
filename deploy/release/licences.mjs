// Which licences dependencies have: what users install, and what only development needs.
import { existsSync, readFileSync } from 'node:fs';
import { join } from 'node:path';

/** Of what users install: none asks for more than that notices go along, and the Unlicense for nothing. */
const allowedForUsers = new Set([
  '0BSD',
  'Apache-2.0',
  'BSD-2-Clause',
  'BSD-3-Clause',
  'ISC',
  'MIT',
  'Unlicense',
]);
/** Nothing of these is in any artefact. */
const allowedForDevelopment = new Set([...allowedForUsers, 'BlueOak-1.0.0', 'CC0-1.0', 'MPL-2.0']);

/**
 * All of the lock file. The licence is that of the installed package; for other platforms, whose packages are not installed, that in the
 * lock file, or that of the package which asks for them.
 *
 * @param {string} root
 * @returns {readonly { name: string, version: string, license: string, isDev: boolean, isForPlatform: boolean }[]}
 */
export function dependenciesOf(root) {
  const { packages } = JSON.parse(readFileSync(join(root, 'package-lock.json'), 'utf8'));
  return Object.entries(packages)
    .filter(([path, { link }]) => path.includes('node_modules/') && !link)
    .map(([path, entry]) => {
      const name = entry.name ?? path.slice(path.lastIndexOf('node_modules/') + 'node_modules/'.length);
      const installed = manifestIn(join(root, path)) ?? entry;
      return {
        name,
        version: entry.version,
        license: licenseOf(installed) ?? entry.license ?? licenseOfAsking(root, packages, name) ?? 'none',
        isDev: entry.dev === true,
        isForPlatform: entry.optional === true && (entry.os ?? entry.cpu) !== undefined,
      };
    })
    .sort((a, b) => (a.name < b.name ? -1 : a.name > b.name ? 1 : a.version < b.version ? -1 : 1));
}

function manifestIn(folder) {
  const path = join(folder, 'package.json');
  return existsSync(path) ? JSON.parse(readFileSync(path, 'utf8')) : undefined;
}

/** Older packages write an object, or a list of them. */
function licenseOf({ license, licenses }) {
  const said = license ?? licenses;
  if (Array.isArray(said)) return said.map((each) => each.type ?? each).join(' OR ');
  return said?.type ?? said;
}

function licenseOfAsking(root, packages, name) {
  const asking = Object.entries(packages).find(
    ([, { optionalDependencies }]) => optionalDependencies?.[name],
  );
  if (asking === undefined) return undefined;
  const [path, entry] = asking;
  return licenseOf(manifestIn(join(root, path)) ?? entry) ?? entry.license;
}

/** What is not among the allowed ones; of `A OR B` one is enough. */
export function refusedLicences(dependencies) {
  return dependencies
    .filter(({ license, isDev }) => {
      const allowed = isDev ? allowedForDevelopment : allowedForUsers;
      return !license
        .replaceAll(/[()]/g, '')
        .split(' OR ')
        .some((each) => allowed.has(each));
    })
    .map(({ name, version, license, isDev }) => {
      return `${name} ${version} has the licence ${license}, which is not allowed for what ${isDev ? 'development needs' : 'users install'}`;
    });
}

/** The page docs/reference/licences.md. Versions are in the lock file, and go up often, so they are not here. */
export function licencesPage(dependencies) {
  const table = (rows) => {
    const names = new Map();
    for (const { name, license } of rows) names.set(license, (names.get(license) ?? new Set()).add(name));
    return [...names]
      .sort(([a], [b]) => (a < b ? -1 : 1))
      .map(([license, of]) => `| ${license} | ${[...of].map((name) => `\`${name}\``).join(', ')} |`)
      .join('\n');
  };
  const rows = dependencies.filter(({ isForPlatform }) => !isForPlatform);
  const list = (licences) => [...licences].join(', ');
  return `# Licences

Made from \`package-lock.json\` and the installed packages by \`npm run reference\`; do not edit.

The gateway has the licence [Apache-2.0](../../LICENSE). A test compares this page with what is installed, and refuses dependencies with other
licences than those allowed here. The bill of materials (CycloneDX) of a release lists what users install with versions and hashes.
Packages with the binaries of one platform are checked too, but not listed: each belongs to one that is.

## What users install

Allowed: ${list(allowedForUsers)}.

| licence | packages |
| --- | --- |
${table(rows.filter(({ isDev }) => !isDev))}

## What only development needs

None of it is in an artefact. Allowed as well: ${list([...allowedForDevelopment].filter((each) => !allowedForUsers.has(each)))}.

| licence | packages |
| --- | --- |
${table(rows.filter(({ isDev }) => isDev))}
`;
}
