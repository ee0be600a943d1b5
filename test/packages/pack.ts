import { execFile } from 'node:child_process';
import { cp, mkdtemp, readdir, rename, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join, relative, sep } from 'node:path';
import { promisify } from 'node:util';

const exec = promisify(execFile);
const root = join(import.meta.dirname, '../..');

/** The folders of the packages in the workspace, by the names of the packages. */
export const PACKAGES: Readonly<Record<string, string>> = {
  'nestjs-session-beans': 'libs/session',
  'nestjs-session-beans-replicated': 'libs/replicated',
};

/** Folders of the root that packing does not read. */
const UNREAD = new Set(['.git', 'coverage', 'dist', 'examples', 'node_modules', 'src', 'test']);

/**
 * Packs what `npm run build` built, as `npm publish` does, and writes each tarball as `<name>.tgz` into the directory.
 *
 * It works in a copy: the prepack scripts write into the folders of the packages, and other specs may pack meanwhile.
 */
export async function packInto(directory: string): Promise<void> {
  const copy = await mkdtemp(join(tmpdir(), 'packing-'));
  try {
    await cp(root, copy, { recursive: true, filter: isRead });
    for (const [name, folder] of Object.entries(PACKAGES)) {
      const own = await mkdtemp(join(copy, 'packed-'));
      await exec('npm', ['pack', '--pack-destination', own], { cwd: join(copy, folder) });
      const [tarball] = await readdir(own);
      if (!tarball) throw new Error(`npm pack wrote no tarball of ${name}`);
      await rename(join(own, tarball), join(directory, `${name}.tgz`));
    }
  } finally {
    await rm(copy, { recursive: true });
  }
}

/** Packs as {@link packInto} does, and unpacks each tarball into the folder `<name>/package` of the directory. */
export async function packAndUnpackInto(directory: string): Promise<void> {
  await packInto(directory);
  for (const name of Object.keys(PACKAGES)) {
    const own = await mkdtemp(join(directory, 'unpacked-'));
    await exec('tar', ['-xzf', join(directory, `${name}.tgz`), '-C', own]);
    await rename(own, join(directory, name));
  }
}

function isRead(path: string): boolean {
  const parts = relative(root, path).split(sep);
  return !UNREAD.has(parts[0] ?? '') && !(parts[0] === 'libs' && parts[2] === 'src');
}
