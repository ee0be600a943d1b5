import { afterAll } from '@jest/globals';
import { ExampleFolder } from './example-folder.js';

// The specs of `docs/testing.md` run as a reader gets them, and pass.

const examples = new ExampleFolder('docs/testing.md');
afterAll(() => examples.remove());

for (const name of examples.names) if (name.endsWith('spec.ts')) await examples.import(name);
