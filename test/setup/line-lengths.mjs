// No line of a text file that git knows is longer than this. A row of a Markdown table, and a line with a long address,
// cannot be broken.
import { execFileSync } from 'node:child_process';
import { readFileSync } from 'node:fs';

const LONGEST = 120;
const TEXT = /[.](ts|mjs|cjs|js|lua|md|ya?ml|cfg|conf|template|sh)$|(^|\/)(Dockerfile|[.]npmrc|[.]gitignore|run)$/;

const files = execFileSync('git', ['ls-files', '-z'], { encoding: 'utf8' }).split('\0');
const found = files.filter((file) => TEXT.test(file)).flatMap(tooLong);
for (const line of found) console.log(line);
if (found.length > 0) console.log(`${found.length} lines are longer than ${LONGEST} columns`);
process.exitCode = found.length === 0 ? 0 : 1;

function tooLong(file) {
  const isMarkdown = file.endsWith('.md');
  return readFileSync(file, 'utf8')
    .split('\n')
    .flatMap((line, i) => {
      // Characters, also those that are two units of a string.
      const { length } = Array.from(line);
      const isFine = length <= LONGEST || (isMarkdown && /^\s*\|/.test(line)) || /\S{100}/.test(line);
      return isFine ? [] : [`${file}:${i + 1}: ${length} columns`];
    });
}
