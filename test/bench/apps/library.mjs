import { createRequire } from 'node:module';
import { join, resolve } from 'node:path';
import { pathToFileURL } from 'node:url';

/**
 * Imports the library under test. BENCH_LIBRARY may name the root of another working copy, whose build is then
 * imported; this compares two versions in one run.
 * @param {'nestjs-session-beans' | 'nestjs-session-beans/redis' | 'nestjs-session-beans-replicated'} entry
 */
export function library(entry) {
  const other = process.env.BENCH_LIBRARY;
  if (!other) return import(entry);
  return import(pathToFileURL(createRequire(join(resolve(other), 'package.json')).resolve(entry)).href);
}
