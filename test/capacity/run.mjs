// npm run capacity: see `--help`, and docs/scale.md.
import { useTypeScript } from '../lab/typescript.mjs';

useTypeScript();
const { main } = await import('./main.ts');
process.exitCode = await main(process.argv.slice(2));
