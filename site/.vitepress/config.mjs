import { readdirSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { defineConfig } from 'vitepress';
import { addressOf, groups, pagesOfRepository, titleOf } from '../pages.mjs';

const root = join(import.meta.dirname, '../..');
const { name, description } = JSON.parse(readFileSync(join(root, 'libs/session/package.json'), 'utf8'));

const sidebar = groups(pagesOfRepository(root)).map(({ title, pages }) => ({
  text: title,
  items: pages.map((page) => ({ text: titleOf(root, page), link: `/${addressOf(page).replace(/[.]md$/, '')}` })),
}));

const api = readdirSync(join(import.meta.dirname, '../pages/api'), { recursive: true, encoding: 'utf8' })
  .filter((path) => path.endsWith('.md') && path !== 'index.md')
  .toSorted();

export default defineConfig({
  title: name,
  description,
  lang: 'en',
  head: [['link', { rel: 'icon', href: '/icon.svg', type: 'image/svg+xml' }]],
  srcDir: 'pages',
  srcExclude: ['public/**'],
  outDir: 'dist',
  cacheDir: '.vitepress/cache',
  // The index of the search, and the reference of the main entry, are large by nature.
  vite: { build: { chunkSizeWarningLimit: 2000 } },
  markdown: {
    // Links to headings are written for GitHub.
    anchor: { slugify: githubSlug },
    toc: { slugify: githubSlug },
  },
  themeConfig: {
    search: {
      provider: 'local',
      options: {
        miniSearch: {
          // Both functions run in the browser: VitePress sends their text, so they use nothing from here.
          options: {
            processTerm: (term) =>
              /^(a|all|an|do|i|in|is|it|my|not|of|on|the|to|with)$/i.test(term) ? null : term.toLowerCase(),
          },
          searchOptions: {
            boost: { title: 4, text: 2, titles: 2 },
            // A page that says how to do something comes before those that say how it was made.
            boostDocument: (id) =>
              /\/(changelog|contributing|architecture|faults|security-requirements|lab\/)/.test(id)
                ? 0.2
                : /\/api\//.test(id)
                  ? 0.4
                  : 1,
          },
        },
      },
    },
    outline: [2, 3],
    nav: [
      { text: 'Guide', link: '/' },
      { text: 'API', link: '/api/', activeMatch: '^/api/' },
      { text: 'Changes', link: '/changelog' },
    ],
    sidebar: {
      '/': [...sidebar, { text: 'API', link: '/api/' }],
      '/api/': [
        { text: 'All', link: '/api/' },
        ...api.map((path) => ({
          text: path.replace(/(\/index)?[.]md$/, ''),
          link: `/api/${path.replace(/[.]md$/, '')}`,
        })),
      ],
    },
  },
});

function githubSlug(title) {
  return title
    .trim()
    .toLowerCase()
    .replaceAll(/[^\p{L}\p{M}\p{N}\p{Pc}\- ]/gu, '')
    .replaceAll(' ', '-');
}
