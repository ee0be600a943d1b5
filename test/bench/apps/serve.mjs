// One contestant as a server process: node serve.mjs <name> <redis port>. It sends its port over IPC when it listens.
import { contestant } from './contestants.mjs';

const [name, redisPort] = process.argv.slice(2);
const { app: file, options } = contestant(name);
const { createApp } = await import(`./${file}.mjs`);
const app = await createApp({ ...options, redisPort: Number(redisPort) });
await app.listen(0, '127.0.0.1');
process.on('message', (command) => {
  if (command !== 'memory') return;
  globalThis.gc();
  const { heapUsed, external, rss } = process.memoryUsage();
  process.send({ heap: heapUsed + external, rss });
});
process.on('disconnect', () => process.exit(0));
process.send({ port: app.getHttpServer().address().port });
