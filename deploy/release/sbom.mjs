// npm takes the workspace for what the bill is of, while users install one package of it. And `--omit dev` leaves out what users get and a
// development dependency has as a peer, so the bill of everything is taken, and what the package leads to is kept.

/**
 * The bill of one package and of what is installed along with it.
 *
 * @param {any} bom as `npm sbom --sbom-format cyclonedx` prints it
 * @param {{ name: string, version: string, dependencies?: Record<string, string> }} manifest of the package
 */
export function sbomOf(bom, { name, version, dependencies = {} }) {
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
