import { existsSync, mkdirSync, readFileSync, readdirSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import type { CellRecord, CellSample, EndSample, Sample } from './samples.js';

/** The raw files of a run: one per cell, a line of JSON per sample. Reports are made of nothing else. */
export class RawFiles {
  /** @param directory e.g. `test/lab/out/normal/raw` */
  constructor(readonly directory: string) {
    mkdirSync(directory, { recursive: true });
  }

  /** Writes the file of a cell, in place of that of an earlier run. */
  write(cell: CellSample, samples: readonly Sample[], end: EndSample): void {
    const text = [cell, ...samples, end].map((sample) => `${JSON.stringify(sample)}\n`).join('');
    writeFileSync(join(this.directory, nameOf(cell)), text);
  }

  /** All cells, in no order. */
  read(): CellRecord[] {
    if (!existsSync(this.directory)) return [];
    return readdirSync(this.directory)
      .filter((file) => file.endsWith('.jsonl'))
      .map((file) => this.readOne(file));
  }

  private readOne(file: string): CellRecord {
    const lines = readFileSync(join(this.directory, file), 'utf8').split('\n').filter(Boolean);
    const samples = lines.map((line) => JSON.parse(line) as Sample);
    const [cell] = samples as [CellSample];
    const last = samples.at(-1);
    const error = last?.kind === 'end' ? last.error : 'it was cut off';
    return { ...cell, file, samples: samples.slice(1), error };
  }
}

function nameOf({ pattern, step, balancer }: CellSample): string {
  return `${balancer}-${pattern}-${step}.jsonl`;
}
