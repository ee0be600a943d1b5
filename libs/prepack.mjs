// The prepack script of the packages: npm runs it in the folder of the one it packs. It checks that the package is
// built and copies files of the repository, named by the arguments, into the package. Git ignores the copies.
import { cpSync, existsSync, rmSync } from 'node:fs';
import { join } from 'node:path';

const root = join(import.meta.dirname, '..');

if (!existsSync('dist/index.js')) throw new Error('dist is missing: run npm run build at the root first');

for (const name of process.argv.slice(2)) {
  // A file that is no longer in the repository must not stay in the package.
  rmSync(name, { recursive: true, force: true });
  cpSync(join(root, name), name, { recursive: true });
}
