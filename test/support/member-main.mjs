import 'reflect-metadata';
import { writeFileSync } from 'node:fs';
import { setTimeout as pause } from 'node:timers/promises';

const [transport, options] = process.argv.slice(2);
const { NestTcpReplicationTransport } = await import('./replicated/transports/tcp/nest-tcp-replication-transport.js');
const { GrpcReplicationTransport } = await import('./replicated/transports/grpc/grpc-replication-transport.js');
const Transport = transport === 'tcp' ? NestTcpReplicationTransport : GrpcReplicationTransport;
const settings = JSON.parse(options);
const member = new Transport({ ...settings, onWarning: () => undefined });
await member.listen(async (from, text) => {
  // Keeps the caller waiting until it loses patience or this process is killed.
  if (text === 'never') return new Promise(() => undefined);
  if (text.startsWith('slowly ')) {
    await pause(100);
    // Tells the test that the answer leaves.
    writeFileSync(text.slice('slowly '.length), '');
  }
  return `${settings.nodeName} to ${from}: ${text}`;
});
console.log('listening');
