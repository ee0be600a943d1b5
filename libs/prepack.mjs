// The prepack script of the packages: npm runs it in the folder of the one it packs. It checks that the package is
// built and copies files of the repository, named by the arguments, into the package. Git ignores the copies.
import { cpSync, existsSync, readdirSync, readFileSync, rmSync, statSync, writeFileSync } from 'node:fs';
import { basename, join } from 'node:path';

const root = join(import.meta.dirname, '..');

if (!existsSync('dist/index.js')) throw new Error('dist is missing: run npm run build at the root first');

for (const name of process.argv.slice(2)) {
  // A file that is no longer in the repository must not stay in the package.
  rmSync(name, { recursive: true, force: true });
  cpSync(join(root, name), name, { recursive: true });
  for (const page of pagesOf(name)) writeFileSync(page, linkedToDist(readFileSync(page, 'utf8')));
}

/** The Markdown files of a folder, or the file itself if it is one. */
function pagesOf(name) {
  const files = statSync(name).isFile() ? [name] : readdirSync(name, { recursive: true }).map((f) => join(name, f));
  return files.filter((file) => file.endsWith('.md'));
}

/** Links to the sources of this package lead to the JavaScript made of them: the package does not have the sources. */
function linkedToDist(markdown) {
  const links = new RegExp(`(\\]\\(|\\]: )((?:[.][.]/)*)libs/${basename(process.cwd())}/src/([^)\\s#]+)`, 'g');
  return markdown.replaceAll(links, (_, before, up, path) => `${before}${up}dist/${path.replace(/[.]ts$/, '.js')}`);
}
