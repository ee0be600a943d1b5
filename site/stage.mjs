// Lays out in site/pages what VitePress builds: the repository's pages with links of the site, the files that they link
// to, the API reference, and llms.txt. The pages themselves keep relative links, which GitHub follows as well.
import { cpSync, existsSync, mkdirSync, readFileSync, rmSync, statSync, writeFileSync } from 'node:fs';
import { dirname, join, posix } from 'node:path';
import { writeApiReference } from './api-reference.mjs';
import { addressOf, groups, isPage, pagesOfRepository, titleOf } from './pages.mjs';

const root = join(import.meta.dirname, '..');
const out = join(import.meta.dirname, 'pages');
const files = join(out, 'public');

rmSync(out, { recursive: true, force: true });
const pages = pagesOfRepository(root);
for (const page of pages) {
  const text = withLinksOfSite(page, readFileSync(join(root, page), 'utf8'));
  write(join(out, addressOf(page)), text);
  // For programs that read Markdown: llms.txt leads there.
  write(join(files, addressOf(page)), text);
}
write(join(files, 'llms.txt'), llms());
// Browsers ask for an icon. The sample has one.
write(join(files, 'icon.svg'), readFileSync(join(root, 'src/pages/icon.svg'), 'utf8'));
await writeApiReference(root, join(out, 'api'));

function write(path, text) {
  mkdirSync(dirname(path), { recursive: true });
  writeFileSync(path, text);
}

/** Relative links outside of code, in prose and in reference definitions, become addresses of the site. */
function withLinksOfSite(page, text) {
  return text
    .split(/(^(?:```|~~~)[^]*?^(?:```|~~~)$|`[^`\n]+`)/m)
    .map((part, i) => (i % 2 === 1 ? part : withLinks(page, part)))
    .join('');
}

function withLinks(page, prose) {
  const to = (link) => siteLink(page, link);
  return prose
    .replaceAll(/(\]\()([^)\s]+)(\))/g, (_, open, link, close) => `${open}${to(link)}${close}${targetOf(to(link))}`)
    .replaceAll(/^(\[[^\]]+\]: )(\S+)$/gm, (_, name, link) => `${name}${to(link)}`);
}

function siteLink(page, link) {
  if (/^([a-z]+:|#|\/)/i.test(link)) return link;
  const [path, anchor] = link.split('#');
  const target = posix.join(posix.dirname(page), path);
  const fragment = anchor === undefined ? '' : `#${anchor}`;
  if (isPage(target)) return `/${addressOf(target)}${fragment}`;
  if (existsSync(join(root, target, 'README.md'))) return `/${addressOf(posix.join(target, 'README.md'))}`;
  return `/${shownFile(target)}${fragment}`;
}

/** Copies a file of the repository that a page links to. Browsers show sources only as plain text. */
function shownFile(path) {
  const source = join(root, path);
  if (!existsSync(source)) throw new Error(`a page links to ${path}, which does not exist`);
  const isShown = /[.](html|png|svg)$/.test(path);
  const shown = posix.join('files', isShown ? path : `${path}.txt`);
  if (statSync(source).isDirectory()) throw new Error(`a page links to the folder ${path}, which has no README.md`);
  mkdirSync(dirname(join(files, shown)), { recursive: true });
  cpSync(source, join(files, shown));
  return shown;
}

/** What is no page of VitePress must not go through its router. */
function targetOf(link) {
  return /^\/files\/.*[.](html|txt)$/.test(link) ? '{target="_self"}' : '';
}

/** https://llmstxt.org: what there is to read, one line each. */
function llms() {
  const { name, description } = JSON.parse(readFileSync(join(root, 'libs/session/package.json'), 'utf8'));
  const lists = groups(pages).map(({ title, pages: inGroup }) => {
    const lines = inGroup.map((page) => `- [${titleOf(root, page)}](/${addressOf(page)})`);
    return `## ${title}\n\n${lines.join('\n')}\n`;
  });
  return `# ${name}\n\n> ${description}\n\n${lists.join('\n')}`;
}
