// Which pages the site has, where they are, and in which order a reader meets them.
import { readdirSync, readFileSync } from 'node:fs';
import { join } from 'node:path';

/** Pages outside of docs/, by their addresses. */
const OTHERS = {
  'README.md': 'index.md',
  'CHANGELOG.md': 'changelog.md',
  'CONTRIBUTING.md': 'contributing.md',
  'SECURITY.md': 'security-policy.md',
  'deploy/README.md': 'deploy/index.md',
};

/**
 * By task. Each name stands for `docs/<name>.md`.
 *
 * @type {readonly (readonly [string, readonly string[]])[]}
 */
const GROUPS = [
  ['Begin', ['README.md', 'quick-start', 'beans', 'session', 'options', 'conflicts', 'choosing', 'testing']],
  ['Users', ['login', 'passport', 'administration', 'browsers', 'responses', 'middleware']],
  ['Beyond handlers', ['outside-handlers', 'jobs', 'one-call', 'graphql', 'websockets']],
  [
    'Stores',
    [
      'stores/README',
      'stores/redis',
      'stores/postgres',
      'stores/sqlite',
      'near-cache',
      'replication',
      'stores/documents',
      'stores/express-session',
      'stores/writing-a-store',
    ],
  ],
  [
    'In production',
    [
      'deploy/README.md',
      'proxies',
      'kubernetes',
      'serverless',
      'schema-changes',
      'scale',
      'observability',
      'troubles',
      'errors',
      'floods',
      'security',
      'SECURITY.md',
    ],
  ],
  ['Coming from elsewhere', ['from-express-session', 'from-fastify-session', 'request-session', 'compatibility']],
  ['How it works', ['sample', 'performance', 'lab/report', 'architecture', 'security-requirements', 'faults']],
];

/** What changes with each release, or is for people who change the package. */
const LAST = ['CONTRIBUTING.md', 'CHANGELOG.md'];

/** The Markdown files that are pages, by their paths in the repository. */
export function pagesOfRepository(root) {
  const docs = readdirSync(join(root, 'docs'), { recursive: true }).filter((path) => path.endsWith('.md'));
  return [...Object.keys(OTHERS), ...docs.map((path) => `docs/${path.replaceAll('\\', '/')}`)].toSorted();
}

export function isPage(path) {
  return path in OTHERS || /^docs\/.*[.]md$/.test(path);
}

/** The file of the site, below its root. */
export function addressOf(page) {
  return OTHERS[page] ?? page.replace(/^docs\//, '').replace(/README[.]md$/, 'index.md');
}

export function titleOf(root, page) {
  if (page === 'README.md') return 'What it is';
  return /^# (.*)$/m.exec(readFileSync(join(root, page), 'utf8'))?.[1] ?? page;
}

/** The pages that exist, in groups. A page that no group names is in the last one, so that none is lost. */
export function groups(pages) {
  const named = GROUPS.map(([title, names]) => ({
    title,
    pages: names.map(pathOf).filter((it) => pages.includes(it)),
  }));
  const found = new Set([...named.flatMap((it) => it.pages), ...LAST]);
  const more = { title: 'More', pages: [...pages.filter((it) => !found.has(it)), ...LAST] };
  return [...named, more].filter((group) => group.pages.length > 0);
}

function pathOf(name) {
  return name.endsWith('.md') ? name : `docs/${name}.md`;
}
