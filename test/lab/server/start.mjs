// A server of the lab: the sample with some pages more. `SampleCluster` starts it.
import '../typescript.mjs';

await import('./main.ts');
