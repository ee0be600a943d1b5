import { createRequire } from 'node:module';

const { version } = createRequire(import.meta.url)('@nestjs/core/package.json') as { version: string };

/** Whether the tests run with this release of Nest, or a later one: for faults of Nest that it has mended since. */
export function nestIsAtLeast(release: string): boolean {
  return version.localeCompare(release, 'en', { numeric: true }) >= 0;
}
