import type { SessionStore } from 'nestjs-session-beans';
import { accessOf } from 'nestjs-session-beans/store-kit';

/** Repeats the items in the cart of a session `times` times, which makes the session very large. */
export async function enlargeCart(store: SessionStore, id: string, times: number): Promise<void> {
  const access = accessOf(id);
  const found = await store.load(access);
  const cart = found.outcome === 'found' ? found.record.parts.get('cart') : undefined;
  if (!cart) throw new Error('the session has no cart yet');
  const payload = cart.payload.replace(
    /"items":\[(.*?)\]/,
    (_, item: string) => `"items":[${Array(times).fill(item).join(',')}]`,
  );
  const saved = await store.save({
    access,
    mode: 'update',
    writeId: 'enlarged',
    parts: new Map([['cart', { base: cart.version, payload }]]),
  });
  if (saved.outcome !== 'saved') throw new Error(`the cart was not enlarged: ${saved.outcome}`);
}
