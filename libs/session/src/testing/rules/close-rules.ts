import type { ContractRules } from '../store-under-test.js';

export const closeRules: ContractRules = {
  '[C1] a store can be closed, used or not, and closed again': async (on) => {
    const unused = await on.open();
    await unused.close();
    await on.begin();
    await on.store.close();
    await on.store.close();
  },
  '[C2] a store that was closed serves again when it is opened': async (on) => {
    for (let i = 0; i < 2; i++) {
      await on.store.close();
      await on.store.open?.();
      const { access } = await on.begin();
      await on.found(access);
    }
  },
};
