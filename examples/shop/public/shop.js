const element = (id) => document.getElementById(id);
const price = (cents) => (cents / 100).toFixed(2);

/** The total that the user sees, and orders for. */
let total = 0;

/** After these answers nothing is stored. */
const EXCUSES = {
  401: 'Please log in first.',
  409: 'Another window changed your session at the same moment. Nothing was stored: do it again.',
};

/** Sends a request, tells the user what went wrong, and shows what the server has now. */
async function change(method, path, body) {
  // One thing at a time: a second click does nothing.
  if (document.body.ariaBusy === 'true') return;
  document.body.ariaBusy = 'true';
  try {
    element('message').textContent = (await problemOf(await call(method, path, body))) ?? '';
    await refresh();
  } catch {
    element('message').textContent = 'The shop cannot be reached. Try again in a moment.';
  } finally {
    document.body.ariaBusy = 'false';
  }
}

function call(method, path, body) {
  return fetch(path, {
    method,
    ...(body && { headers: { 'content-type': 'application/json' }, body: JSON.stringify(body) }),
  });
}

async function problemOf(response) {
  if (response.ok) return undefined;
  const { message, applied } = await response.json().catch(() => ({}));
  if (response.status !== 503) return EXCUSES[response.status] ?? message ?? `The shop answered ${response.status}.`;
  // The store of the sessions is away. The session itself is kept.
  return applied === false ? 'Not now: try again in a moment.' : 'Look whether it has happened before you try again.';
}

async function refresh() {
  const response = await call('GET', 'shop');
  if (!response.ok) {
    element('message').textContent = await problemOf(response);
    return;
  }
  const { user, articles, cart, orders } = await response.json();
  total = cart.total;
  element('greeting').textContent = user === null ? 'Welcome.' : `Welcome, ${user}.`;
  element('login').hidden = user !== null;
  for (const id of ['logout', 'orders-title']) element(id).hidden = user === null;
  list('articles', articles, ({ name, price: cents }) => [
    `${name}, ${price(cents)} `,
    button('Add', `Add ${name}`, () => void change('POST', `cart/${name}`)),
  ]);
  list('cart', cart.lines, ({ article, quantity }) => [
    `${quantity} × ${article} `,
    button('Remove', `Remove ${article}`, () => void change('DELETE', `cart/${article}`)),
  ]);
  element('total').textContent = price(total);
  element('order').disabled = cart.lines.length === 0;
  list('orders', orders, (order) => [`Number ${order.number}: ${price(order.total)}`]);
}

/** Who uses the keyboard stays where they are. */
function list(id, values, contentOf) {
  const focused = document.activeElement?.ariaLabel;
  element(id).replaceChildren(
    ...values.map((value) => {
      const item = document.createElement('li');
      item.append(...contentOf(value));
      return item;
    }),
  );
  if (focused) [...element(id).querySelectorAll('button')].find(({ ariaLabel }) => ariaLabel === focused)?.focus();
}

function button(text, label, work) {
  const made = document.createElement('button');
  made.textContent = text;
  made.ariaLabel = label;
  made.addEventListener('click', work);
  return made;
}

element('order').addEventListener('click', () => void change('POST', 'orders', { total }));
element('logout').addEventListener('click', () => void change('POST', 'logout'));
element('login').addEventListener('submit', (event) => {
  event.preventDefault();
  void change('POST', 'login', { user: element('user').value, password: element('password').value });
});
await refresh();
