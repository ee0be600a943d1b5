/** Runs `count` pieces of work, `width` at a time; what was refused is a result too. */
export async function inParallel<T>(
  count: number,
  width: number,
  work: (i: number) => Promise<T>,
): Promise<PromiseSettledResult<T>[]> {
  const results: PromiseSettledResult<T>[] = [];
  let next = 0;
  const worker = async (): Promise<void> => {
    while (next < count) {
      const i = next++;
      const [result] = await Promise.allSettled([work(i)]);
      results[i] = result;
    }
  };
  await Promise.all(Array.from({ length: width }, worker));
  return results;
}
