const element = (id) => document.getElementById(id);
let socket;

function connect() {
  const address = new URL('/chat/socket', location.href);
  address.protocol = address.protocol.replace('http', 'ws');
  element('state').textContent = 'connecting';
  const opened = (socket = new WebSocket(address));
  opened.addEventListener('open', () => {
    element('state').textContent = 'connected';
    send('count');
  });
  opened.addEventListener('message', ({ data }) => hear(JSON.parse(data)));
  opened.addEventListener('close', ({ code }) => {
    // After a login, the next socket may be open before the last one is closed.
    if (opened !== socket) return;
    // The close code says whether to connect again: 4401 means that the session is over.
    element('state').textContent = code === 4401 ? 'signed out' : 'not connected';
    if (code !== 4401) setTimeout(() => opened === socket && connect(), 1000);
  });
}

function send(event, data) {
  socket.send(JSON.stringify({ event, data }));
}

function hear({ event, data }) {
  if (event === 'count') element('count').textContent = data;
  if (event === 'line') {
    const line = document.createElement('li');
    line.textContent = `${data.by ?? 'nobody'}: ${data.text}`;
    element('lines').append(line);
  }
  if (event === 'exception') element('state').textContent = data.code ?? data.message;
}

/** The page is marked as busy until the request is answered. */
async function post(path, body, then = () => undefined) {
  document.body.ariaBusy = 'true';
  await fetch(path, { method: 'POST', headers: { 'content-type': 'application/json' }, body: JSON.stringify(body) });
  then();
  document.body.ariaBusy = 'false';
}

element('login').addEventListener('submit', (event) => {
  event.preventDefault();
  void post('/login', { user: element('user').value }, () => {
    socket?.close(1000);
    connect();
  });
});
element('logout').addEventListener('click', () => void post('/logout', {}));
element('say').addEventListener('submit', (event) => {
  event.preventDefault();
  send('say', element('text').value);
});
connect();
