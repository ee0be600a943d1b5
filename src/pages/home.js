const element = (id) => document.getElementById(id);

/** Two answers mean that nothing was stored, and that the same request may be sent again. */
const EXCUSES = {
  409: 'Another request of your session changed the same thing first. Nothing was stored: do it again.',
  503: 'The server cannot reach its sessions now. Yours is kept: try again in a moment.',
};

/** The first request of what a person does is shown; more may follow. */
let isTimed = false;

/** Sends a request, and says in plain words what went wrong. Undefined: it did not happen. */
async function ask(method, path, body) {
  let answer;
  try {
    answer = await fetch(path, {
      method,
      ...(body && { headers: { 'content-type': 'application/json' }, body: JSON.stringify(body) }),
    });
  } catch {
    tell('The server cannot be reached. Try again in a moment.');
    return undefined;
  }
  showTiming(method, path, answer.headers.get('server-timing'));
  if (!answer.ok) {
    const { message } = await answer.json().catch(() => ({}));
    tell(EXCUSES[answer.status] ?? message ?? `The server answered with ${answer.status}.`);
    return undefined;
  }
  tell('');
  const text = await answer.text();
  return answer.headers.get('content-type')?.includes('json') ? JSON.parse(text) : text;
}

function tell(text) {
  element('message').textContent = text;
}

/** `framework;dur=1.06, sessionLoad;dur=122.03, total;dur=123.09, cache;desc=miss, node;desc="s1"` */
function showTiming(method, path, header) {
  if (!header || isTimed) return;
  isTimed = true;
  const entries = header.split(',').map((entry) => entry.trim().split(';dur='));
  const phases = entries.filter(([name, ms]) => ms !== undefined && name !== 'total');
  const total = Number(entries.find(([name]) => name === 'total')?.[1] ?? 0);
  element('timed').textContent = `${method} ${path}: ${total.toFixed(1)} ms on the server`;
  element('timing').replaceChildren(
    ...phases.flatMap(([name, ms]) => {
      const bar = node('meter', { max: Math.max(total, 0.01), value: Number(ms), ariaLabel: `${name}, ${ms} ms` });
      return [node('dt', {}, name), node('dd', {}, bar, ` ${ms} ms`)];
    }),
  );
}

function node(tag, properties, ...children) {
  const made = Object.assign(document.createElement(tag), properties);
  made.append(...children);
  return made;
}

function button(text, work) {
  const made = node('button', {}, text);
  made.addEventListener('click', () => busy(work));
  return made;
}

function showCount(text) {
  if (text !== undefined) element('count').textContent = text.replace('counter=', '');
}

function showCart(cart) {
  if (cart === undefined) return;
  const articles = Map.groupBy(cart.items, ({ sku }) => sku);
  element('items').replaceChildren(...[...articles].map(([sku, items]) => cartLine(sku, items)));
  element('total').textContent = (cart.total / 100).toFixed(2);
}

function cartLine(sku, items) {
  const remove = button('Remove', async () => showCart(await ask('DELETE', `/cart/items/${encodeURIComponent(sku)}`)));
  remove.ariaLabel = `Remove ${sku}`;
  const cents = items.reduce((sum, { total }) => sum + total, 0);
  return node('li', {}, `${items.length} × ${sku}, ${(cents / 100).toFixed(2)} `, remove);
}

/** Everything that a login, a logout, or another window may have changed. */
async function showAll() {
  const me = await ask('GET', '/me');
  if (me === undefined) return;
  element('node').textContent = me.node ?? 'a server without a name';
  element('who').textContent = me.principal === null ? 'You are not logged in.' : `You are ${me.principal}.`;
  element('logout').hidden = me.principal === null;
  showCount(await ask('GET', '/count/peek'));
  showCart(await ask('GET', '/cart'));
  const page = me.principal === null ? { sessions: [] } : await ask('GET', '/me/sessions');
  if (page === undefined) return;
  const none = node('li', {}, 'They are shown when you are logged in.');
  element('sessions').replaceChildren(...(me.principal === null ? [none] : page.sessions.map(sessionLine)));
}

function sessionLine({ handle, current, authenticatedAt, labels }) {
  const text = `${labels.device ?? 'A device'}, since ${new Date(authenticatedAt).toLocaleTimeString()} `;
  if (current) return node('li', {}, node('strong', {}, 'This one: '), text);
  const end = button('End', async () => {
    if ((await ask('DELETE', `/me/sessions/${encodeURIComponent(handle)}`)) !== undefined) await showAll();
  });
  return node('li', {}, text, end);
}

/** Does one thing at a time, and marks the page as busy until it is done. */
function on(id, event, work) {
  element(id).addEventListener(event, (given) => {
    given.preventDefault();
    void busy(work);
  });
}

async function busy(work) {
  if (document.body.ariaBusy === 'true') return;
  isTimed = false;
  document.body.ariaBusy = 'true';
  await work();
  document.body.ariaBusy = 'false';
}

on('count-up', 'click', async () => showCount(await ask('GET', '/count')));
on('add', 'submit', async () => {
  const item = { sku: element('sku').value, quantity: 1, price: Number(element('price').value) };
  showCart(await ask('POST', '/cart/items', item));
});
on('login', 'submit', async () => {
  if ((await ask('POST', '/login', { user: element('user').value })) !== undefined) await showAll();
});
on('logout', 'click', async () => {
  if ((await ask('POST', '/logout')) !== undefined) await showAll();
});
void busy(showAll);
