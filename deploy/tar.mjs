// Archives by GNU tar, with the same bytes whenever the same goes in: not the times, owners and rights that files have here.
import { execFileSync } from 'node:child_process';
import { readFileSync, rmSync } from 'node:fs';

/** All in the folder is of root but the paths in `owned`, which are of `owner`; all is as old as `madeAt`, in seconds. */
export function tarOf(folder, { madeAt, owned = [], owner = 0 }) {
  const tarball = `${folder}.tar`;
  const all = execFileSync('find', ['.', '-mindepth', '1', '-printf', '%P\\0'], {
    cwd: folder,
    encoding: 'utf8',
  })
    .split('\0')
    .filter((path) => path !== '' && !owned.includes(path));
  const add = (verb, id, paths) => {
    const common = ['--mode=u=rwX,go=rX', '--format=ustar', '--no-recursion', '--numeric-owner'];
    const own = [`--mtime=@${madeAt}`, `--owner=${id}`, `--group=${id}`, '-C', folder, '--null', '-T', '-'];
    execFileSync('tar', [verb, '-f', tarball, ...common, ...own], { input: paths.toSorted().join('\0') });
  };
  add('-c', 0, all);
  if (owned.length > 0) add('-r', owner, owned);
  const tar = readFileSync(tarball);
  rmSync(tarball);
  return tar;
}
