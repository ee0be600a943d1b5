import { existsSync, readdirSync, readFileSync } from 'node:fs';
import { dirname, join, resolve, sep } from 'node:path';

/** The relative links of the Markdown files below a directory that do not lead to a file or folder below it. */
export function brokenLinks(directory: string): string[] {
  const pages = readdirSync(directory, { recursive: true, encoding: 'utf8' }).filter((path) => path.endsWith('.md'));
  return pages.flatMap((page) =>
    relativeLinks(readFileSync(join(directory, page), 'utf8'))
      .filter((link) => !leadsInside(directory, resolve(directory, dirname(page), link)))
      .map((link) => `${page}: ${link}`),
  );
}

/** The targets of links, images, reference definitions and HTML attributes, without `#anchor` and outside code. */
export function relativeLinks(markdown: string): string[] {
  const text = markdown.replaceAll(/^(```|~~~)[\s\S]*?^\1/gm, '').replaceAll(/(`+)[^`].*?\1/g, '');
  const found = [
    ...text.matchAll(/\]\(\s*<?([^)>\s]+)/g),
    ...text.matchAll(/^\s*\[[^\]]+\]:\s*<?([^>\s]+)/gm),
    ...text.matchAll(/\s(?:href|src)="([^"]+)"/g),
  ];
  const targets = found.map(([, target]) => decodeURI(target ?? '').replace(/#.*$/, ''));
  return targets.filter((target) => target !== '' && !/^[a-z][a-z\d+.-]*:|^\/\//i.test(target));
}

function leadsInside(directory: string, target: string): boolean {
  return `${target}${sep}`.startsWith(`${resolve(directory)}${sep}`) && existsSync(target);
}
