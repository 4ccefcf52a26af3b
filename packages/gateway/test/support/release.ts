/** The scripts of deploy/release, with types: they are plain JavaScript, so that a release needs no build. */
interface Version {
  readonly version: string;
  readonly date: string | undefined;
  readonly body: string;
}

export interface Facts {
  readonly tag: string;
  readonly packages: readonly {
    readonly folder: string;
    readonly name: string;
    readonly version: string;
    readonly repositoryUrl: string | undefined;
  }[];
  readonly chart: string | undefined;
  readonly names: readonly { readonly path: string; readonly version: string }[];
  readonly changelog: string;
  readonly changedFiles: string;
  readonly stores: readonly string[];
}

interface Context {
  readonly root: string;
  readonly folder: string;
  readonly version: string;
}

export interface Part {
  readonly name: string;
  readonly make: (context: Context) => string | undefined;
}

interface Result {
  readonly name: string;
  readonly files: readonly string[];
  readonly leftOut?: string;
  readonly failed?: string;
}

interface Bom {
  readonly metadata: { readonly component: { readonly name: string } };
  readonly components: readonly { readonly name: string }[];
  readonly dependencies: readonly { readonly ref: string }[];
}

interface Dependency {
  readonly name: string;
  readonly version: string;
  readonly license: string;
  readonly isDev: boolean;
  readonly isForPlatform: boolean;
}

const load = async (name: string): Promise<unknown> =>
  import(new URL(`../../../../deploy/release/${name}.mjs`, import.meta.url).href);

export const { versionPattern, versionsOf, notesOf } = (await load('changelog')) as {
  readonly versionPattern: RegExp;
  readonly versionsOf: (text: string) => readonly Version[];
  readonly notesOf: (text: string, version: string, repositoryUrl?: string) => string;
};

export const { readFacts, wrongVersions, notReleasable } = (await load('checks')) as {
  readonly readFacts: (root: string, tag: string) => Facts;
  readonly wrongVersions: (facts: Facts) => readonly string[];
  readonly notReleasable: (facts: Facts) => readonly string[];
};

export const { makeRelease } = (await load('make')) as {
  readonly makeRelease: (options: {
    readonly root: string;
    readonly out: string;
    readonly version: string;
    readonly parts: readonly Part[];
  }) => readonly Result[];
};

export const { parts } = (await load('parts')) as { readonly parts: readonly Part[] };

export const { sbomOf, reproducible } = (await load('sbom')) as {
  readonly sbomOf: (bom: unknown, manifest: unknown, builtIn?: Readonly<Record<string, string>>) => Bom;
  readonly reproducible: <T>(bom: T, seconds: number) => T;
};

export const { dependenciesOf, licencesPage, refusedLicences } = (await load('licences')) as {
  readonly dependenciesOf: (root: string) => readonly Dependency[];
  readonly licencesPage: (dependencies: readonly Dependency[]) => string;
  readonly refusedLicences: (dependencies: readonly Dependency[]) => readonly string[];
};
