import { join } from 'node:path';
import { pathToFileURL } from 'node:url';

/**
 * The library under test: what `npm run build` made in this tree, or another build of it in the folder that BENCH_LIBRARY names, to compare two
 * versions in one run.
 * @param {'.' | 'redis' | 'replicated'} subpath
 */
export function library(subpath) {
  const other = process.env.BENCH_LIBRARY;
  if (other) return import(pathToFileURL(join(other, subpath, 'index.js')).href);
  return import(subpath === '.' ? 'nestjs-session-beans' : `nestjs-session-beans/${subpath}`);
}
