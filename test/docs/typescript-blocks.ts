/** A ```ts block of a Markdown file, as a module of its own. */
export interface TypeScriptBlock {
  /**
   * File name for the compiler; a block whose first line is `// counter.ts` is what `./counter.js` means to the others.
   */
  readonly name: string;

  /** The page with everything blanked but the block and its preface: line numbers are those of the page. */
  readonly text: string;

  /** Starts with `// not compiled`. */
  readonly skipped: boolean;
}

/**
 * The blocks of one page. What only the compiler needs, imports and declarations, may stand in an HTML comment right
 * above a block, its preface:
 *
 *     <!-- ts
 *     import { Cart } from './cart.js';
 *     -->
 */
export function typeScriptBlocks(markdown: string): TypeScriptBlock[] {
  const lines = markdown.split('\n');
  const blocks: TypeScriptBlock[] = [];
  let preface: number[] = [];
  for (let line = 0; line < lines.length; line++) {
    if (lines[line] === '<!-- ts') {
      const end = lines.indexOf('-->', line);
      preface = range(line + 1, end);
      line = end;
    } else if (lines[line] === '```ts') {
      const end = lines.indexOf('```', line);
      const code = range(line + 1, end);
      const first = lines[line + 1] ?? '';
      const kept = new Set([...preface, ...code]);
      blocks.push({
        name: /^\/\/ ([\w.-]+\.ts)$/.exec(first)?.[1] ?? `line-${line + 1}.ts`,
        text: lines.map((text, index) => (kept.has(index) ? text : '')).join('\n'),
        skipped: first.startsWith('// not compiled'),
      });
      preface = [];
      line = end;
    } else if (lines[line]?.trim() !== '') {
      preface = [];
    }
  }
  return blocks;
}

function range(start: number, end: number): number[] {
  return Array.from({ length: end - start }, (_, index) => start + index);
}
