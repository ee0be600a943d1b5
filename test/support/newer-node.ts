import { expect, it } from '@jest/globals';
import { execFile, execFileSync } from 'node:child_process';
import { join } from 'node:path';

const root = join(import.meta.dirname, '../..');
const compat = join(root, 'test/compat');

/** Whether this Node has SQLite. */
export const hasSqlite = process.getBuiltinModule('node:sqlite') !== undefined;

/** A Node with SQLite: this one, or that of the npm package `node`. */
export function nodeWithSqlite(): string {
  if (hasSqlite) return process.execPath;
  execFileSync(process.execPath, [join(compat, 'install.mjs'), 'newer-node']);
  return join(compat, 'newer-node/node_modules/node/bin/node');
}

interface JestReport {
  readonly numPassedTests: number;
  readonly testResults: readonly { readonly message: string }[];
}

/**
 * Declares the tests of a spec that needs SQLite. A Node without it declares one test, which runs the spec on a Node
 * that has it.
 *
 * @param spec the path of the spec
 */
export function withSqlite(spec: string, declare: () => void): void {
  if (hasSqlite) return declare();
  it('passes on a Node with SQLite', async () => {
    const node = nodeWithSqlite();
    const { numPassedTests, testResults } = await runJest(node, spec);
    // Of a failed test, or of a spec that could not be loaded.
    expect(testResults.map(({ message }) => message).join('\n')).toBe('');
    expect(numPassedTests).toBeGreaterThan(0);
  });
}

/** Runs one spec. A newer Node has V8 flags of its own, so no option of this process is passed on. */
function runJest(node: string, spec: string): Promise<JestReport> {
  const jest = join(root, 'node_modules/jest/bin/jest.js');
  const { NODE_OPTIONS: _1, JEST_WORKER_ID: _2, ...env } = process.env;
  const args = ['--disable-warning=ExperimentalWarning', '--experimental-vm-modules', jest];
  const options = ['--json', '--runInBand', '--config', join(root, 'jest.config.mjs'), '--runTestsByPath', spec];
  return new Promise((resolve, reject) => {
    const settings = { cwd: root, env, maxBuffer: 64 * 1024 * 1024 };
    execFile(node, [...args, ...options], settings, (error, stdout, stderr) => {
      try {
        resolve(JSON.parse(stdout) as JestReport);
      } catch {
        reject(new Error(`jest did not report: ${stderr}`, { cause: error }));
      }
    });
  });
}
