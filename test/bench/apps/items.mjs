const ITEM_BYTES = 68;

/** What fills a session to about `bytes` of JSON: rows of a cart. */
export function items(bytes) {
  return Array.from({ length: Math.round(bytes / ITEM_BYTES) }, (_, i) => ({
    sku: `sku-${String(i).padStart(6, '0')}`,
    name: `item number ${i % 10}`,
    quantity: 1 + (i % 7),
    price: 1000 + (i % 9000),
  }));
}

/** Between the read and the write of a request that can lose an update. */
export const pause = () => new Promise((resolve) => setTimeout(resolve, Math.random() * 5));
