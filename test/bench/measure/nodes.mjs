import { createRequire } from 'node:module';
import { dirname, join } from 'node:path';

/** Node binaries by major version: the running one, and the Node 24 of the npm package `node`. */
export function nodes() {
  const other = join(dirname(createRequire(import.meta.url).resolve('node/package.json')), 'bin/node');
  const running = process.versions.node.split('.', 1)[0];
  return { [running]: process.execPath, 24: other };
}
