// A server of the lab: the sample with some pages more. `SampleCluster` starts it.
import { useTypeScript } from '../typescript.mjs';

useTypeScript();
await import('./main.ts');
