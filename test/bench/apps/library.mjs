import { createRequire } from 'node:module';
import { join, resolve } from 'node:path';
import { pathToFileURL } from 'node:url';

/**
 * The library under test: the build of this working copy, or that of the other working copy whose root BENCH_LIBRARY names, to compare two versions in one run.
 * @param {'nestjs-session-beans' | 'nestjs-session-beans/redis' | 'nestjs-session-beans-replicated'} entry
 */
export function library(entry) {
  const other = process.env.BENCH_LIBRARY;
  if (!other) return import(entry);
  return import(pathToFileURL(createRequire(join(resolve(other), 'package.json')).resolve(entry)).href);
}
