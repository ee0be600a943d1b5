// Opens many WebSockets in a process of its own: a process has a limit of open files. Says `open` when all are, and
// `closed` with the close codes of those with the first cookie when these are.
import { WebSocket } from 'ws';

process.on('message', ({ url, cookies, count }) => void open(url, cookies, count));
process.on('disconnect', () => process.exit());

async function open(url, cookies, count) {
  const ofFirst = [];
  for (let i = 0; i < count; i += 50) {
    const opening = Array.from({ length: Math.min(50, count - i) }, (_, j) => {
      const number = (i + j) % cookies.length;
      const socket = new WebSocket(url, { headers: { cookie: cookies[number] } });
      if (number === 0) ofFirst.push(new Promise((resolve) => socket.once('close', resolve)));
      return new Promise((resolve, reject) => socket.once('open', resolve).once('error', reject));
    });
    await Promise.all(opening);
  }
  process.send('open');
  process.send({ closed: await Promise.all(ofFirst) });
}
