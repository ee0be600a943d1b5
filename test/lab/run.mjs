// npm run lab: see `--help`, and docs/choosing.md.
import { useTypeScript } from './typescript.mjs';

useTypeScript();
const { main } = await import('./main.ts');
process.exitCode = await main(process.argv.slice(2));
