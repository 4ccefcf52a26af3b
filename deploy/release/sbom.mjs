// npm takes the workspace for what the bill is of, while users install one package of it. And `--omit dev` leaves out what users get and a
// development dependency has as a peer, so the bill of everything is taken, and what the package leads to is kept.

import { createHash } from 'node:crypto';

/**
 * The bill of one package, of what is installed along with it, and of what is built into it.
 *
 * @param {any} bom as `npm sbom --sbom-format cyclonedx` prints it
 * @param {{ name: string, version: string, dependencies?: Record<string, string> }} manifest of the package
 * @param {Record<string, string>} [builtIn] dependencies of another workspace, whose code is in files of this package
 */
export function sbomOf(bom, { name, version, dependencies = {} }, builtIn = {}) {
  const own = `${name}@${version}`;
  const component = bom.components.find((each) => each['bom-ref'] === own);
  if (component === undefined) throw new Error(`npm sbom lists no component ${own}`);
  const byRef = new Map(bom.components.map((each) => [each['bom-ref'], each]));
  const dependsOn = new Map(bom.dependencies.map((each) => [each.ref, each.dependsOn]));
  const isDirect = (ref) => Object.hasOwn(dependencies, byRef.get(ref).name);
  const direct = dependsOn.get(own).filter(isDirect);
  if (direct.length !== Object.keys(dependencies).length) {
    throw new Error(
      `npm sbom lists ${direct.length} of ${Object.keys(dependencies).length} dependencies of ${name}`,
    );
  }
  for (const [each] of Object.entries(builtIn)) {
    const found = bom.components.find((component) => component.name === each);
    if (found === undefined) throw new Error(`npm sbom does not list ${each}, which is built into ${name}`);
    direct.push(found['bom-ref']);
  }
  const installed = new Set(direct);
  // A set goes on to what is added while it is gone through.
  for (const ref of installed) for (const to of dependsOn.get(ref)) installed.add(to);
  return {
    ...bom,
    // npm calls it by its folder.
    metadata: { ...bom.metadata, component: { ...component, name } },
    components: bom.components.filter((each) => installed.has(each['bom-ref'])),
    dependencies: [
      { ref: own, dependsOn: direct },
      ...bom.dependencies.filter(({ ref }) => installed.has(ref)),
    ],
  };
}

/**
 * npm gives each bill a random number and the time at which it is printed. Here the number is made of what is in it and the time is that of
 * the commit, so that whoever builds the same commit gets the same file.
 *
 * @param {any} bom
 * @param {number} seconds
 */
export function reproducible(bom, seconds) {
  const fixed = {
    ...bom,
    serialNumber: '',
    metadata: { ...bom.metadata, timestamp: new Date(seconds * 1000).toISOString() },
  };
  const hash = createHash('sha256').update(JSON.stringify(fixed)).digest('hex');
  // Version 8 of RFC 9562: made in a way of one's own.
  const uuid = `${hash.slice(0, 8)}-${hash.slice(8, 12)}-8${hash.slice(13, 16)}-8${hash.slice(17, 20)}-${hash.slice(20, 32)}`;
  return { ...fixed, serialNumber: `urn:uuid:${uuid}` };
}
