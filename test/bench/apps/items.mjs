const ITEM_BYTES = 68;

/** Rows of a cart that make about `bytes` of JSON together. */
export function items(bytes) {
  return Array.from({ length: Math.round(bytes / ITEM_BYTES) }, (_, i) => ({
    sku: `sku-${String(i).padStart(6, '0')}`,
    name: `item number ${i % 10}`,
    quantity: 1 + (i % 7),
    price: 1000 + (i % 9000),
  }));
}

/** Waits between the read and the write of a request, so that concurrent requests can lose an update. */
export const pause = () => new Promise((resolve) => setTimeout(resolve, Math.random() * 5));
