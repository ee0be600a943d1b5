// Installs the Nest 11 packages and the GraphQL servers unless they are there, at the pinned versions.
import { spawnSync } from 'node:child_process';
import { join } from 'node:path';

for (const cwd of [import.meta.dirname, join(import.meta.dirname, '../../test/compat/graphql')]) {
  const installed = spawnSync('npm', ['ls'], { cwd, stdio: 'ignore' }).status === 0;
  if (!installed) {
    process.exitCode ||= spawnSync('npm', ['ci', '--prefer-offline'], { cwd, stdio: 'inherit' }).status ?? 1;
  }
}
