import { readFileSync, readdirSync } from 'node:fs';
import { join } from 'node:path';

const folder = join(import.meta.dirname, '../../examples');

interface Manifest {
  readonly dependencies: Readonly<Record<string, string>>;
  readonly devDependencies: Readonly<Record<string, string>>;
}

/** One of the applications in `examples`. */
export class Example {
  readonly directory: string;
  readonly manifest: Manifest;

  constructor(readonly name: string) {
    this.directory = join(folder, name);
    this.manifest = JSON.parse(readFileSync(join(this.directory, 'package.json'), 'utf8')) as Manifest;
  }

  /** Its TypeScript, by path. */
  sources(): readonly [string, string][] {
    const directory = join(this.directory, 'src');
    return readdirSync(directory)
      .map((file) => join(directory, file))
      .map((path) => [path, readFileSync(path, 'utf8')]);
  }

  /** The blocks of its README that show commands, each with the output that it promises. */
  dialogues(): readonly (readonly Step[])[] {
    const readme = readFileSync(join(this.directory, 'README.md'), 'utf8');
    return [...readme.matchAll(/^```console\n([^]*?)^```$/gm)].map(([, block = '']) =>
      block
        .split(/^\$ /m)
        .slice(1)
        .map((text) => {
          // A command goes on in the next line behind a backslash.
          const [command = ''] = /^(.*\\\n)*.*/.exec(text) ?? [];
          return { command, output: text.slice(command.length).trim() };
        }),
    );
  }
}

interface Step {
  readonly command: string;
  readonly output: string;
}

export const examples: readonly Example[] = readdirSync(folder, { withFileTypes: true })
  .filter((entry) => entry.isDirectory())
  .map(({ name }) => new Example(name));
