const element = (id) => document.getElementById(id);

/** The server closes a socket with it when the session is over. */
const SESSION_ENDED = 4401;

let socket;

function connect(user) {
  const address = new URL('/socket', location.href);
  address.protocol = address.protocol.replace('http', 'ws');
  socket = new WebSocket(address);
  socket.addEventListener('open', () => show(true, `You are ${user}.`));
  socket.addEventListener('message', ({ data }) => hear(JSON.parse(data)));
  socket.addEventListener('close', ({ code }) => {
    if (code === SESSION_ENDED) return show(false, 'You are logged out.');
    element('state').textContent = 'The connection is lost. It is tried again.';
    setTimeout(() => void resume(), 1000);
  });
}

function hear({ event, data }) {
  if (event === 'tally') element('tally').textContent = data;
  if (event === 'exception') element('state').textContent = data.message;
  if (event !== 'line') return;
  const line = document.createElement('li');
  line.textContent = `${data.by}: ${data.text}`;
  element('lines').append(line);
}

function show(isLoggedIn, state) {
  element('login').hidden = isLoggedIn;
  element('talk').hidden = !isLoggedIn;
  element('state').textContent = state;
  element(isLoggedIn ? 'text' : 'user').focus();
}

/** Goes on with the session of this browser, if there is one. */
async function resume() {
  try {
    const response = await fetch('me');
    if (!response.ok) throw new Error(`the server answered ${response.status}`);
    const { user, lines } = await response.json();
    if (user === null) return show(false, 'Log in to talk.');
    element('tally').textContent = lines;
    connect(user);
  } catch {
    element('state').textContent = 'The server cannot be reached. It is tried again.';
    setTimeout(() => void resume(), 1000);
  }
}

async function post(path, body) {
  try {
    const headers = { 'content-type': 'application/json' };
    const response = await fetch(path, { method: 'POST', headers, body: JSON.stringify(body) });
    if (!response.ok) throw new Error(`the server answered ${response.status}`);
  } catch {
    element('state').textContent = 'That was not possible. Try again in a moment.';
    return;
  }
  // After a logout the server closes the socket, which shows it.
  if (path === 'login') await resume();
}

element('login').addEventListener('submit', (event) => {
  event.preventDefault();
  void post('login', { user: element('user').value });
});
element('talk').addEventListener('submit', (event) => {
  event.preventDefault();
  if (socket.readyState !== WebSocket.OPEN) return;
  socket.send(JSON.stringify({ event: 'say', data: element('text').value }));
  element('text').value = '';
});
element('logout').addEventListener('click', () => void post('logout', {}));
await resume();
