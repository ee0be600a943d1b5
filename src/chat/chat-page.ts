import { CHAT_PATH } from './chat.gateway.js';

/** Ids are what the script, and tests, go by. */
export const CHAT_PAGE = `<!doctype html>
<html lang="en">
<head><meta charset="utf-8"><title>Chat</title><script src="/chat/chat.js" defer></script></head>
<body>
<h1>Chat</h1>
<p>State: <output id="state">not connected</output>. Counter of this session: <output id="count">0</output></p>
<p><input id="user" value="ann" aria-label="your name"> <button id="login">log in</button>
<button id="logout">log out</button></p>
<p><input id="text" aria-label="a line"> <button id="say">say</button></p>
<ul id="lines"></ul>
</body>
</html>
`;

/** Plain JavaScript of browsers. The close code says whether to connect again: 4401 means that the session is over. */
export const CHAT_SCRIPT = `
const element = (id) => document.getElementById(id);
let socket;

function connect() {
  const address = new URL('${CHAT_PATH}', location.href);
  address.protocol = address.protocol.replace('http', 'ws');
  element('state').textContent = 'connecting';
  const opened = (socket = new WebSocket(address));
  opened.onopen = () => {
    element('state').textContent = 'connected';
    send('count');
  };
  opened.onmessage = ({ data }) => hear(JSON.parse(data));
  opened.onclose = ({ code }) => {
    // After a login, the next socket may be open before the last one is closed.
    if (opened !== socket) return;
    element('state').textContent = code === 4401 ? 'signed out' : 'not connected';
    if (code !== 4401) setTimeout(() => opened === socket && connect(), 1000);
  };
}

function send(event, data) {
  socket.send(JSON.stringify({ event, data }));
}

function hear({ event, data }) {
  if (event === 'count') element('count').textContent = data;
  if (event === 'line') {
    const line = document.createElement('li');
    line.textContent = (data.by ?? 'nobody') + ': ' + data.text;
    element('lines').append(line);
  }
  if (event === 'exception') element('state').textContent = data.code ?? data.message;
}

element('login').onclick = async () => {
  const body = JSON.stringify({ user: element('user').value });
  await fetch('/login', { method: 'POST', headers: { 'content-type': 'application/json' }, body });
  socket?.close(1000);
  connect();
};
element('logout').onclick = () => fetch('/logout', { method: 'POST' });
element('say').onclick = () => send('say', element('text').value);
connect();
`;
