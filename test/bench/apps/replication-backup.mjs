// The second server of the replicated pattern. It keeps copies of sessions and has no clients of its own.
import { memberStore } from './replicated-store.mjs';

const [first, second, maxSessions] = process.argv.slice(2);
const store = await memberStore('s2', [first, second], maxSessions);
await store.open?.();
process.on('disconnect', () => process.exit(0));
process.send('ready');
