import { existsSync, readdirSync, readFileSync, statSync } from 'node:fs';
import { dirname, join, resolve, sep } from 'node:path';

/**
 * The relative links of Markdown files that do not lead to a file or folder below the directory, or to a heading that
 * the file has.
 *
 * @param pages the files, below the directory; default: all
 */
export function brokenLinks(directory: string, pages: readonly string[] = pagesBelow(directory)): string[] {
  return pages.flatMap((page) =>
    relativeLinks(readFileSync(join(directory, page), 'utf8'))
      .filter((link) => !leadsSomewhere(directory, page, link))
      .map((link) => `${page}: ${link}`),
  );
}

/** The targets of links, images, reference definitions and HTML attributes, outside code. */
export function relativeLinks(markdown: string): string[] {
  const text = withoutBlocks(markdown).replaceAll(/(`+)[^`].*?\1/g, '');
  const found = [
    ...text.matchAll(/\]\(\s*<?([^)>\s]+)/g),
    ...text.matchAll(/^\s*\[[^\]]+\]:\s*<?([^>\s]+)/gm),
    ...text.matchAll(/\s(?:href|src)="([^"]+)"/g),
  ];
  const targets = found.map(([, target]) => decodeURI(target ?? ''));
  return targets.filter((target) => target !== '' && !/^[a-z][a-z\d+.-]*:|^\/\//i.test(target));
}

function pagesBelow(directory: string): string[] {
  return readdirSync(directory, { recursive: true, encoding: 'utf8' }).filter((path) => path.endsWith('.md'));
}

function leadsSomewhere(directory: string, page: string, link: string): boolean {
  const [path = '', anchor] = link.split('#');
  const target = path === '' ? resolve(directory, page) : resolve(directory, dirname(page), path);
  if (!`${target}${sep}`.startsWith(`${resolve(directory)}${sep}`) || !existsSync(target)) return false;
  if (!anchor) return true;
  const file = statSync(target).isDirectory() ? join(target, 'README.md') : target;
  // In sources an anchor is a line.
  return !file.endsWith('.md') || (existsSync(file) && anchorsOf(readFileSync(file, 'utf8')).has(anchor));
}

/** The anchors of the headings, as GitHub makes them. The second of two equal headings ends with `-1`. */
function anchorsOf(markdown: string): ReadonlySet<string> {
  const anchors = new Set<string>();
  for (const [, heading = ''] of withoutBlocks(markdown).matchAll(/^#{1,6} +(.*?)\s*$/gm)) {
    const shown = heading.replaceAll(/\[([^\]]*)\]\([^)]*\)/g, '$1');
    const anchor = shown
      .toLowerCase()
      .replaceAll(/[^\p{L}\p{M}\p{N}\p{Pc}\- ]/gu, '')
      .replaceAll(' ', '-');
    let unique = anchor;
    for (let i = 1; anchors.has(unique); i++) unique = `${anchor}-${i}`;
    anchors.add(unique);
  }
  for (const [, id = ''] of markdown.matchAll(/\s(?:id|name)="([^"]+)"/g)) anchors.add(id);
  return anchors;
}

function withoutBlocks(markdown: string): string {
  return markdown.replaceAll(/^(```|~~~)[\s\S]*?^\1/gm, '');
}
