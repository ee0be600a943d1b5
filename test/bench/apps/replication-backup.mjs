// The other server of the replicated pattern: keeps copies, and has no clients of its own.
import { memberStore } from './replicated-store.mjs';

const [first, second, maxSessions] = process.argv.slice(2);
const store = await memberStore('s2', [first, second], maxSessions);
await store.open?.();
process.on('disconnect', () => process.exit(0));
process.send('ready');
